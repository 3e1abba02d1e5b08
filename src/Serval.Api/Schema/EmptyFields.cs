using System.Text.Json;
using System.Text.Json.Nodes;

namespace Serval.Api.Schema;

/// <summary>
/// What Go's encoder leaves out of objects where a field's tag says <c>omitempty</c>: false, 0, the empty text, list and map. <see cref="StrictDecoder"/> does not keep it;
/// here it is taken out of what did not come through there.
/// </summary>
public static class EmptyFields
{
    /// <summary>Takes them out: of a built-in kind all, of another one those of its metadata, as its decoder does. Returns whether there were any.</summary>
    public static bool Remove(ResourceKind kind, JsonObject tree) => Remove(kind, tree, default);

    /// <summary>The same, but leaves those in whose field <paramref name="stored"/> has: they empty it.</summary>
    public static bool Remove(ResourceKind kind, JsonObject tree, JsonElement stored) => !kind.IsCustom
        ? Remove(tree, Schemas.For(kind).Type, stored)
        : tree["metadata"] is JsonObject metadata && Remove(metadata, Schemas.ObjectMeta, Member(stored, "metadata"));

    private static bool Remove(JsonObject tree, TypeSchema type, JsonElement stored)
    {
        List<string>? empty = null;
        var any = false;
        foreach (var (name, value) in tree)
        {
            if (value is null || type.Find(name) is not { } field)
            {
                continue;
            }
            var there = Member(stored, name);
            any |= Within(value, field.Value, there);
            if (field.LeavesOutEmpty && there.ValueKind == JsonValueKind.Undefined && IsEmpty(value))
            {
                (empty ??= []).Add(name);
            }
        }
        empty?.ForEach(name => tree.Remove(name));
        return any || empty is not null;
    }

    /// <summary>Whether a value that stands in JSON is one that <c>omitempty</c> leaves out.</summary>
    internal static bool IsEmpty(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.False => true,
        JsonValueKind.String => element.ValueEquals(""u8),
        JsonValueKind.Number => element.TryGetInt64(out var number) && number == 0,
        _ => false,
    };

    private static bool IsEmpty(JsonNode value) => value switch
    {
        JsonArray list => list.Count == 0,
        JsonObject map => map.Count == 0,
        _ => value.GetValueKind() switch
        {
            JsonValueKind.False => true,
            JsonValueKind.String => value.GetValue<string>().Length == 0,
            JsonValueKind.Number => value.ToJsonString() is "0" or "-0",
            _ => false,
        },
    };

    private static JsonElement Member(JsonElement map, string name) =>
        map.ValueKind == JsonValueKind.Object && map.TryGetProperty(name, out var found) ? found : default;

    private static bool Within(JsonNode value, ValueSchema schema, JsonElement stored)
    {
        var any = false;
        switch (schema.Kind)
        {
            case ValueKind.Object when value is JsonObject inner:
                return Remove(inner, schema.Type!, stored);
            case ValueKind.List when value is JsonArray list && HasFields(schema.Item!):
                for (var i = 0; i < list.Count; i++)
                {
                    var there = stored.ValueKind == JsonValueKind.Array && i < stored.GetArrayLength() ? stored[i] : default;
                    any |= list[i] is { } item && Within(item, schema.Item!, there);
                }
                return any;
            case ValueKind.Map when value is JsonObject map && HasFields(schema.Item!):
                foreach (var (name, item) in map)
                {
                    any |= item is not null && Within(item, schema.Item!, Member(stored, name));
                }
                return any;
            default:
                return false;
        }
    }

    private static bool HasFields(ValueSchema item) => item.Kind is ValueKind.Object or ValueKind.List or ValueKind.Map;
}
