namespace Serval.Api.Config;

/// <summary>Cuts a Go text/template into its text and its actions, with <c>{{-</c> and <c>-}}</c> trimming the text beside them.</summary>
internal static class TemplateText
{
    public const string Unclosed = "has {{ without }}";

    /// <param name="text">The template.</param>
    /// <param name="pieces">Each action, trimmed, with the text before it.</param>
    /// <param name="rest">The text after the last action.</param>
    /// <returns>False when an action has no end.</returns>
    public static bool TryCut(string text, out List<(string Literal, string Action)> pieces, out string rest)
    {
        pieces = [];
        rest = text;
        var (start, trim) = (0, false);
        int open;
        while ((open = text.IndexOf("{{", start, StringComparison.Ordinal)) >= 0)
        {
            var close = text.IndexOf("}}", open, StringComparison.Ordinal);
            if (close < 0)
            {
                return false;
            }
            var literal = Trimmed(text[start..open], trim);
            var action = text[(open + 2)..close];
            start = close + 2;
            if (action.StartsWith("- ", StringComparison.Ordinal))
            {
                literal = literal.TrimEnd();
                action = action[2..];
            }
            trim = action.EndsWith(" -", StringComparison.Ordinal);
            pieces.Add((literal, (trim ? action[..^2] : action).Trim()));
        }
        rest = Trimmed(text[start..], trim);
        return true;
    }

    private static string Trimmed(string text, bool trim) => trim ? text.TrimStart() : text;
}
