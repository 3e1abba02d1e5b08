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
                default:
                    target[key] = value.DeepClone();
                    break;
            }
        }
        return target;
    }

    private static JsonObject Detached(JsonObject parent, string key, JsonObject child)
    {
        parent.Remove(key); // a node has one parent; taking it out and back in is cheaper than a copy
        return child;
    }
}
