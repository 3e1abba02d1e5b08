using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.GoText;
using Serval.Api.Schema;

namespace Serval.ApiServer.Patches;

/// <summary>
/// Kubernetes' strategic merge patch: lists merge by the keys the field table names; <c>$patch</c>, <c>$retainKeys</c>,
/// <c>$setElementOrder/x</c> and <c>$deleteFromPrimitiveList/x</c> are honoured. Pure: the target is changed in place and returned.
/// (Kubernetes: contributors/devel/sig-api-machinery/strategic-merge-patch.)
/// </summary>
internal static class StrategicMerge
{
    private const string Directive = "$patch";
    private const string Retain = "$retainKeys";
    private const string OrderPrefix = "$setElementOrder/";
    private const string DeletePrefix = "$deleteFromPrimitiveList/";

    internal static JsonObject Apply(JsonObject target, JsonObject patch, TypeSchema? type)
    {
        if (patch.TryGetPropertyValue(Directive, out var directive))
        {
            return DirectiveOf(patch) switch
            {
                "replace" => Without(patch),
                "delete" => [],
                _ => throw Unknown(directive, patch),
            };
        }
        return Merge(target, patch, type);
    }

    private static JsonObject Merge(JsonObject target, JsonObject patch, TypeSchema? type)
    {
        RetainKeys(target, patch);
        CheckOrders(patch, type);
        var former = patch.Where(p => p.Key.StartsWith(OrderPrefix, StringComparison.Ordinal))
            .ToDictionary(p => p.Key, p => target[p.Key[OrderPrefix.Length..]] as JsonArray, StringComparer.Ordinal);
        foreach (var (key, value) in patch)
        {
            if (key.StartsWith(DeletePrefix, StringComparison.Ordinal))
            {
                if (value is JsonArray gone)
                {
                    DeletePrimitives(target, key[DeletePrefix.Length..], gone);
                }
            }
            else if (!key.StartsWith('$'))
            {
                MergeField(target, key, value, type?.Find(key));
            }
        }
        foreach (var (key, value) in patch)
        {
            var field = key[Math.Min(key.Length, OrderPrefix.Length)..];
            if (key.StartsWith(OrderPrefix, StringComparison.Ordinal) && value is JsonArray order && target[field] is JsonArray list)
            {
                target[field] = Ordered(list, order, former[key] ?? [], type?.Find(field)?.PatchMergeKey);
            }
        }
        return target;
    }

    private static void RetainKeys(JsonObject target, JsonObject patch)
    {
        if (!patch.TryGetPropertyValue(Retain, out var value) || value is null)
        {
            return;
        }
        var keep = (value as JsonArray ?? throw BadRetainKeys()).Select(k => k is JsonValue name && name.TryGetValue<string>(out var text) ? text : throw BadRetainKeys())
            .ToHashSet(StringComparer.Ordinal);
        if (patch.Any(p => p.Value is not null && !p.Key.StartsWith('$') && !keep.Contains(p.Key)))
        {
            throw BadRetainKeys();
        }
        foreach (var key in target.Select(p => p.Key).Where(k => !keep.Contains(k)).ToList())
        {
            target.Remove(key);
        }
    }

    /// <summary>An order names every item of the list that comes with it, in its order (upstream: validatePatchWithSetOrderList).</summary>
    private static void CheckOrders(JsonObject patch, TypeSchema? type)
    {
        foreach (var (key, value) in patch.Where(p => p.Key.StartsWith(OrderPrefix, StringComparison.Ordinal)))
        {
            if (value is not JsonArray order)
            {
                throw ApiException.BadRequest($"expected a []interface {{}}, but received a {GoValue.Type(value)}");
            }
            var name = key[OrderPrefix.Length..];
            if (type is not null && type.Find(name) is null)
            {
                throw ApiException.BadRequest($"unable to find api field in struct {type.Name} for the json field \"{name}\"");
            }
            if (patch[name] is JsonArray { Count: > 0 } items && order.Count > 0)
            {
                CheckOrder(order, items, type?.Find(name)?.PatchMergeKey);
            }
        }
    }

    private static void CheckOrder(JsonArray order, JsonArray items, string? mergeKey)
    {
        var at = 0;
        foreach (var item in items.Where(i => mergeKey is null || i is not JsonObject map || DirectiveOf(map) is null))
        {
            while (at < order.Count && !JsonNode.DeepEquals(Identity(order[at]), Identity(item)))
            {
                at++;
            }
            if (at == order.Count)
            {
                throw ApiException.BadRequest($"The order in patch list:\n{GoValue.Text(items)}\n doesn't match $setElementOrder list:\n{GoValue.Text(order)}\n");
            }
        }

        JsonNode? Identity(JsonNode? node) => mergeKey is not null && node is JsonObject map ? map[mergeKey] : node;
    }

    private static ApiException BadRetainKeys() => ApiException.BadRequest("invalid patch format of retainKeys");

    private static ApiException Unknown(JsonNode? directive, JsonObject patch) => ApiException.BadRequest($"unknown patch type: {GoValue.Word(directive)} in map: {GoValue.Text(patch)}");

    private static ApiException NoMergeKey(JsonObject item, string mergeKey) => ApiException.BadRequest($"map: {GoValue.Text(item)} does not contain declared merge key: {mergeKey}");

