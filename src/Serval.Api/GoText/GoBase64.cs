namespace Serval.Api.GoText;

/// <summary>Where Go stops to read a text as base64 (encoding/base64: StdEncoding, which passes over line ends).</summary>
public static class GoBase64
{
    /// <summary>The message with the place; null for base64.</summary>
    public static string? Complaint(ReadOnlySpan<char> text) => Place(text) is { } at ? $"illegal base64 data at input byte {at}" : null;

    private static int? Place(ReadOnlySpan<char> text)
    {
        var (at, filled) = (0, 0);
        while (true)
        {
            if (at == text.Length)
            {
                return filled == 0 ? null : at - filled;
            }
            var c = text[at++];
            if (char.IsAsciiLetterOrDigit(c) || c is '+' or '/')
            {
                filled = (filled + 1) % 4;
            }
            else if (c == '=')
            {
                return filled < 2 ? at - 1 : Padding(text, at, filled);
            }
            else if (c is not ('\n' or '\r'))
            {
                return at - 1;
            }
        }
    }

    /// <summary>Behind the first sign of padding.</summary>
    private static int? Padding(ReadOnlySpan<char> text, int at, int filled)
    {
        SkipLineEnds(text, ref at);
        if (filled == 2)
        {
            if (at == text.Length || text[at] != '=')
            {
                return at == text.Length ? at : at - 1;
            }
            at++;
            SkipLineEnds(text, ref at);
        }
        return at < text.Length ? at : null;
    }

    private static void SkipLineEnds(ReadOnlySpan<char> text, ref int at)
    {
        while (at < text.Length && text[at] is '\n' or '\r')
        {
            at++;
        }
    }
}
