using System.Globalization;
using System.Text;
using System.Text.Unicode;

namespace Serval.Api.GoText;

/// <summary>Texts in JSON as Go reads them: what is no Unicode becomes U+FFFD (encoding/json: unquote), where .NET's reader refuses it.</summary>
public static class GoString
{
    private static ReadOnlySpan<byte> Replacement => "\uFFFD"u8;

    private static ReadOnlySpan<byte> EscapedReplacement => "\\ufffd"u8;

    /// <summary>The same JSON in which every text is Unicode: the given bytes where it is that already, which costs one look.</summary>
    public static ReadOnlyMemory<byte> Repair(ReadOnlyMemory<byte> json)
    {
        var whole = Utf8.IsValid(json.Span) ? json : RepairBytes(json.Span);
        return MayHoldHalves(whole.Span) ? RepairEscapes(whole) : whole;
    }

    private static bool MayHoldHalves(ReadOnlySpan<byte> json) => json.IndexOf("\\ud"u8) >= 0 || json.IndexOf("\\uD"u8) >= 0;

    /// <summary>Each byte for itself, as Go counts what is broken.</summary>
    private static byte[] RepairBytes(ReadOnlySpan<byte> json)
    {
        var repaired = new List<byte>(json.Length + 16);
        while (json.Length > 0)
        {
            var good = Rune.DecodeFromUtf8(json, out _, out var length) == System.Buffers.OperationStatus.Done;
            repaired.AddRange(good ? json[..length] : Replacement);
            json = json[(good ? length : 1)..];
        }
        return [.. repaired];
    }

    private static ReadOnlyMemory<byte> RepairEscapes(ReadOnlyMemory<byte> json)
    {
        byte[]? repaired = null;
        var text = json.Span;
        for (var at = 0; at < text.Length - 1; at++)
        {
            if (text[at] != (byte)'\\')
            {
                continue;
            }
            if (Unit(text, at) is not { } unit || !char.IsSurrogate((char)unit))
            {
                at++; // what is escaped; four digits of a code are passed over as plain text
            }
            else if (char.IsHighSurrogate((char)unit) && Unit(text, at + 6) is { } low && char.IsLowSurrogate((char)low))
            {
                at += 11;
            }
            else
            {
                repaired ??= json.ToArray();
                EscapedReplacement.CopyTo(repaired.AsSpan(at));
                at += 5;
            }
        }
        return repaired ?? json;
    }

    /// <summary>The code of an escape; null where there is none.</summary>
    private static int? Unit(ReadOnlySpan<byte> text, int at) =>
        at + 6 <= text.Length && text[at] == (byte)'\\' && text[at + 1] == (byte)'u'
        && int.TryParse(text.Slice(at + 2, 4), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var unit) ? unit : null;
}
