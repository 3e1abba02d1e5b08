namespace Serval.Api.Core;

/// <summary>
/// Kubernetes' syntax rules of names, labels and values (apimachinery util/validation). Each answers null when the text is right, else what
/// is wrong with it, with an example.
/// </summary>
public static class Names
{
    private const string LabelPattern = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
    private const string QualifiedPattern = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";

    private static readonly string s_labelRule = Rule(
        "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character",
        LabelPattern, "my-name", "123-abc");

    private static readonly string s_subdomainRule = Rule(
        "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character",
        $@"{LabelPattern}(\.{LabelPattern})*", "example.com");

    private static readonly string s_label1035Rule = Rule(
        "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character",
        "[a-z]([-a-z0-9]*[a-z0-9])?", "my-name", "abc-123");

    private static readonly string s_qualifiedRule = Rule(
        "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
        QualifiedPattern, "MyName", "my.name", "123-abc");

    private static readonly string s_valueRule = Rule(
        "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
        $"({QualifiedPattern})?", "MyValue", "my_value", "12345");

    private static readonly string s_configKeyRule = Rule(
        "a valid config key must consist of alphanumeric characters, '-', '_' or '.'", "[-._a-zA-Z0-9]+", "key.name", "KEY_NAME", "key-name");

    /// <summary>DNS label: at most 63 of <c>[a-z0-9-]</c>.</summary>
    public static string? Label(string text) => TooLong(text, 63) ?? (IsLabel(text) ? null : IsSubdomain(text) ? "must not contain dots" : s_labelRule);

    /// <summary>DNS label that starts with a letter.</summary>
    public static string? Label1035(string text) => TooLong(text, 63) ?? (IsLabel(text) && char.IsAsciiLetterLower(text[0]) ? null : s_label1035Rule);

    /// <summary>Dotted DNS labels, at most 253 bytes.</summary>
    public static string? Subdomain(string text) => TooLong(text, 253) ?? (IsSubdomain(text) ? null : s_subdomainRule);

    /// <summary>A domain name of at least two labels, as the errors of the field that holds it (IsFullyQualifiedDomainName).</summary>
    public static string? FullyQualified(string field, string text)
    {
        if (text.Length == 0)
        {
            return $"{field}: Required value";
        }
        var name = text.EndsWith('.') ? text[..^1] : text;
        var labels = name.Split('.');
        string[] errors = Subdomain(name) is { } wrong ? [Invalid(name, wrong)]
            : labels.Length < 2 ? [Invalid(name, "should be a domain with at least two segments separated by dots")]
            : [.. labels.Where(l => Label(l) is not null).Select(l => Invalid(l, Label(l)!)).Distinct()];
        return errors switch { [] => null, [var one] => one, _ => $"[{string.Join(", ", errors)}]" };

        string Invalid(string value, string why) => $"{field}: Invalid value: \"{value}\": {why}";
    }

    /// <summary>Key of a label or annotation: <c>[prefix/]name</c>.</summary>
    public static string? QualifiedName(string text) => QualifiedNameProblems(text) is [var first, ..] ? first : null;

    /// <summary>All that is wrong with such a key (IsQualifiedName).</summary>
    public static IReadOnlyList<string> QualifiedNameProblems(string text)
    {
        var slash = text.IndexOf('/', StringComparison.Ordinal);
        if (slash != text.LastIndexOf('/'))
        {
            return [$"a valid label key {s_qualifiedRule} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"];
        }
        var prefix = slash == 0 ? "prefix part must be non-empty" : slash > 0 && Subdomain(text[..slash]) is { } wrong ? "prefix part " + wrong : null;
        var name = text.AsSpan(slash + 1);
        var length = name.Length == 0 ? "name part must be non-empty" : name.Length > 63 ? "name part must be no more than 63 bytes" : null;
        var form = IsQualified(name) ? null : $"name part {s_qualifiedRule}";
        return (prefix ?? length ?? form) is null ? [] : [.. new[] { prefix, length, form }.OfType<string>()];
    }

