using System.Globalization;
using System.Text.Json.Nodes;
using Serval.Api;
using Serval.ApiServer.Store;

namespace Serval.ApiServer.Patches;

/// <summary>JSON Patch (RFC 6902), all six operations. Pure: applied to a copy, all or nothing.</summary>
internal static class JsonPatch
{
    /// <summary>Most operations in one patch (Kubernetes: jsonpatch limit).</summary>
    internal const int MaxOperations = 10_000;

    /// <summary>The patched document. <see cref="ApiException"/> 400 for a malformed patch, 422 when it does not fit the object.</summary>
    internal static JsonNode? Apply(JsonNode document, JsonArray patch)
    {
        if (patch.Count > MaxOperations)
        {
            throw new ApiException(413, "RequestEntityTooLarge", $"Request entity too large: The allowed maximum operations in a JSON patch is {MaxOperations}, got {patch.Count}");
        }
        var root = new JsonObject { ["root"] = document.DeepClone() };
        var copied = 0L;
        for (var i = 0; i < patch.Count; i++)
        {
            if (patch[i] is not JsonObject operation)
            {
                throw ApiException.BadRequest($"error decoding patch: operation {i} is not an object");
            }
            Run(root, operation, i, ref copied);
        }
        var result = root["root"];
        root.Remove("root");
        return IsShallow(result, CanonicalJson.MaxDepth) ? result : throw Unfit();
    }

    private static void Run(JsonObject root, JsonObject operation, int index, ref long copied)
    {
        var path = Pointer(operation, "path");
        switch (Text(operation, "op"))
        {
            case "add":
                Add(root, path, Value(operation));
                break;
            case "remove":
                Remove(root, path);
                break;
            case "replace":
                _ = Find(root, path);
                Replace(root, path, Value(operation));
                break;
            case "move":
                var from = Pointer(operation, "from");
                if (path.Length > from.Length && path.AsSpan(0, from.Length).SequenceEqual(from))
                {
                    throw Unfit();
                }
                Add(root, path, Remove(root, from));
                break;
            case "copy":
                Add(root, path, Copy(Find(root, Pointer(operation, "from")), index, ref copied));
                break;
            case "test":
                if (!JsonNode.DeepEquals(Find(root, path), Value(operation)))
                {
                    throw Unfit();
                }
                break;
            default:
                throw Unfit();
        }
    }

    private static void Add(JsonObject root, string[] path, JsonNode? value)
    {
        var (parent, last) = Parent(root, path);
        if (parent is JsonArray list)
        {
            list.Insert(last == "-" ? list.Count : Index(last, list.Count), value);
        }
        else
        {
            ((JsonObject)parent)[last] = value;
        }
    }

    private static void Replace(JsonObject root, string[] path, JsonNode? value)
    {
        var (parent, last) = Parent(root, path);
        if (parent is JsonArray list)
        {
            list[Index(last, list.Count - 1)] = value;
        }
        else
        {
            ((JsonObject)parent)[last] = value;
        }
    }

    private static JsonNode? Remove(JsonObject root, string[] path)
    {
        var value = Find(root, path);
        var (parent, last) = Parent(root, path);
        if (parent is JsonArray list)
        {
            list.RemoveAt(Index(last, list.Count - 1));
        }
        else
        {
            ((JsonObject)parent).Remove(last);
        }
        return value;
    }

    /// <summary>
    /// A copy, as long as all copies of a patch together are no larger than an object may be: copies of copies grow without bound
    /// (apiserver: jsonpatch.AccumulatedCopySizeLimit).
    /// </summary>
    private static JsonNode? Copy(JsonNode? value, int operation, ref long copied)
    {
        if (!IsShallow(value, CanonicalJson.MaxDepth))
        {
            throw Unfit();
        }
        copied += CanonicalJson.Serialize(value).Length;
        return copied <= ObjectSize.Most
            ? value?.DeepClone()
            : throw new ApiException(413, "RequestEntityTooLarge", $"operation {operation} of the JSON patch: the values copied so far are {copied} bytes, the most is {ObjectSize.Most}");
    }

    private static bool IsShallow(JsonNode? node, int depth) => node switch
    {
        JsonObject map => depth > 0 && map.All(p => IsShallow(p.Value, depth - 1)),
        JsonArray list => depth > 0 && list.All(i => IsShallow(i, depth - 1)),
        _ => true,
    };

    private static JsonNode? Find(JsonObject root, string[] path)
    {
        var (parent, last) = Parent(root, path);
        return parent switch
        {
            JsonArray list => list[Index(last, list.Count - 1)],
            JsonObject map when map.TryGetPropertyValue(last, out var value) => value,
            _ => throw Unfit(),
        };
    }

    private static (JsonNode Parent, string Last) Parent(JsonObject root, string[] path)
    {
        JsonNode node = root;
        for (var i = 0; i < path.Length - 1; i++)
        {
            var next = node switch
            {
                JsonObject map => map[path[i]],
                JsonArray list => list[Index(path[i], list.Count - 1)],
                _ => null,
            };
            node = next is JsonObject or JsonArray ? next : throw Unfit();
        }
        return (node, path[^1]);
    }

    private static int Index(string text, int most) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && (text.Length == 1 || text[0] != '0') && number <= most
            ? number
            : throw Unfit();

    private static string[] Pointer(JsonObject operation, string field)
    {
        var text = Text(operation, field) ?? throw Unfit();
        if (text.Length > 0 && text[0] != '/')
        {
            throw Unfit();
        }
        return [.. (text.Length == 0 ? "root" : "root" + text).Split('/').Select(p => p.Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal))];
    }

    private static JsonNode? Value(JsonObject operation) => operation.TryGetPropertyValue("value", out var value)
        ? value?.DeepClone()
        : throw Unfit();

    private static string? Text(JsonObject operation, string field) => operation[field] is JsonValue value && value.TryGetValue<string>(out var text) ? text : null;

    /// <summary>Upstream does not say which operation did not fit, nor why.</summary>
    private static ApiException Unfit() => new(422, "Invalid", "the server rejected our request due to an error in our request", details: []);
}
