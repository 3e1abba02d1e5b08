using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Unicode;
using Serval.Api;
using Serval.Api.GoText;

namespace Serval.ApiServer.Patches;

/// <summary>
/// Reads the text of a patch into a tree in which every key and every text has been looked at once, so that whoever uses it later finds
/// nothing he cannot read. (A lazy tree reports repeated keys and half surrogate pairs only when they are touched.)
/// </summary>
internal static class PatchBody
{
    /// <summary>
    /// The tree. Of a repeated key the last value counts, and its path comes into <paramref name="repeated"/>. <see cref="JsonException"/> when the
    /// text is no JSON or holds text that is no Unicode.
    /// </summary>
    internal static JsonNode? Read(ReadOnlySpan<byte> utf8, List<string> repeated) => Utf8.IsValid(utf8)
        ? Node(JsonElement.Parse(utf8, CanonicalJson.Reader), repeated)
        : throw new JsonException("the patch is not valid UTF-8");

    private static JsonNode? Node(JsonElement element, List<string> repeated)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.Object:
                var map = new JsonObject();
                foreach (var property in element.EnumerateObject())
                {
                    var key = Text(property, static p => p.Name);
                    var value = Below(property.Value, repeated, key);
                    if (!map.TryAdd(key, value))
                    {
                        map[key] = value;
                        repeated.Add(key);
                    }
                }
                return map;
            case JsonValueKind.Array:
                return new JsonArray([.. element.EnumerateArray().Select((item, i) => Below(item, repeated, null, i))]);
            case JsonValueKind.String:
                _ = Text(element, static e => e.GetString());
                return JsonValue.Create(element);
            case JsonValueKind.Number when IsBeyondFloats(element):
                throw new JsonException($"json: cannot unmarshal number {element.GetRawText()} into Go value of type float64");
            default:
                return JsonValue.Create(element);
        }
    }

    /// <summary>A member or an item; what repeats in it is told by its whole path.</summary>
    private static JsonNode? Below(JsonElement element, List<string> repeated, string? key, int index = 0)
    {
        var before = repeated.Count;
        var node = Node(element, repeated);
        for (var i = before; i < repeated.Count; i++)
        {
            repeated[i] = $"{key ?? $"[{index}]"}{(repeated[i].StartsWith('[') ? "" : ".")}{repeated[i]}";
        }
        return node;
    }

    private static bool IsBeyondFloats(JsonElement number)
    {
        var text = JsonMarshal.GetRawUtf8Value(number);
        return (text.Length > 300 || text.IndexOfAny((byte)'e', (byte)'E') >= 0) && GoNumber.Canonical(number.GetRawText()) is null;
    }

    private static string Text<T>(T from, Func<T, string?> read)
    {
        try
        {
            return read(from) ?? "";
        }
        catch (InvalidOperationException e)
        {
            throw new JsonException("a text has half of a surrogate pair (\\ud800 to \\udfff)", e);
        }
    }
}
