using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Unicode;
using Serval.Api.Schema;

namespace Serval.ApiServer.Patches;

/// <summary>
/// Reads the text of a patch into a tree in which every key and every text has been looked at once, so that whoever uses it later finds
/// nothing he cannot read. (A lazy tree reports repeated keys and half surrogate pairs only when they are touched.)
/// </summary>
internal static class PatchBody
{
    private static readonly JsonDocumentOptions s_options = new() { MaxDepth = StrictDecoder.MaxDepth };

    /// <summary>The tree. <see cref="JsonException"/> when the text is no JSON, repeats a key or holds text that is no Unicode.</summary>
    internal static JsonNode? Read(ReadOnlySpan<byte> utf8) => Utf8.IsValid(utf8)
        ? Node(JsonElement.Parse(utf8, s_options))
        : throw new JsonException("the patch is not valid UTF-8");

    private static JsonNode? Node(JsonElement element)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.Object:
                var map = new JsonObject();
                foreach (var property in element.EnumerateObject())
                {
                    var key = Text(property, static p => p.Name);
                    if (!map.TryAdd(key, Node(property.Value), out _))
                    {
                        throw new JsonException($"the key \"{key}\" is there twice");
                    }
                }
                return map;
            case JsonValueKind.Array:
                return new JsonArray([.. element.EnumerateArray().Select(Node)]);
            case JsonValueKind.String:
                _ = Text(element, static e => e.GetString());
                return JsonValue.Create(element);
            default:
                return JsonValue.Create(element);
        }
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
