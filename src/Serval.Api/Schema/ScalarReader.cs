using System.Buffers.Text;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Nodes;
using Serval.Api.GoText;

namespace Serval.Api.Schema;

/// <summary>Checks one scalar and gives the node that is stored: the value itself, or its canonical form.</summary>
internal static class ScalarReader
{
    /// <summary>Null without a complaint means: a JSON type that does not fit. Complaints are Go's, or those of a schema where <paramref name="custom"/>.</summary>
    public static JsonNode? Read(JsonElement element, ValueKind kind, bool custom, out string? complaint)
    {
        complaint = null;
        return (kind, element.ValueKind) switch
        {
            (ValueKind.String, JsonValueKind.String) => JsonValue.Create(element),
            (ValueKind.Boolean, JsonValueKind.True or JsonValueKind.False) => JsonValue.Create(element),
            (ValueKind.Number, JsonValueKind.Number) => JsonValue.Create(element),
            (ValueKind.Int32 or ValueKind.Int64, JsonValueKind.Number) => Integer(element, kind, custom, out complaint),
            (ValueKind.IntOrString, JsonValueKind.String) => JsonValue.Create(element),
            (ValueKind.IntOrString, JsonValueKind.Number) => Integer(element, ValueKind.Int32, custom, out complaint),
            (ValueKind.Quantity, JsonValueKind.String or JsonValueKind.Number) => Quantity(element, custom, out complaint),
            (ValueKind.Time or ValueKind.MicroTime, JsonValueKind.String) => Time(element, kind == ValueKind.MicroTime, custom, out complaint),
            (ValueKind.Bytes, JsonValueKind.String) => Bytes(element, custom, out complaint),
            _ => null,
        };
    }

    /// <summary>Whether the text of a string can be had: escapes may name half a surrogate pair.</summary>
    public static bool IsReadable(JsonElement element)
    {
        try
        {
            _ = element.GetString();
            return true;
        }
        catch (InvalidOperationException)
        {
            return false;
        }
    }

    private static JsonNode? Integer(JsonElement element, ValueKind kind, bool custom, out string? complaint)
    {
        complaint = null;
        if (kind == ValueKind.Int32 ? element.TryGetInt32(out _) : element.TryGetInt64(out _))
        {
            return JsonValue.Create(element);
        }
        if (!custom || !element.TryGetDouble(out var number) || number != Math.Truncate(number))
        {
            return null;
        }
        // A schema of a custom kind takes 5.0 and 5e0 for an integer as well.
        var (least, most) = kind == ValueKind.Int32 ? (int.MinValue, int.MaxValue) : ((double)long.MinValue, (double)long.MaxValue);
        if (number < least || number > most || (kind == ValueKind.Int64 && number == most))
        {
            complaint = $"Invalid value: {element.GetRawText()}: must fit in {(kind == ValueKind.Int32 ? "32" : "64")} bits";
            return null;
        }
        return Parse(((long)number).ToString(System.Globalization.CultureInfo.InvariantCulture));
    }

    private static JsonNode? Quantity(JsonElement element, bool custom, out string? complaint)
    {
        var text = element.ValueKind == JsonValueKind.Number ? element.GetRawText() : element.GetString()!;
        complaint = Core.Quantity.TryCanonicalize(text, out var canonical) ? null : Said(text, Core.Quantity.Complaint, custom);
        return complaint is not null ? null : Keep(element, text, canonical);
    }

    private static JsonNode? Time(JsonElement element, bool micro, bool custom, out string? complaint)
    {
        complaint = null;
        if (!micro && TimeText.IsCanonical(Raw(element)))
        {
            return JsonValue.Create(element);
        }
        var text = element.GetString()!;
        complaint = TimeText.TryCanonicalize(text, micro, out var canonical) ? null : Said(text, TimeText.Complaint(text, micro), custom);
        return complaint is not null ? null : Keep(element, text, canonical);
    }

    private static JsonNode? Bytes(JsonElement element, bool custom, out string? complaint)
    {
        complaint = null;
        var raw = Raw(element);
        if (!raw.Contains((byte)'\\') && !raw.Contains((byte)' ') && Base64.IsValid(raw))
        {
            return JsonValue.Create(element);
        }
        // Line breaks inside base64 are read and dropped, as Go does.
        var text = element.GetString()!;
        var plain = text.Replace("\n", "", StringComparison.Ordinal).Replace("\r", "", StringComparison.Ordinal);
        if (GoBase64.Complaint(text) is { } illegal)
        {
            complaint = Said(text, illegal, custom);
            return null;
        }
        return Keep(element, text, plain);
    }

    private static string Said(string text, string complaint, bool custom) => custom ? $"Invalid value: \"{text}\": {complaint}" : complaint;

    private static JsonNode? Keep(JsonElement element, string text, string canonical) =>
        element.ValueKind == JsonValueKind.String && text == canonical ? JsonValue.Create(element) : JsonValue.Create(canonical);

    private static JsonNode? Parse(string json) => JsonNode.Parse(json);

    /// <summary>The bytes between the quotes.</summary>
    private static ReadOnlySpan<byte> Raw(JsonElement element) => JsonMarshal.GetRawUtf8Value(element)[1..^1];
}
