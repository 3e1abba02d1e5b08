namespace Serval.ApiServer.Selectors;

/// <summary>What a label key and a label value may look like (apimachinery util/validation: qualified names).</summary>
internal static class LabelSyntax
{
    private const string NameRule = "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";

    /// <summary>Null when the key is well formed, else what is wrong.</summary>
    public static string? KeyProblem(string key)
    {
        var slash = key.LastIndexOf('/');
        var name = key[(slash + 1)..];
        if (slash == 0 || key.IndexOf('/', StringComparison.Ordinal) != slash)
        {
            return "a qualified name has at most one '/' and a prefix before it";
        }
        if (slash > 253)
        {
            return "prefix part must be no more than 253 characters";
        }
        if (name.Length == 0)
        {
            return "name part must be non-empty";
        }
        return name.Length > 63 ? "name part must be no more than 63 characters" : WellFormed(name) ? null : NameRule;
    }

    /// <summary>Null when the value is well formed, else what is wrong.</summary>
    public static string? ValueProblem(string value) =>
        value.Length > 63 ? "must be no more than 63 characters" : value.Length == 0 || WellFormed(value) ? null : NameRule.Replace("name part", "a valid label", StringComparison.Ordinal);

    private static bool WellFormed(string text)
    {
        foreach (var c in text)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('-' or '_' or '.'))
            {
                return false;
            }
        }
        return char.IsAsciiLetterOrDigit(text[0]) && char.IsAsciiLetterOrDigit(text[^1]);
    }
}
