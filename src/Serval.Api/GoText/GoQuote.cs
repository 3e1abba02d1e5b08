using System.Globalization;
using System.Text;

namespace Serval.Api.GoText;

/// <summary>Text as Go puts it into its messages (strconv.Quote, fmt's <c>%q</c> and <c>%v</c> of what JSON holds).</summary>
public static class GoQuote
{
    /// <summary>The text in double quotes: what cannot be printed is escaped.</summary>
    public static string Quote(string text)
    {
        var quoted = new StringBuilder(text.Length + 2).Append('"');
        foreach (var rune in text.EnumerateRunes())
        {
            if (rune.Value is '"' or '\\')
            {
                quoted.Append('\\').Append((char)rune.Value);
            }
            else
            {
                Append(quoted, rune);
            }
        }
        return quoted.Append('"').ToString();
    }

    /// <summary>One byte of a text that was looked at byte by byte, in single quotes (encoding/json: quoteChar).</summary>
    public static string Byte(byte value)
    {
        switch (value)
        {
            case (byte)'\'':
                return "'\\''";
            case (byte)'\\':
                return "'\\\\'";
            default:
                var quoted = new StringBuilder("'");
                Append(quoted, new Rune((char)value));
                return quoted.Append('\'').ToString();
        }
    }

    /// <summary>Letters, marks, numbers, punctuation, symbols and the blank of ASCII (unicode.IsPrint).</summary>
    public static bool IsPrintable(Rune rune) => rune.Value == ' ' || Rune.GetUnicodeCategory(rune) is not (
        UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.Surrogate or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned
        or UnicodeCategory.SpaceSeparator or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator);

    private static void Append(StringBuilder quoted, Rune rune)
    {
        if (IsPrintable(rune))
        {
            quoted.Append(rune.ToString());
            return;
        }
        var named = "\a\b\f\n\r\t\v".IndexOf((char)Math.Min(rune.Value, char.MaxValue), StringComparison.Ordinal);
        _ = named >= 0 ? quoted.Append('\\').Append("abfnrtv"[named])
            : rune.Value is < ' ' or 0x7f ? quoted.Append(CultureInfo.InvariantCulture, $"\\x{rune.Value:x2}")
            : rune.Value < 0x10000 ? quoted.Append(CultureInfo.InvariantCulture, $"\\u{rune.Value:x4}")
            : quoted.Append(CultureInfo.InvariantCulture, $"\\U{rune.Value:x8}");
    }
}