    private static void MergeField(JsonObject target, string key, JsonNode? value, FieldSchema? field)
    {
        switch (value)
        {
            case null:
                target.Remove(key);
                break;
            case JsonObject map when field?.PatchStrategy == PatchStrategy.Whole:
                target[key] = map.DeepClone();
                break;
            case JsonObject map: // also where the schema says "atomic": that binds server-side apply only
                var present = target[key] as JsonObject ?? [];
                target.Remove(key);
                var merged = Apply(present, map, field?.Value.Type);
                if (DirectiveOf(map) != "delete")
                {
                    target[key] = merged;
                }
                break;
            case JsonArray list when field is not null && field.PatchStrategy.HasFlag(PatchStrategy.Merge):
                target[key] = MergeList(target[key] as JsonArray ?? [], list, field);
                break;
            case JsonArray list:
                target[key] = Plain(list);
                break;
            default:
                target[key] = value.DeepClone();
                break;
        }
    }

    private static JsonArray MergeList(JsonArray present, JsonArray patch, FieldSchema field)
    {
        if (field.PatchMergeKey is not null && patch.Any(i => i is not JsonObject))
        {
            throw ApiException.BadRequest($"list element types are not identical: {GoValue.Text(new JsonArray(present.DeepClone(), patch.DeepClone()))}");
        }
        if (field.PatchMergeKey is { } key)
        {
            foreach (var item in patch.OfType<JsonObject>().Where(i => i.ContainsKey(Directive)))
            {
                _ = DirectiveOf(item) switch
                {
                    "replace" => "",
                    "delete" => item[key] is null ? throw NoMergeKey(item, key) : "",
                    "merge" => throw ApiException.BadRequest("merging lists cannot yet be specified in the patch"),
                    _ => throw Unknown(item[Directive], item),
                };
            }
            if (patch.OfType<JsonObject>().Any(o => DirectiveOf(o) == "replace"))
            {
                return Plain([.. patch.OfType<JsonObject>().Where(o => !o.ContainsKey(Directive)).Select(o => o.DeepClone())]);
            }
        }
        var result = present.Select(i => i?.DeepClone()).ToList();
        foreach (var item in patch)
        {
            if (field.PatchMergeKey is { } mergeKey && item is JsonObject map)
            {
                MergeItem(result, map, mergeKey, field);
            }
            else if (!result.Any(i => JsonNode.DeepEquals(i, item)))
            {
                result.Add(item?.DeepClone());
            }
        }
        return Ordered([.. result], patch, present, field.PatchMergeKey);
    }

    private static void MergeItem(List<JsonNode?> result, JsonObject item, string mergeKey, FieldSchema field)
    {
        if (item[mergeKey] is not { } id)
        {
            throw NoMergeKey(item, mergeKey);
        }
        var index = result.FindIndex(r => r is JsonObject o && JsonNode.DeepEquals(o[mergeKey], id));
        if (DirectiveOf(item) == "delete")
        {
            if (index >= 0)
            {
                result.RemoveAt(index);
            }
        }
        else if (index >= 0)
        {
            result[index] = Apply((JsonObject)result[index]!, item, field.Value.Item?.Type);
        }
        else
        {
            result.Add(Apply([], item, field.Value.Item?.Type));
        }
    }

    private static void DeletePrimitives(JsonObject target, string key, JsonArray gone)
    {
        if (target[key] is JsonArray list)
        {
            target[key] = new JsonArray([.. list.Where(i => !gone.Any(g => JsonNode.DeepEquals(g, i))).Select(i => i?.DeepClone())]);
        }
    }

    /// <summary>
    /// Items named in <paramref name="order"/> come in that order, others in their former one; both keep to the former order where that says who comes
    /// first, and a new item comes before what it meets (apimachinery: strategicpatch, normalizeElementOrder).
    /// </summary>
    private static JsonArray Ordered(JsonArray list, JsonArray order, JsonArray former, string? mergeKey)
    {
        var (ranks, places) = (Places(order), Places(former));
        var items = list.ToLookup(i => ranks.ContainsKey(Id(i)), i => (Item: i, Id: Id(i)));
        var named = new Queue<(JsonNode? Item, string Id)>(items[true].OrderBy(i => ranks[i.Id]));
        var result = new List<JsonNode?>();
        foreach (var other in items[false].OrderBy(i => Place(i.Id)))
        {
            while (named.TryPeek(out var next) && !(Place(other.Id) < Place(next.Id)))
            {
                result.Add(named.Dequeue().Item);
            }
            result.Add(other.Item);
        }
        return [.. result.Concat(named.Select(n => n.Item)).Select(i => i?.DeepClone())];

        string Id(JsonNode? item) => (mergeKey is not null && item is JsonObject map ? map[mergeKey] : item)?.ToJsonString() ?? "null";

        int? Place(string id) => places.TryGetValue(id, out var place) ? place : null;

        Dictionary<string, int> Places(JsonArray items)
        {
            var found = new Dictionary<string, int>(StringComparer.Ordinal);
            for (var i = 0; i < items.Count; i++)
            {
                found.TryAdd(Id(items[i]), i);
            }
            return found;
        }
    }

    private static JsonArray Plain(JsonArray list) =>
        [.. list.Where(i => !(i is JsonObject o && o.Count == 1 && DirectiveOf(o) is not null)).Select(i => i is JsonObject o ? Without(o) : i?.DeepClone())];

    private static string? DirectiveOf(JsonObject map) => map[Directive] is JsonValue value && value.TryGetValue<string>(out var text) ? text : null;

    /// <summary>A copy without directives, at any depth.</summary>
    private static JsonObject Without(JsonObject map)
    {
        var copy = new JsonObject();
        foreach (var (key, value) in map)
        {
            if (!key.StartsWith('$'))
            {
                copy[key] = value switch { JsonObject nested => Without(nested), JsonArray list => Plain(list), _ => value?.DeepClone() };
            }
        }
        return copy;
    }
}
