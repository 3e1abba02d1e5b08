using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Serval.Api.GoText;

/// <summary>JSON values as Go prints them, and the words it has for their types.</summary>
public static class GoValue
{
    /// <summary>Maps and lists as <c>map[a:1 b:[x y]]</c>, texts as they are (fmt: %v).</summary>
    public static string Text(JsonNode? node) => node switch
    {
        null => "<nil>",
        JsonObject map => $"map[{string.Join(' ', map.OrderBy(p => p.Key, StringComparer.Ordinal).Select(p => $"{p.Key}:{Text(p.Value)}"))}]",
        JsonArray list => $"[{string.Join(' ', list.Select(Text))}]",
        _ when node.GetValueKind() == JsonValueKind.String => (string)node!,
        _ when node.GetValueKind() == JsonValueKind.Number => GoNumber.Canonical(node.ToJsonString()) ?? node.ToJsonString(),
        _ => node.ToJsonString(),
    };

    /// <summary>A value where a text is wanted: what is none is marked as such (fmt: %s).</summary>
    public static string Word(JsonNode? node) => node switch
    {
        null => "%!s(<nil>)",
        JsonValue when node.GetValueKind() != JsonValueKind.String => $"%!s({Type(node)}={Text(node)})",
        _ => Text(node),
    };

    /// <summary>The type of Go that a value is read as where no other is known (fmt: %T).</summary>
    public static string Type(JsonNode? node) => node?.GetValueKind() switch
    {
        JsonValueKind.Object => "map[string]interface {}",
        JsonValueKind.Array => "[]interface {}",
        JsonValueKind.String => "string",
        JsonValueKind.Number => long.TryParse(node.ToJsonString(), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out _) ? "int64" : "float64",
        JsonValueKind.True or JsonValueKind.False => "bool",
        _ => "<nil>",
    };

    /// <summary>What Go's decoder calls a value (encoding/json: UnmarshalTypeError).</summary>
    public static string Kind(JsonNode? node) => Kind(node?.GetValueKind() ?? JsonValueKind.Null);

    /// <summary>The same of the value that begins with a token.</summary>
    public static string Kind(JsonTokenType token) => Kind(token switch
    {
        JsonTokenType.StartArray => JsonValueKind.Array,
        JsonTokenType.StartObject => JsonValueKind.Object,
        JsonTokenType.Number => JsonValueKind.Number,
        JsonTokenType.True or JsonTokenType.False => JsonValueKind.True,
        JsonTokenType.Null => JsonValueKind.Null,
        _ => JsonValueKind.String,
    });

    /// <summary>As <see cref="Kind(JsonNode?)"/>.</summary>
    public static string Kind(JsonValueKind kind) => kind switch
    {
        JsonValueKind.Array => "array",
        JsonValueKind.Object => "object",
        JsonValueKind.Number => "number",
        JsonValueKind.True or JsonValueKind.False => "bool",
        JsonValueKind.Null => "null",
        _ => "string",
    };
}
