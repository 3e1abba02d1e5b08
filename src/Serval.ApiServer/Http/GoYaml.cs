using System.Globalization;
using System.Text;
using Serval.Kube.Yaml;
using YamlDotNet.Core;

namespace Serval.ApiServer.Http;

/// <summary>
/// What go-yaml says of a broken text (go.yaml.in/yaml/v2: decode.go, fail). Both parsers descend from libyaml: this one says what it was at and
/// what it met in one sentence, Go's the latter alone, after the line.
/// </summary>
internal static class GoYaml
{
    private const string TabAsIndentation = "found invalid tab as indentation";

    private static readonly Dictionary<string, string> s_others = new(StringComparer.Ordinal)
    {
        ["did not find expected hexadecimal number"] = "did not find expected hexdecimal number",
        ["found a tab character that violate indentation"] = "found a tab character that violates indentation",
        ["found invalid mapping"] = "mapping values are not allowed in this context",
        ["found invalid Unicode surrogates"] = "found invalid Unicode character escape code",
    };

    /// <summary>What the parser says; the rest is the scanner's.</summary>
    private static readonly string[] s_ofParser =
    [
        "did not find expected key", "did not find expected ',' or", "did not find expected '-' indicator", "did not find expected node content",
        "did not find expected <", "found undefined tag handle", "found duplicate %", "found incompatible YAML document",
    ];

    /// <param name="e">What this parser says.</param>
    /// <param name="body">The broken text, in UTF-8.</param>
    public static string Message(YamlException e, ReadOnlySpan<byte> body)
    {
        var problem = e.Message.TrimEnd('.');
        if (problem.StartsWith("While ", StringComparison.Ordinal) && problem.IndexOf(", ", StringComparison.Ordinal) is > 0 and var comma)
        {
            problem = problem[(comma + 2)..].Trim();
        }
        problem = problem.Length == 0 ? "unknown problem parsing YAML content" : char.ToLowerInvariant(problem[0]) + problem[1..];
        if (problem == TabAsIndentation)
        {
            return Tab(Encoding.UTF8.GetString(body));
        }
        return $"yaml: {Line(e, problem)}{s_others.GetValueOrDefault(problem, problem)}";
    }

    /// <summary>A tab that begins a line: this parser tells the mapping around it, Go the line, and whether a block of text went on there.</summary>
    private static string Tab(string text)
    {
        var lines = text.ReplaceLineEndings("\n").Split('\n');
        var at = Array.FindIndex(lines, l => l.TrimStart(' ').StartsWith('\t'));
        var wrong = at > 0 && IsInBlock(lines.AsSpan(0, at)) ? "found a tab character where an indentation space is expected" : "found character that cannot start any token";
        return at > 0 ? string.Create(CultureInfo.InvariantCulture, $"yaml: line {at + 1}: {wrong}") : $"yaml: {wrong}";
    }

    /// <summary>Whether the lines end in a block scalar: one that ends with <c>|</c> or <c>&gt;</c>, and what is further in.</summary>
    private static bool IsInBlock(ReadOnlySpan<string> lines)
    {
        var within = int.MaxValue;
        for (var i = lines.Length - 1; i >= 0; i--)
        {
            var line = lines[i].TrimEnd();
            if (line.Length == 0)
            {
                continue;
            }
            var indent = line.Length - line.TrimStart(' ').Length;
            if (indent < within && line.TrimEnd("+-0123456789".ToCharArray()) is [.., '|' or '>'])
            {
                return true;
            }
            within = Math.Min(within, indent);
            if (within == 0)
            {
                return false;
            }
        }
        return false;
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
