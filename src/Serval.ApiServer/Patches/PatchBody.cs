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
    /// The tree. Of a repeated key the last value counts, and it comes into <paramref name="repeated"/>. <see cref="JsonException"/> when the
    /// text is no JSON or holds text that is no Unicode.
    /// </summary>
    internal static JsonNode? Read(ReadOnlySpan<byte> utf8, RepeatedKeys repeated) => Utf8.IsValid(utf8)
        ? Node(JsonElement.Parse(utf8, CanonicalJson.Reader), repeated)
        : throw new JsonException("the patch is not valid UTF-8");

    private static JsonNode? Node(JsonElement element, RepeatedKeys repeated)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.Object:
                var map = new JsonObject();
                foreach (var property in element.EnumerateObject())
                {
                    var key = Text(property, static p => p.Name);
                    repeated.Place.Push(key);
                    var value = Node(property.Value, repeated);
                    repeated.Place.Pop();
                    if (!map.TryAdd(key, value))
                    {
                        map[key] = value;
                        repeated.Add(key);
                    }
                }
                return map;
            case JsonValueKind.Array:
                return new JsonArray([.. element.EnumerateArray().Select((item, i) => Item(item, i, repeated))]);
            case JsonValueKind.String:
                _ = Text(element, static e => e.GetString());
                return JsonValue.Create(element);
            case JsonValueKind.Number when IsBeyondFloats(element):
                throw new JsonException($"json: cannot unmarshal number {element.GetRawText()} into Go value of type float64");
            default:
                return JsonValue.Create(element);
        }
    }

    private static JsonNode? Item(JsonElement element, int index, RepeatedKeys repeated)
    {
        repeated.Place.Push(index);
        var node = Node(element, repeated);
        repeated.Place.Pop();
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