    /// <summary>Value of a label: empty, or at most 63 of <c>[A-Za-z0-9-_.]</c>.</summary>
    public static string? LabelValue(string text) => System.Text.Encoding.UTF8.GetByteCount(text) > 63 ? "must be no more than 63 bytes" : (text.Length == 0 || IsQualified(text) ? null : s_valueRule);

    /// <summary>Key of a ConfigMap or Secret, also a file name.</summary>
    public static string? ConfigMapKey(string text) => TooLong(text, 253) ?? (
        text is "." or ".." ? $"must not be '{text}'"
        : text.StartsWith("..", StringComparison.Ordinal) ? "must not start with '..'"
        : text.Length > 0 && text.All(IsNameChar) ? null
        : s_configKeyRule);

    /// <summary>Name of an environment variable: printable ASCII without <c>=</c> (relaxed rule of Kubernetes 1.34).</summary>
    public static string? EnvVarName(string text) => text.Length > 0 && text.All(c => c is >= ' ' and <= '~' and not '=')
        ? null
        : "a valid environment variable name must consist only of printable ASCII characters other than '='";

    /// <summary>Name of a port: at most 15 of <c>[a-z0-9-]</c> with a letter in it.</summary>
    public static string? PortName(string text)
    {
        if (TooLong(text, 15) is { } wrong)
        {
            return wrong;
        }
        if (text.Length == 0 || !text.All(c => LowerOrDigit(c) || c == '-'))
        {
            return "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)";
        }
        return !text.Any(char.IsAsciiLetterLower) ? "must contain at least one letter (a-z)"
            : text.Contains("--", StringComparison.Ordinal) ? "must not contain consecutive hyphens"
            : text[0] == '-' || text[^1] == '-' ? "must not begin or end with a hyphen"
            : null;
    }

    /// <summary>All that is wrong with the name of a port (IsValidPortName).</summary>
    public static IEnumerable<string> PortNameProblems(string text)
    {
        if (TooLong(text, 15) is { } wrong)
        {
            yield return wrong;
        }
        if (text.Length == 0 || !text.All(c => LowerOrDigit(c) || c == '-'))
        {
            yield return "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)";
        }
        if (!text.Any(char.IsAsciiLetterLower))
        {
            yield return "must contain at least one letter (a-z)";
        }
        if (text.Contains("--", StringComparison.Ordinal))
        {
            yield return "must not contain consecutive hyphens";
        }
        if (text.StartsWith('-') || text.EndsWith('-'))
        {
            yield return "must not begin or end with a hyphen";
        }
    }

    /// <summary>A port number.</summary>
    public static string? PortNumber(long port) => port is >= 1 and <= 65535 ? null : "must be between 1 and 65535, inclusive";

    // Upstream's way to list examples, commas and all: clients compare these texts.
    private static string Rule(string says, string pattern, params ReadOnlySpan<string> examples)
    {
        var listed = string.Join(" or ", examples.ToArray().Select(e => $"'{e}', "));
        return $"{says} (e.g. {listed}regex used for validation is '{pattern}')";
    }

    private static string? TooLong(string text, int most) =>
        System.Text.Encoding.UTF8.GetByteCount(text) > most ? $"must be no more than {most} characters" : null;

    // First and last character by one rule, those between by another.
    private static bool Fits(ReadOnlySpan<char> text, Func<char, bool> edge, Func<char, bool> inner)
    {
        if (text.Length == 0 || !edge(text[0]) || !edge(text[^1]))
        {
            return false;
        }
        foreach (var c in text)
        {
            if (!inner(c))
            {
                return false;
            }
        }
        return true;
    }

    private static bool LowerOrDigit(char c) => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c);

    private static bool IsLabel(ReadOnlySpan<char> text) => Fits(text, LowerOrDigit, c => LowerOrDigit(c) || c == '-');

    private static bool IsSubdomain(string text)
    {
        foreach (var part in text.AsSpan().Split('.'))
        {
            if (!IsLabel(text.AsSpan(part)))
            {
                return false;
            }
        }
        return text.Length > 0;
    }

    private static bool IsQualified(ReadOnlySpan<char> text) => Fits(text, char.IsAsciiLetterOrDigit, IsNameChar);

    private static bool IsNameChar(char c) => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.';
}
