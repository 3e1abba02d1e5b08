using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Serval.Manifests;

/// <summary>Plain scalars by the YAML 1.2 core schema: <c>yes</c> and <c>012</c> are what they look like to people.</summary>
internal static partial class YamlScalars
{
    /// <summary>The value of a plain scalar; null stands for JSON null.</summary>
    /// <exception cref="FormatException">The number has no JSON form.</exception>
    public static JsonNode? Resolve(string text)
    {
        switch (text)
        {
            case "" or "~" or "null" or "Null" or "NULL":
                return null;
            case "true" or "True" or "TRUE":
                return JsonValue.Create(true);
            case "false" or "False" or "FALSE":
                return JsonValue.Create(false);
            default:
                break;
        }
        if (Integer().IsMatch(text))
        {
            return long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var small)
                ? JsonValue.Create(small)
                : JsonNode.Parse(Normal(text));
        }
        if (Octal().IsMatch(text))
        {
            return JsonValue.Create(Convert.ToInt64(text[2..], 8));
        }
        if (Hexadecimal().IsMatch(text))
        {
            return JsonValue.Create(Convert.ToInt64(text[2..], 16));
        }
        if (Special().IsMatch(text))
        {
            throw new FormatException($"{text} has no form in JSON; quote it");
        }
        return Float().IsMatch(text) ? Number(text) : JsonValue.Create(text);
    }

    /// <summary>Whether a plain scalar with this text would be read back as text.</summary>
    public static bool IsText(string text) =>
        text is not ("" or "~" or "null" or "Null" or "NULL" or "true" or "True" or "TRUE" or "false" or "False" or "FALSE")
        && !Float().IsMatch(text) && !Integer().IsMatch(text) && !Octal().IsMatch(text) && !Hexadecimal().IsMatch(text) && !Special().IsMatch(text);

    private static JsonValue Number(string text)
    {
        var value = double.Parse(text, NumberStyles.Float, CultureInfo.InvariantCulture);
        return double.IsFinite(value) ? JsonValue.Create(value) : throw new FormatException($"{text} is too large for a number; quote it");
    }

    // "+007…" beyond 64 bits: JSON allows neither the plus nor the zeros.
    private static string Normal(string text)
    {
        var digits = text.TrimStart('+', '-').TrimStart('0');
        return (text[0] == '-' ? "-" : "") + (digits.Length == 0 ? "0" : digits);
    }

    [GeneratedRegex(@"^[-+]?[0-9]+\z", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Integer();

    [GeneratedRegex(@"^0o[0-7]+\z", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Octal();

    [GeneratedRegex(@"^0x[0-9a-fA-F]+\z", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Hexadecimal();

    [GeneratedRegex(@"^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\z", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Float();

    [GeneratedRegex(@"^([-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN))\z", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Special();
}
