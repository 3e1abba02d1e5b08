using System.Text.Json.Nodes;
using Serval.ApiServer.Http;
using Serval.Kube;

namespace Serval.ApiServer.Patches;

/// <summary>
/// The order of fields in which upstream shows an object that a patch made: what the patch went through is a map, which is sorted; what it left is as the type writes it
/// (evanphx/json-patch: partialDoc and lazyNode).
/// </summary>
internal static class GoOrder
{
    /// <param name="patched">What the patch made; left as it is.</param>
    /// <param name="message">The name of its type in the tables of protobuf, whose fields stand in the type's order; objects of an unknown type are sorted.</param>
    /// <param name="type">JSON or merge patch.</param>
    /// <param name="patch">The patch.</param>
    public static JsonNode Of(JsonObject patched, string message, PatchType type, JsonNode patch) =>
        Ordered(patched, message, type == PatchType.Json ? Pointers((JsonArray)patch) : Names(patch))!;

    // A merge patch goes through what it has objects for.
    private static Way Names(JsonNode? patch)
    {
        var way = new Way();
        foreach (var (name, value) in patch as JsonObject ?? [])
        {
            if (value is JsonObject)
            {
                way[name] = Names(value);
            }
        }
        return way;
    }

    // Operations go through all that holds what they point to.
    private static Way Pointers(JsonArray operations)
    {
        var root = new Way();
        foreach (var operation in operations.OfType<JsonObject>())
        {
            foreach (var pointer in ((ReadOnlySpan<JsonNode?>)[operation["path"], HasSource(operation) ? operation["from"] : null]).ToArray().OfType<JsonValue>())
            {
                var at = root;
                foreach (var step in pointer.ToString().Split('/').Skip(1).SkipLast(1))
                {
                    var name = step.Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal);
                    at = at.TryGetValue(name, out var next) ? next : at[name] = new Way();
                }
            }
        }
        return root;
    }

    // Of others it is not looked at, and may be as long as a body.
    private static bool HasSource(JsonObject operation) => operation["op"] is JsonValue op && op.ToString() is "move" or "copy";

    private static JsonNode? Ordered(JsonNode? node, string? message, Way? way)
    {
        if (node is JsonArray list)
        {
            return new JsonArray([.. list.Select((item, i) => Ordered(item, message, Next(way, $"{i}")))]);
        }
        if (node is not JsonObject map)
        {
            return node?.DeepClone();
        }
        var fields = message is null ? null : ProtobufField.Of(message);
        var types = new Dictionary<string, (int Place, ProtobufField? Field)>(StringComparer.Ordinal);
        foreach (var field in fields ?? [])
        {
            types[field.Name] = (way is null ? types.Count + 1 : 0, field);
        }
        return new JsonObject(map.OrderBy(m => types.TryGetValue(m.Key, out var known) ? known.Place : way is null ? int.MaxValue : 0).ThenBy(static m => m.Key, StringComparer.Ordinal)
            .Select(m => KeyValuePair.Create(m.Key, Ordered(m.Value, types.GetValueOrDefault(m.Key).Field is { Shape: not FieldShape.Map } field ? field.Type : null, Next(way, m.Key)))));
    }

    private static Way? Next(Way? way, string name) => way is not null && way.TryGetValue(name, out var next) ? next : null;

    /// <summary>Members that a patch goes through.</summary>
    private sealed class Way : Dictionary<string, Way>
    {
        public Way()
            : base(StringComparer.Ordinal)
        {
        }
    }
}
