using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.GoText;
using Serval.Api.Schema;

namespace Serval.ApiServer.Patches;

/// <summary>
/// Kubernetes' strategic merge patch: lists merge by the keys the field table names; <c>$patch</c>, <c>$retainKeys</c>,
/// <c>$setElementOrder/x</c> and <c>$deleteFromPrimitiveList/x</c> are honoured. Pure: the target is changed in place and returned.
/// (apimachinery: util/strategicpatch/patch.go, mergeMap; what it answers with 500 is 400 here, in its words.)
/// </summary>
internal static class StrategicMerge
{
    private const string Directive = "$patch";
    private const string Retain = "$retainKeys";
    private const string OrderDirective = "$setElementOrder";
    private const string DeleteDirective = "$deleteFromPrimitiveList";

    /// <param name="target">What is patched.</param>
    /// <param name="patch">Is left as it is.</param>
    /// <param name="type">The type of both; null for a map.</param>
    internal static JsonObject Apply(JsonObject target, JsonObject patch, TypeSchema? type)
    {
        if (patch.TryGetPropertyValue(Directive, out var directive))
        {
            return TextOf(directive) switch
            {
                "replace" => new JsonObject(patch.Where(p => p.Key != Directive).Select(p => KeyValuePair.Create(p.Key, p.Value?.DeepClone()))),
                "delete" => [],
                _ => throw MergeFailure.Directive(directive, patch),
            };
        }
        RetainKeys(target, patch);
        var ordered = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (key, value) in patch)
        {
            if (key.StartsWith(OrderDirective, StringComparison.Ordinal))
            {
                ordered.Add(MergeInOrder(target, patch, key, value, type));
            }
        }
        var gone = new List<string>();
        foreach (var (key, value) in patch)
        {
            if (key == Retain || key.StartsWith(OrderDirective, StringComparison.Ordinal) || ordered.Contains(key))
            {
                continue;
            }
            var isDeletion = key.StartsWith(DeleteDirective, StringComparison.Ordinal);
            var name = isDeletion ? Named(key, DeleteDirective) ?? throw MergeFailure.Because("invalid patch format of primitive list") : key;
            if (!TryMerge(target, name, value, isDeletion, type))
            {
                gone.Add(name);
            }
        }
        MapKeys.Remove(target, gone);
        return target;
    }

    private static void RetainKeys(JsonObject target, JsonObject patch)
    {
        if (!patch.TryGetPropertyValue(Retain, out var value))
        {
            return;
        }
        var list = value as JsonArray ?? throw BadRetainKeys();
        if (list.Any(k => k is JsonObject or JsonArray))
        {
            throw BadRetainKeys();
        }
        var keep = list.Select(TextOf).OfType<string>().ToHashSet(StringComparer.Ordinal);
        foreach (var (key, given) in patch)
        {
            if (key != Retain && given is not null && !keep.Contains(key)
                && !key.StartsWith(DeleteDirective, StringComparison.Ordinal) && !key.StartsWith(OrderDirective, StringComparison.Ordinal))
            {
                throw BadRetainKeys();
            }
        }
        MapKeys.Remove(target, [.. target.Select(p => p.Key).Where(k => !keep.Contains(k))]);

        static ApiException BadRetainKeys() => MergeFailure.Because("invalid patch format of retainKeys");
    }

    /// <summary>Merges a list that comes with its order, or orders the one that is there.</summary>
    /// <returns>The list's field, which is done with.</returns>
    private static string MergeInOrder(JsonObject target, JsonObject patch, string key, JsonNode? value, TypeSchema? type)
    {
        var order = value as JsonArray ?? throw MergeFailure.Type("[]interface {}", value);
        var name = Named(key, OrderDirective) ?? throw MergeFailure.Because("invalid patch format of setElementOrder list");
        var present = target.TryGetPropertyValue(name, out var stored) ? stored as JsonArray ?? throw MergeFailure.Type("[]interface {}", stored) : null;
        var given = patch.TryGetPropertyValue(name, out var sent) ? sent as JsonArray ?? throw MergeFailure.Type("[]interface {}", sent) : null;
        var field = ListField(type, name);
        ListOrder.Check(given, order, field.PatchMergeKey);
        if ((present ?? given) is null)
        {
            return name;
        }
        var former = new ListOrder(present, field.PatchMergeKey);
        var merged = given is null ? present!.Select(i => i?.DeepClone()).ToList()
            : present is null ? Plain(given)
            : field.PatchStrategy.HasFlag(PatchStrategy.Merge) ? MergeList(present, given, field, isDeletion: false)
            : [.. given.Select(i => i?.DeepClone())];
        MergeFailure.CheckTypes(present ?? [], given ?? [], mayBeEmpty: false);
        target[name] = new JsonArray([.. former.Merge(merged, order)]);
        return name;
    }

    /// <summary>One field. False where it is to go.</summary>
    private static bool TryMerge(JsonObject target, string name, JsonNode? value, bool isDeletion, TypeSchema? type)
    {
        if (value is null)
        {
            return false;
        }
        var present = target[name];
        switch (present, value)
        {
            case (JsonObject to, JsonObject map):
                var of = Field(type, name);
                var merged = of.PatchStrategy == PatchStrategy.Whole ? map.DeepClone().AsObject() : Apply(to, map, of.Value.Type);
                if (merged != to)
                {
                    target[name] = merged;
                }
                return true;
            case (JsonArray to, JsonArray list):
                var field = ListField(type, name);
                var items = isDeletion || field.PatchStrategy.HasFlag(PatchStrategy.Merge) ? MergeList(to, list, field, isDeletion) : list.Select(i => i?.DeepClone());
                target[name] = new JsonArray([.. items]);
                return true;
            default:
                if (isDeletion)
                {
                    return true;
                }
                if (!TryPlain(value, out var plain))
                {
                    return false;
                }
                target[name] = plain;
                return true;
        }
    }

    private static List<JsonNode?> MergeList(JsonArray present, JsonArray patch, FieldSchema field, bool isDeletion)
    {
        if (MergeFailure.CheckTypes(present, patch, mayBeEmpty: true) != "map[string]interface {}")
        {
            var seen = isDeletion ? patch.Select(ListOrder.Id).ToHashSet(StringComparer.Ordinal) : new HashSet<string>(StringComparer.Ordinal);
            return isDeletion ? [.. present.Where(i => !seen.Contains(ListOrder.Id(i))).Select(i => i?.DeepClone())]
                : new ListOrder(present, null).Merge([.. present.Concat(patch).Where(i => seen.Add(ListOrder.Id(i))).Select(i => i?.DeepClone())], patch);
        }
        if (field.PatchMergeKey is not { } key)
        {
            throw MergeFailure.Because("cannot merge lists without merge key for struct");
        }
        var (rest, gone, replaces) = Directives(patch, key);
        if (replaces)
        {
            return [.. rest.Select(i => i.DeepClone())];
        }
        var left = present.Cast<JsonObject>().Where(i => !gone.Contains(ListOrder.Id(i, key))).ToList();
        return new ListOrder(present, key).Merge(MergeMaps(left, rest, field), [.. rest.Select(i => i.DeepClone())]);
    }

    /// <summary>What a list's directives say: what is left of it, the ids of items to delete, whether it stands for the whole list.</summary>
    private static (List<JsonObject> Others, HashSet<string> Gone, bool Replaces) Directives(JsonArray patch, string key)
    {
        var (rest, gone, replaces) = (new List<JsonObject>(), new HashSet<string>(StringComparer.Ordinal), false);
        foreach (var item in patch.Cast<JsonObject>())
        {
            if (!item.TryGetPropertyValue(Directive, out var directive))
            {
                rest.Add(item);
                continue;
            }
            switch (TextOf(directive))
            {
                case "delete":
                    gone.Add(item.ContainsKey(key) ? ListOrder.Id(item, key) : throw MergeFailure.NoMergeKey(item, key));
                    break;
                case "replace":
                    replaces = true;
                    break;
                case "merge":
                    throw MergeFailure.Because("merging lists cannot yet be specified in the patch");
                default:
                    throw MergeFailure.Directive(directive, item);
            }
        }
        return (rest, gone, replaces);
    }

    private static List<JsonNode?> MergeMaps(List<JsonObject> present, List<JsonObject> patch, FieldSchema field)
    {
        var key = field.PatchMergeKey!;
        var (items, places) = (new List<JsonNode?>(), new Dictionary<string, int>(StringComparer.Ordinal));
        foreach (var item in present)
        {
            Add(item);
        }
        foreach (var item in patch)
        {
            if (!item.ContainsKey(key))
            {
                throw MergeFailure.NoMergeKey(item, key);
            }
            if (places.TryGetValue(ListOrder.Id(item, key), out var at))
            {
                items[at] = Apply((JsonObject)items[at]!, item, field.Value.Item?.Type);
            }
            else
            {
                Add(item);
            }
        }
        return items;

        void Add(JsonObject item)
        {
            if (item.ContainsKey(key))
            {
                places.TryAdd(ListOrder.Id(item, key), items.Count);
            }
            items.Add(item.DeepClone());
        }
    }

    private static FieldSchema Field(TypeSchema? type, string name) => type is null
        ? throw MergeFailure.Because("merging an object in json but data type is not struct, instead is: map")
        : type.Find(name) ?? throw MergeFailure.Because($"unable to find api field in struct {type.Name} for the json field {GoQuote.Quote(name)}");

    private static FieldSchema ListField(TypeSchema? type, string name) => Field(type, name) is { Value.Kind: ValueKind.List } field ? field
        : throw MergeFailure.Because("expected slice or array type, but got: struct");

    /// <summary>What is behind a directive's slash; null when nothing is.</summary>
    private static string? Named(string key, string directive) =>
        key.Length > directive.Length + 1 && key[directive.Length] == '/' ? key[(directive.Length + 1)..] : null;

    private static string? TextOf(JsonNode? node) => node is JsonValue value && value.TryGetValue<string>(out var text) ? text : null;

    private static List<JsonNode?> Plain(JsonArray list)
    {
        var items = new List<JsonNode?>();
        foreach (var item in list)
        {
            if (TryPlain(item, out var plain))
            {
                items.Add(plain);
            }
        }
        return items;
    }

    /// <summary>What a patch puts where nothing of the sort is: its value without nulls of maps and without maps that have a directive, whatever that says.</summary>
    private static bool TryPlain(JsonNode? value, out JsonNode? plain)
    {
        plain = null;
        switch (value)
        {
            case JsonObject map when map.ContainsKey(Directive):
                return false;
            case JsonObject map:
                var copy = new JsonObject();
                foreach (var (key, member) in map)
                {
                    if (member is not null && TryPlain(member, out var below))
                    {
                        copy[key] = below;
                    }
                }
                plain = copy;
                return true;
            case JsonArray list:
                plain = new JsonArray([.. Plain(list)]);
                return true;
            default:
                plain = value?.DeepClone();
                return true;
        }
    }
}
