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
        while (rest.IndexOf("{{", StringComparison.Ordinal) is >= 0 and var open)
        {
            var close = rest.IndexOf("}}", open, StringComparison.Ordinal);
            if (close < 0)
            {
                return false;
            }
            var literal = rest[..open];
            var action = rest[(open + 2)..close];
            rest = rest[(close + 2)..];
            if (action.StartsWith("- ", StringComparison.Ordinal))
            {
                literal = literal.TrimEnd();
                action = action[2..];
            }
            if (action.EndsWith(" -", StringComparison.Ordinal))
            {
                rest = rest.TrimStart();
                action = action[..^2];
            }
            pieces.Add((literal, action.Trim()));
        }
        return true;
    }
}
