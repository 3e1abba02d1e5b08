using System.Globalization;
using Serval.Api.GoText;

namespace Serval.Api.Schema;

/// <summary>Times as the API writes them: RFC 3339 in UTC, whole seconds or microseconds.</summary>
internal static class TimeText
{
    private static readonly string[] s_forms =
    [
        "yyyy-MM-dd'T'HH:mm:ss'Z'", "yyyy-MM-dd'T'HH:mm:ss.FFFFFFF'Z'", "yyyy-MM-dd'T'HH:mm:sszzz", "yyyy-MM-dd'T'HH:mm:ss.FFFFFFFzzz",
    ];

    /// <summary>Whether the bytes already are a canonical time of whole seconds, such as <c>2026-01-31T08:00:00Z</c>.</summary>
    public static bool IsCanonical(ReadOnlySpan<byte> text)
    {
        if (text.Length != 20 || text[19] != (byte)'Z')
        {
            return false;
        }
        ReadOnlySpan<byte> mask = "0000-00-00T00:00:00Z"u8;
        for (var i = 0; i < mask.Length; i++)
        {
            if (mask[i] == (byte)'0' ? !char.IsAsciiDigit((char)text[i]) : mask[i] != text[i])
            {
                return false;
            }
        }
        return Two(text, 5) is >= 1 and <= 12 && Two(text, 8) is >= 1 and <= 28 && Two(text, 11) < 24 && Two(text, 14) < 60 && Two(text, 17) < 60;

        static int Two(ReadOnlySpan<byte> text, int at) => ((text[at] - '0') * 10) + text[at + 1] - '0';
    }

    public static bool TryCanonicalize(string text, bool micro, out string canonical)
    {
        canonical = "";
        if ((micro && GoTime.Complaint(text, micro: true) is not null) || !TryRead(text, out var time))
        {
            return false;
        }
        canonical = time.UtcDateTime.ToString(micro ? "yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'" : "yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
        return true;
    }

    /// <summary>What Go's parser says of a text that is no time.</summary>
    public static string Complaint(string text, bool micro) => GoTime.Complaint(text, micro) ?? $"parsing time {GoQuote.Quote(text)}: beyond the times that can be kept";

    private static bool TryRead(string text, out DateTimeOffset time)
    {
        // Nine digits of a second's fraction are usual in Go; .NET reads seven.
        var dot = text.IndexOf('.', StringComparison.Ordinal);
        if (dot > 0)
        {
            var end = dot + 1;
            while (end < text.Length && char.IsAsciiDigit(text[end]))
            {
                end++;
            }
            if (end - dot > 8)
            {
                text = string.Concat(text.AsSpan(0, dot + 8), text.AsSpan(end));
            }
        }
        return DateTimeOffset.TryParseExact(
            text, s_forms, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out time);
    }
}
