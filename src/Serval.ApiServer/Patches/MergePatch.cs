using System.Text.Json.Nodes;

namespace Serval.ApiServer.Patches;

/// <summary>JSON Merge Patch (RFC 7386). Pure: the target is changed in place and returned.</summary>
internal static class MergePatch
{
    internal static JsonObject Apply(JsonObject target, JsonObject patch)
    {
        foreach (var (key, value) in patch)
        {
            switch (value)
            {
                case null:
                    target.Remove(key);
                    break;
                case JsonObject nested:
                    target[key] = Apply(target[key] as JsonObject is { } present ? Detached(target, key, present) : [], nested);
                    break;
                case JsonArray list when target[key] is not JsonObject:
                    target[key] = WithoutNulls(list.DeepClone());
                    break;
                default:
                    target[key] = value.DeepClone();
                    break;
            }
        }
        return target;
    }

    /// <summary>Fields that are null, in objects in a list too, are left out: RFC 7386 keeps those, upstream's library does not (evanphx/json-patch: pruneNulls).</summary>
    private static JsonNode WithoutNulls(JsonNode node)
    {
        if (node is JsonObject map)
        {
            foreach (var (key, value) in map.ToList())
            {
                if (value is null)
                {
                    map.Remove(key);
                }
                else
                {
                    WithoutNulls(value);
                }
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

    private static JsonObject Detached(JsonObject parent, string key, JsonObject child)
    {
        parent.Remove(key); // a node has one parent; taking it out and back in is cheaper than a copy
        return child;
    }
}
