using System.Globalization;
using System.Text.Json;

namespace Serval.ApiServer.Tables;

/// <summary>Reads fields of an object that may be absent: a missing step reads as an undefined element, an empty text, zero or no items.</summary>
internal static class JsonFields
{
    public static JsonElement At(this JsonElement element, params ReadOnlySpan<string> path)
    {
        foreach (var step in path)
        {
            if (element.ValueKind != JsonValueKind.Object || !element.TryGetProperty(step, out element))
            {
                return default;
            }
        }
        return element;
    }

    /// <summary>The scalar at the path as text; empty when it is absent or null.</summary>
    public static string Text(this JsonElement element, params ReadOnlySpan<string> path)
    {
        var value = element.At(path);
        return value.ValueKind switch
        {
            JsonValueKind.String => value.GetString() ?? "",
            JsonValueKind.Undefined or JsonValueKind.Null => "",
            _ => value.GetRawText(),
        };
    }

    public static long Number(this JsonElement element, params ReadOnlySpan<string> path)
    {
        var value = element.At(path);
        return value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var number) ? number : 0;
    }

    public static bool Flag(this JsonElement element, params ReadOnlySpan<string> path) =>
        element.At(path).ValueKind == JsonValueKind.True;

    public static DateTimeOffset? Time(this JsonElement element, params ReadOnlySpan<string> path)
    {
        var text = element.Text(path);
        return DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time) ? time : null;
    }

    public static IEnumerable<JsonElement> Items(this JsonElement element, params ReadOnlySpan<string> path)
    {
        var value = element.At(path);
        return value.ValueKind == JsonValueKind.Array ? value.EnumerateArray() : [];
    }

    public static IEnumerable<JsonProperty> Entries(this JsonElement element, params ReadOnlySpan<string> path)
    {
        var value = element.At(path);
        return value.ValueKind == JsonValueKind.Object ? value.EnumerateObject() : [];
    }

    /// <summary>Items of an array or entries of an object at the path.</summary>
    public static int Size(this JsonElement element, params ReadOnlySpan<string> path)
    {
        var value = element.At(path);
        return value.ValueKind switch
        {
            JsonValueKind.Array => value.GetArrayLength(),
            JsonValueKind.Object => value.GetPropertyCount(),
            _ => 0,
        };
    }

    public static bool Has(this JsonElement element, params ReadOnlySpan<string> path) =>
        element.At(path).ValueKind is not (JsonValueKind.Undefined or JsonValueKind.Null);

    /// <summary>The text, or <c>&lt;none&gt;</c>.</summary>
    public static string OrNone(this string text) => text.Length == 0 ? "<none>" : text;
}
