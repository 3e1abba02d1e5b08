using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Serval.Kube.Yaml;

/// <summary>
/// Plain scalars as kubectl and the API server read them (sigs.k8s.io/yaml: goyaml.v2/resolve.go): truths and octals of YAML 1.1, the rest of 1.2.
/// </summary>
internal static partial class YamlScalars
{
    /// <summary>The value of a plain scalar; null stands for JSON null.</summary>
    /// <exception cref="FormatException">The number has no JSON form.</exception>
    public static JsonNode? Resolve(string text) => text switch
    {
        "" or "~" or "null" or "Null" or "NULL" => null,
        "true" or "True" or "TRUE" or "y" or "Y" or "yes" or "Yes" or "YES" or "on" or "On" or "ON" => JsonValue.Create(true),
        "false" or "False" or "FALSE" or "n" or "N" or "no" or "No" or "NO" or "off" or "Off" or "OFF" => JsonValue.Create(false),
        [(>= '0' and <= '9') or '+' or '-' or '.', ..] => Number(text),
        _ => JsonValue.Create(text),
    };

    /// <summary>Whether a plain scalar with this text is read back as text.</summary>
    public static bool IsText(string text) => !Special().IsMatch(text) && Resolve(text)?.GetValueKind() == JsonValueKind.String;

    private static JsonNode Number(string text)
    {
        if (Special().IsMatch(text))
        {
            throw new FormatException($"{text} has no form in JSON; quote it");
        }
        var plain = text[0] == '.' ? text : text.Replace("_", "", StringComparison.Ordinal);
        if (Integer().IsMatch(plain))
        {
            return long.TryParse(plain, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var small) ? JsonValue.Create(small) : JsonNode.Parse(plain.TrimStart('+'))!;
        }
        if (Prefixed().Match(plain) is { Success: true } prefixed)
        {
            return Whole(prefixed) is { } whole ? whole : JsonValue.Create(text);
        }
        return Float().IsMatch(plain) ? Fraction(plain) : JsonValue.Create(text);
    }

    private static JsonValue? Whole(Match match)
    {
        var radix = match.Groups["radix"].ValueSpan switch { "x" or "X" => 16u, "b" or "B" => 2u, _ => 8u };
        var value = UInt128.Zero;
        foreach (var digit in match.Groups["digits"].ValueSpan)
        {
            value = (value * radix) + (uint)(char.IsAsciiDigit(digit) ? digit - '0' : (digit | 0x20) - 'a' + 10);
            if (value > ulong.MaxValue)
            {
                return null;
            }
        }
        return match.ValueSpan[0] != '-' ? JsonValue.Create((ulong)value) : value <= long.MaxValue ? JsonValue.Create(-(long)value) : null;
    }

    private static JsonValue Fraction(string text)
    {
        var value = double.Parse(text, NumberStyles.Float, CultureInfo.InvariantCulture);
        return double.IsFinite(value) ? JsonValue.Create(value) : throw new FormatException($"{text} is too large for a number; quote it");
    }

    [GeneratedRegex(@"^[-+]?(0|[1-9][0-9]*)\z", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Integer();

    [GeneratedRegex(@"^[-+]?0((?<radix>[xX])(?<digits>[0-9a-fA-F]+)|(?<radix>[bB])(?<digits>[01]+)|(?<radix>[oO]?)(?<digits>[0-7]+))\z", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Prefixed();

    [GeneratedRegex(@"^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\z", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Float();

    [GeneratedRegex(@"^([-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN))\z", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Special();
}
