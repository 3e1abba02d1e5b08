using System.Text.Json;
using System.Text.Json.Nodes;

namespace Serval.Api.Crds;

/// <summary>Values as Go prints them (fmt: %v and %T of decoded JSON).</summary>
internal static class GoText
{
    public static string Of(JsonNode? node) => node switch
    {
        null => "<nil>",
        JsonObject map => $"map[{string.Join(' ', map.OrderBy(p => p.Key, StringComparer.Ordinal).Select(p => $"{p.Key}:{Of(p.Value)}"))}]",
        JsonArray list => $"[{string.Join(' ', list.Select(Of))}]",
        _ when node.GetValueKind() == JsonValueKind.String => node.GetValue<string>(),
        _ => JsonText.Of(node),
    };

    public static string TypeOf(JsonNode? node) => JsonText.TypeOf(node) switch
    {
        "object" => "map[string]interface {}",
        "array" => "[]interface {}",
        "string" => "string",
        "integer" => "int64",
        "number" => "float64",
        "boolean" => "bool",
        _ => "<nil>",
    };
}
