using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Serval.Api.Crds;

/// <summary>JSON values as text that is equal when the values are: keys in order, numbers in their shortest form.</summary>
internal static class JsonText
{
    public static string Of(JsonNode? node) => node is JsonValue value && value.GetValueKind() == JsonValueKind.Number
        ? Number(value)
        : Encoding.UTF8.GetString(CanonicalJson.Serialize(node));

    /// <summary>A text as JSON.</summary>
    public static string Quoted(string text) => Of(JsonValue.Create(text));

    /// <summary>The JSON schema type of a value: <c>object</c>, <c>array</c>, <c>string</c>, <c>integer</c>, <c>number</c>, <c>boolean</c>, <c>null</c>.</summary>
    public static string TypeOf(JsonNode? node) => node switch
    {
        null => "null",
        JsonObject => "object",
        JsonArray => "array",
        _ => node.GetValueKind() switch
        {
            JsonValueKind.String => "string",
            JsonValueKind.Number => node.AsValue().TryGetInteger(out _) ? "integer" : "number",
            JsonValueKind.True or JsonValueKind.False => "boolean",
            _ => "null",
        },
    };

    private static string Number(JsonValue value) => value.TryGetInteger(out var integer)
        ? integer.ToString(CultureInfo.InvariantCulture)
        : value.TryGetDouble(out var number) ? number.ToString("R", CultureInfo.InvariantCulture) : value.ToJsonString();

    /// <summary>A number without a fraction, however it is written: <c>5</c>, <c>5.0</c>, <c>5e0</c>.</summary>
    public static bool TryGetInteger(this JsonValue value, out long number)
    {
        number = 0;
        if (value.GetValueKind() != JsonValueKind.Number)
        {
            return false;
        }
        var text = value.ToJsonString();
        if (long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out number))
        {
            return true;
        }
        if (value.TryGetDouble(out var real) && Math.Floor(real) == real && Math.Abs(real) < 1L << 53)
        {
            number = (long)real;
            return true;
        }
        return false;
    }

    public static bool TryGetDouble(this JsonValue value, out double number)
    {
        number = 0;
        return value.GetValueKind() == JsonValueKind.Number
            && double.TryParse(value.ToJsonString(), NumberStyles.Float, CultureInfo.InvariantCulture, out number) && double.IsFinite(number);
    }
}
