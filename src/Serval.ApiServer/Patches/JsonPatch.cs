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

    /// <summary>What a refusal says that upstream gives no words for (apimachinery: NewGenericServerResponse).</summary>
    internal const string Rejected = "the server rejected our request due to an error in our request";

    /// <summary>The patched document. <see cref="ApiException"/> 400 for a malformed patch, 422 when it does not fit the object.</summary>
    internal static JsonNode? Apply(JsonNode document, JsonArray patch)
    {
        if (patch.Count > MaxOperations)
        {
            throw new ApiException(413, "RequestEntityTooLarge", $"Request entity too large: The allowed maximum operations in a JSON patch is {MaxOperations}, got {patch.Count}");
        }
        var root = document.DeepClone();
        var copied = 0L;
        foreach (var operation in patch)
        {
            Run(ref root, operation as JsonObject ?? throw Unfit(), ref copied);
        }
        return IsShallow(root, CanonicalJson.MaxDepth) ? root : throw Unfit();
    }

    private static void Run(ref JsonNode root, JsonObject operation, ref long copied)
    {
        switch (Text(operation, "op"))
        {
            case "add":
                Add(root, Pointer(operation, "path"), Value(operation));
                break;
            case "remove":
                Remove(root, Pointer(operation, "path"));
                break;
            case "replace" when Text(operation, "path") == "":
                root = Value(operation) is { } whole and (JsonObject or JsonArray) ? whole : throw Unfit();
                break;
            case "replace":
                Replace(root, Pointer(operation, "path"), Value(operation));
                break;
            case "move":
                Add(root, Pointer(operation, "path"), Remove(root, Pointer(operation, "from")));
                break;
            case "copy":
                Add(root, Pointer(operation, "path"), Copy(Find(root, Pointer(operation, "from")), ref copied));
                break;
            case "test":
                if (!JsonNode.DeepEquals(Text(operation, "path") == "" ? root : Find(root, Pointer(operation, "path")), Value(operation)))
                {
                    throw Unfit();
                }
                break;
            default:
                throw Unfit();
        }
    }

    private static void Add(JsonNode root, string[] path, JsonNode? value)
    {
        var (parent, last) = Parent(root, path);
        if (parent is JsonArray list)
        {
            list.Insert(last == "-" ? list.Count : Index(last, list.Count + 1), value);
        }
        else
        {
            ((JsonObject)parent)[last] = value;
        }
    }

    /// <summary>A member that is not there is put there, as upstream does.</summary>
    private static void Replace(JsonNode root, string[] path, JsonNode? value)
    {
        var (parent, last) = Parent(root, path);
        if (parent is JsonArray list)
        {
            list[Index(last, list.Count)] = value;
        }
        else
        {
            ((JsonObject)parent)[last] = value;
        }
    }

    private static JsonNode? Remove(JsonNode root, string[] path)
    {
        var (parent, last) = Parent(root, path);
        if (parent is JsonArray list)
        {
            var index = Index(last, list.Count);
            var item = list[index];
            list.RemoveAt(index);
            return item;
        }
        return ((JsonObject)parent).Remove(last, out var member) ? member : throw Unfit();
    }

    /// <summary>
    /// A copy, as long as all copies of a patch together are no larger than an object may be: copies of copies grow without bound
    /// (apiserver: jsonpatch.AccumulatedCopySizeLimit).
    /// </summary>
    private static JsonNode? Copy(JsonNode? value, ref long copied)
    {
        if (!IsShallow(value, CanonicalJson.MaxDepth))
        {
            throw Unfit();
        }
        copied += CanonicalJson.Serialize(value).Length;
        return copied <= ObjectSize.Most ? value?.DeepClone() : throw Unfit();
    }

    private static bool IsShallow(JsonNode? node, int depth) => node switch
    {
        JsonObject map => depth > 0 && map.All(p => IsShallow(p.Value, depth - 1)),
        JsonArray list => depth > 0 && list.All(i => IsShallow(i, depth - 1)),
        _ => true,
    };

    /// <summary>What is at a place; null as well for a member that is not there.</summary>
    private static JsonNode? Find(JsonNode root, string[] path)
    {
        var (parent, last) = Parent(root, path);
        return parent is JsonArray list ? list[Index(last, list.Count)] : parent[last];
    }

    private static (JsonNode Parent, string Last) Parent(JsonNode root, string[] path)
    {
        var node = root;
        for (var i = 0; i < path.Length - 1; i++)
        {
            var next = node is JsonArray list ? list[Index(path[i], list.Count)] : node[path[i]];
            node = next is JsonObject or JsonArray ? next : throw Unfit();
        }
        return (node, path[^1]);
    }

    /// <summary>A place among so many; one below 0 counts from the end.</summary>
    private static int Index(string text, int count)
    {
        if (!int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) || number >= count || number < -count)
        {
            throw Unfit();
        }
        return number < 0 ? number + count : number;
    }

    /// <summary>The steps of a place. What is before the first slash counts for nothing, as upstream has it.</summary>
    private static string[] Pointer(JsonObject operation, string field)
    {
        var parts = (Text(operation, field) ?? throw Unfit()).Split('/');
        return parts.Length < 2 ? throw Unfit()
            : [.. parts.Skip(1).Select(p => p.Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal))];
    }

    private static JsonNode? Value(JsonObject operation) => operation["value"]?.DeepClone();

    private static string? Text(JsonObject operation, string field) => operation[field] is JsonValue value && value.TryGetValue<string>(out var text) ? text : null;

    /// <summary>Upstream does not say which operation did not fit, nor why.</summary>
    private static ApiException Unfit() => new(422, "Invalid", Rejected, details: []);
}
