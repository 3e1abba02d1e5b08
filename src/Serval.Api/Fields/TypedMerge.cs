using System.Text.Json.Nodes;

namespace Serval.Api.Fields;

/// <summary>
/// Lays a configuration over a live tree: what the configuration has wins, null included; maps and granular lists are united.
/// (structured-merge-diff: typed/merge.go.)
/// </summary>
internal static class TypedMerge
{
    public static JsonObject Run(JsonObject live, JsonObject config, FieldType type) => Visit(Slot.Of(live), Slot.Of(config), type).Node as JsonObject ?? [];

    private static Slot Visit(Slot live, Slot config, FieldType type)
    {
        var form = type.FormOf(config.Exists ? config.Node : live.Node);
        switch (form)
        {
            case FieldForm.Map when !type.Map!.IsAtomic && !(live.IsEmptyMap && config.IsEmptyMap):
                var map = Fields(live.Node as JsonObject, config.Node as JsonObject, type.Map);
                return map.Count > 0 ? Slot.Of(map) : Slot.None;
            case FieldForm.List when !type.List!.IsAtomic && !(live.IsEmptyList && config.IsEmptyList):
                var list = Items(live.Node as JsonArray, config.Node as JsonArray, type.List);
                return list.Count > 0 ? Slot.Of(list) : Slot.None;
            default:
                var chosen = config.Exists ? config : live;
                return chosen with { Node = chosen.Node?.DeepClone() };
        }
    }

    private static JsonObject Fields(JsonObject? live, JsonObject? config, MapForm map)
    {
        var result = new JsonObject();
        foreach (var key in (live ?? []).Select(f => f.Key).Union((config ?? []).Select(f => f.Key)))
        {
            if (Visit(Slot.At(live, key), Slot.At(config, key), map.Field(key) ?? map.Element() ?? FieldType.Deduced) is { Exists: true } merged)
            {
                result[key] = merged.Node;
            }
        }
        return result;
    }

    /// <summary>
    /// The configuration orders the items that both have; a live item that it does not have stays behind the one that was before it.
    /// A live item that comes twice is replaced by the configuration's, not merged with it.
    /// </summary>
    private static JsonArray Items(JsonArray? live, JsonArray? config, ListForm list)
    {
        var mine = ListItems.Group(config, list);
        var wanted = mine.ToDictionary(g => g.Step, g => g.Items[0]);
        var present = ListItems.Group(live, list).ToDictionary(g => g.Step, g => g.Items);
        var shared = new Queue<PathElement>(mine.Select(g => g.Step).Where(present.ContainsKey));
        var result = new JsonArray();
        var taken = new HashSet<PathElement>();
        var steps = (live ?? []).Select(i => (Step: ListItems.StepTo(i, list), Item: i)).ToList();
        for (int l = 0, c = 0; l < steps.Count || c < mine.Count;)
        {
            if (l < steps.Count)
            {
                var (step, item) = steps[l];
                if (!wanted.ContainsKey(step))
                {
                    Add(Visit(Slot.Of(item), Slot.None, list.Item()));
                    l++;
                    continue;
                }
                // A shared item is taken where the configuration has it; one that is not the next of them was, or will be.
                if (c < mine.Count && shared.TryPeek(out var next) && next != step)
                {
                    l++;
                    continue;
                }
                l += taken.Contains(step) || (c < mine.Count && mine[c].Step == step) ? 1 : 0;
            }
            if (c < mine.Count)
            {
                var step = mine[c++].Step;
                taken.Add(step);
                var before = !present.TryGetValue(step, out var items) ? Slot.None : Slot.Of(items.Count == 1 ? items[0] : null);
                Add(Visit(before, Slot.Of(wanted[step]), list.Item()));
                if (shared.TryPeek(out var head) && head == step)
                {
                    shared.Dequeue();
                }
            }
        }
        return result;

        void Add(Slot merged)
        {
            if (merged.Exists)
            {
                result.Add(merged.Node);
            }
        }
    }
}
