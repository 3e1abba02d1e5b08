using System.Text.Json;
using System.Text.Json.Nodes;
using Serval.Api;

namespace Serval.Kube;

/// <summary>Differences between JSON trees, as controllers need them to write only what changed.</summary>
public static class JsonDiff
{
    /// <summary>The RFC 7386 patch that turns <paramref name="from"/> into <paramref name="to"/>; null when they are equal.</summary>
    public static JsonObject? MergePatch(JsonObject from, JsonObject to)
    {
        JsonObject? patch = null;
        foreach (var (key, value) in to)
        {
            var before = from[key];
            if (value is null || JsonNode.DeepEquals(before, value))
            {
                continue;
            }
            patch ??= [];
            patch[key] = value is JsonObject after && before is JsonObject map ? MergePatch(map, after) : value.DeepClone();
        }
        foreach (var (key, _) in from)
        {
            if (to[key] is null)
            {
                (patch ??= [])[key] = null;
            }
        }
        return patch;
    }

    /// <summary>
    /// Whether everything <paramref name="desired"/> says stands in <paramref name="actual"/> already. Fields only the actual value has
    /// (server defaults, other writers' labels) do not count, except items of a list: a list has exactly the desired items, in order.
    /// </summary>
    public static bool Covers(JsonElement actual, JsonNode? desired)
    {
        switch (desired)
        {
            case null:
                return actual.ValueKind is JsonValueKind.Null or JsonValueKind.Undefined;
            case JsonObject map:
                if (actual.ValueKind != JsonValueKind.Object)
                {
                    return false;
                }
                foreach (var (key, value) in map)
                {
                    if (!actual.TryGetProperty(key, out var found))
                    {
                        if (IsEmpty(value))
                        {
                            continue;
                        }
                        return false;
                    }
                    if (!Covers(found, value))
                    {
                        return false;
                    }
                }
                return true;
            case JsonArray list:
                if (actual.ValueKind != JsonValueKind.Array || actual.GetArrayLength() != list.Count)
                {
                    return false;
                }
                var index = 0;
                foreach (var item in actual.EnumerateArray())
                {
                    if (!Covers(item, list[index++]))
                    {
                        return false;
                    }
                }
                return true;
            default:
                return SameScalar(actual, desired);
        }
    }

    private static bool IsEmpty(JsonNode? value) =>
        value is null || value is JsonObject { Count: 0 } || value is JsonArray { Count: 0 };

    private static bool SameScalar(JsonElement actual, JsonNode desired) => actual.ValueKind switch
    {
        JsonValueKind.String => desired.GetValueKind() == JsonValueKind.String && actual.ValueEquals(desired.GetValue<string>()),
        _ => CanonicalJson.Serialize(actual).AsSpan().SequenceEqual(CanonicalJson.Serialize(desired)),
    };
}
