using System.Text.Json.Nodes;

namespace Serval.ApiServer.Patches;

/// <summary>JSON Merge Patch (RFC 7386). Pure: the target is changed in place and returned.</summary>
internal static class MergePatch
{
    internal static JsonObject Apply(JsonObject target, JsonObject patch)
    {
        var gone = new List<string>();
        foreach (var (key, value) in patch)
        {
            switch (value)
            {
                case null:
                    gone.Add(key);
                    break;
                case JsonObject nested when target[key] is JsonObject present:
                    Apply(present, nested);
                    break;
                case JsonObject nested:
                    target[key] = Apply([], nested);
                    break;
                case JsonArray list when target[key] is not JsonObject:
                    target[key] = WithoutNulls(list.DeepClone());
                    break;
                default:
                    target[key] = value.DeepClone();
                    break;
            }
        }
        MapKeys.Remove(target, gone);
        return target;
    }

    /// <summary>Fields that are null, in objects in a list too, are left out: RFC 7386 keeps those, upstream's library does not (evanphx/json-patch: pruneNulls).</summary>
    private static JsonNode WithoutNulls(JsonNode node)
    {
        if (node is JsonObject map)
        {
            MapKeys.Remove(map, [.. map.Where(p => p.Value is null).Select(p => p.Key)]);
            foreach (var (_, value) in map)
            {
                WithoutNulls(value!);
            }
        }
        else if (node is JsonArray list)
        {
            foreach (var item in list)
            {
                if (item is not null)
                {
                    WithoutNulls(item);
                }
            }
        }
        return node;
    }
}
