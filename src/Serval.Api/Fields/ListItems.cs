using System.Text.Json.Nodes;

namespace Serval.Api.Fields;

/// <summary>What tells the items of a granular list apart. (structured-merge-diff: typed/helpers.go.)</summary>
internal static class ListItems
{
    /// <summary>The step to an item. <see cref="FormatException"/> when nothing tells it apart.</summary>
    public static PathElement StepTo(JsonNode? item, ListForm list) => list.Keys.Count > 0 ? ByKeys(item, list) : item switch
    {
        JsonObject => throw new FormatException("associative list without keys has an element that's a map type"),
        JsonArray => throw new FormatException("not supported: associative list with lists as elements"),
        null => throw new FormatException("associative list without keys has an element that's an explicit null"),
        _ => PathElement.Value(item),
    };

    /// <summary>The items by their step, each with all that have it, in the list's order.</summary>
    public static List<(PathElement Step, List<JsonNode?> Items)> Group(JsonArray? items, ListForm list)
    {
        var groups = new List<(PathElement, List<JsonNode?>)>();
        var byStep = new Dictionary<PathElement, List<JsonNode?>>();
        foreach (var item in items ?? [])
        {
            var step = StepTo(item, list);
            if (!byStep.TryGetValue(step, out var group))
            {
                byStep[step] = group = [];
                groups.Add((step, group));
            }
            group.Add(item);
        }
        return groups;
    }

    private static PathElement ByKeys(JsonNode? item, ListForm list)
    {
        if (item is not JsonObject map)
        {
            throw new FormatException($"associative list with keys may not have {(item is null ? "a null element" : "non-map elements")}");
        }
        var keys = new List<KeyValuePair<string, JsonNode?>>(list.Keys.Count);
        foreach (var key in list.Keys)
        {
            var (given, value) = Slot.At(map, key);
            value = given ? value : list.Item().Map?.Field(key)?.Default;
            if (value is JsonObject or JsonArray)
            {
                throw new FormatException($"the key field {key} of a list's element is no scalar");
            }
            if (given || value is not null)
            {
                keys.Add(new(key, value));
            }
        }
        return keys.Count > 0 ? PathElement.Key(keys) : throw new FormatException(
            $"associative list with keys has an element that omits all key fields [{string.Join(' ', list.Keys.Select(k => $"\"{k}\""))}] (and doesn't have default values for any key fields)");
    }
}
