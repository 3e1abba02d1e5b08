using System.Globalization;
using Serval.Kube.Yaml;
using YamlDotNet.Core;

namespace Serval.ApiServer.Http;

/// <summary>
/// What go-yaml says of a broken text (go.yaml.in/yaml/v2: decode.go, fail). Both parsers descend from libyaml: this one says what it was at and
/// what it met in one sentence, Go's the latter alone, after the line.
/// </summary>
internal static class GoYaml
{
    private static readonly Dictionary<string, string> s_others = new(StringComparer.Ordinal)
    {
        ["did not find expected hexadecimal number"] = "did not find expected hexdecimal number",
        ["found a tab character that violate indentation"] = "found a tab character that violates indentation",
        ["found invalid tab as indentation"] = "found character that cannot start any token",
        ["found invalid mapping"] = "mapping values are not allowed in this context",
        ["found invalid Unicode surrogates"] = "found invalid Unicode character escape code",
    };

    /// <summary>What the parser says; the rest is the scanner's.</summary>
    private static readonly string[] s_ofParser =
    [
        "did not find expected key", "did not find expected ',' or", "did not find expected '-' indicator", "did not find expected node content",
        "did not find expected <", "found undefined tag handle", "found duplicate %", "found incompatible YAML document",
    ];

    public static string Message(YamlException e)
    {
        var problem = e.Message.TrimEnd('.');
        if (problem.StartsWith("While ", StringComparison.Ordinal) && problem.IndexOf(", ", StringComparison.Ordinal) is > 0 and var comma)
        {
            problem = problem[(comma + 2)..].Trim();
        }
        problem = problem.Length == 0 ? "unknown problem parsing YAML content" : char.ToLowerInvariant(problem[0]) + problem[1..];
        return $"yaml: {Line(e, problem)}{s_others.GetValueOrDefault(problem, problem)}";
    }

    /// <summary>Go counts lines from 0, does not tell the first, and adds one where its scanner, not its parser, has failed.</summary>
    private static string Line(YamlException e, string problem)
    {
        var line = e is AnchorNotFoundException or ExcessiveAliasException ? 0
            : s_ofParser.Any(p => problem.StartsWith(p, StringComparison.Ordinal)) ? e.Start.Line - 1
            : Math.Max(e.Start.Line, e.End.Line) is > 1 and var last ? last : 0;
        return line > 0 ? string.Create(CultureInfo.InvariantCulture, $"line {line}: ") : "";
    }
}
