using System.Text.Json;
using System.Text.Json.Nodes;

namespace Serval.ApiServer.Patches;

/// <summary>A tree as Go prints maps and lists: <c>map[a:1 b:[x y]]</c> (fmt's %v).</summary>
internal static class GoMap
{
    public static string Text(JsonNode? node) => node switch
    {
        null => "<nil>",
        JsonObject map => $"map[{string.Join(' ', map.OrderBy(p => p.Key, StringComparer.Ordinal).Select(p => $"{p.Key}:{Text(p.Value)}"))}]",
        JsonArray list => $"[{string.Join(' ', list.Select(Text))}]",
        _ => node.GetValueKind() == JsonValueKind.String ? (string)node! : node.ToJsonString(),
    };

    /// <summary>A value where a text is wanted (fmt's %s): what is none is marked as such.</summary>
    public static string Word(JsonNode? node) => node?.GetValueKind() switch
    {
        null => "%!s(<nil>)",
        JsonValueKind.Number => $"%!s({(node.ToJsonString().AsSpan().IndexOfAny('.', 'e', 'E') >= 0 ? "float64" : "int64")}={node.ToJsonString()})",
        JsonValueKind.True or JsonValueKind.False => $"%!s(bool={node.ToJsonString()})",
        _ => Text(node),
    };

    /// <summary>What Go's decoder calls a value.</summary>
    public static string Kind(JsonNode? node) => node?.GetValueKind() switch
    {
        JsonValueKind.Array => "array",
        JsonValueKind.Object => "object",
        JsonValueKind.Number => "number",
        JsonValueKind.True or JsonValueKind.False => "bool",
        null => "null",
        _ => "string",
    };
}
