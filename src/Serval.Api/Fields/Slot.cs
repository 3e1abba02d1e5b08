using System.Text.Json.Nodes;

namespace Serval.Api.Fields;

/// <summary>A value that may be absent; a value that is there may be null.</summary>
internal readonly record struct Slot(bool Exists, JsonNode? Node)
{
    public static readonly Slot None = new(false, null);

    /// <summary>Whether there is nothing inside: absent, null, an empty list or object.</summary>
    public bool IsEmptyMap => Node is not JsonObject { Count: > 0 };

    public bool IsEmptyList => Node is not JsonArray { Count: > 0 };

    public static Slot Of(JsonNode? node) => new(true, node);

    public static Slot At(JsonObject? map, string key) => map is not null && map.TryGetPropertyValue(key, out var node) ? Of(node) : None;
}
