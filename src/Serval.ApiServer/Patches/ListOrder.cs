using System.Text.Json;
using System.Text.Json.Nodes;
using Serval.Api.GoText;

namespace Serval.ApiServer.Patches;

/// <summary>The order of a list before a strategic merge patch, and what becomes of it (apimachinery: strategicpatch, normalizeElementOrder).</summary>
internal sealed class ListOrder
{
    private readonly Dictionary<string, int> _places;
    private readonly string? _mergeKey;

    /// <param name="former">The list; null when there was none.</param>
    /// <param name="mergeKey">Field that tells its items apart; null for plain values.</param>
    public ListOrder(JsonArray? former, string? mergeKey) => (_places, _mergeKey) = (Places(former ?? [], mergeKey), mergeKey);

    /// <summary>What tells an item apart from others.</summary>
    public static string Id(JsonNode? item) => item switch
    {
        null => "null",
        JsonValue when item.GetValueKind() == JsonValueKind.Number => $"{GoValue.Type(item)} {GoValue.Text(item)}",
        _ => item.ToJsonString(),
    };

    /// <summary>The same of an item with a key.</summary>
    public static string Id(JsonObject item, string mergeKey) => item.TryGetPropertyValue(mergeKey, out var value) ? Id(value) : "";

    /// <summary>An order names every item of the list that comes with it, in its order (validatePatchWithSetOrderList).</summary>
    public static void Check(JsonArray? items, JsonArray order, string? mergeKey)
    {
        if (items is not { Count: > 0 } || order.Count == 0)
        {
            return;
        }
        var at = 0;
        foreach (var item in items)
        {
            if (mergeKey is not null && item is JsonObject map && map.ContainsKey("$patch"))
            {
                continue;
            }
            while (at < order.Count && Named(item, mergeKey) != Named(order[at], mergeKey))
            {
                at++;
            }
            if (at++ >= order.Count)
            {
                throw MergeFailure.Because($"The order in patch list:\n{GoValue.Text(items)}\n doesn't match $setElementOrder list:\n{GoValue.Text(order)}\n");
            }
        }
    }

    /// <summary>
    /// Items named in <paramref name="order"/> come in that order, others in their former one; both keep to the former order where that says who comes
    /// first, and a new item comes before what it meets. The items belong to no list.
    /// </summary>
    public List<JsonNode?> Merge(List<JsonNode?> items, JsonArray order)
    {
        var ranks = Places(order, _mergeKey);
        var parts = items.Select(i => (Item: i, Id: Named(i, _mergeKey))).ToLookup(i => ranks.ContainsKey(i.Id));
        var named = new Queue<(JsonNode? Item, string Id)>(parts[true].OrderBy(i => ranks[i.Id]));
        var result = new List<JsonNode?>(items.Count);
        foreach (var other in parts[false].OrderBy(i => Place(i.Id)))
        {
            while (named.TryPeek(out var next) && !(Place(other.Id) < Place(next.Id)))
            {
                result.Add(named.Dequeue().Item);
            }
            result.Add(other.Item);
        }
        result.AddRange(named.Select(n => n.Item));
        return result;
    }

    private int? Place(string id) => _places.TryGetValue(id, out var place) ? place : null;

    private static string Named(JsonNode? item, string? mergeKey) => mergeKey is null ? Id(item)
        : item is not JsonObject map ? throw MergeFailure.Type("map[string]interface {}", item)
        : map.ContainsKey(mergeKey) ? Id(map, mergeKey)
        : throw MergeFailure.NoMergeKey(map, mergeKey);

    private static Dictionary<string, int> Places(JsonArray items, string? mergeKey)
    {
        var found = new Dictionary<string, int>(StringComparer.Ordinal);
        for (var i = 0; i < items.Count; i++)
        {
            found.TryAdd(mergeKey is null ? Id(items[i])
                : items[i] is JsonObject map ? Id(map, mergeKey)
                : throw MergeFailure.Because($"value for key {i} is not a map"), i);
        }
        return found;
    }
}
