using System.Text.Json.Nodes;

namespace Serval.Api.Fields;

/// <summary>
/// Compares two trees. What exists on one side only counts with every step above its leaves. (structured-merge-diff: typed/compare.go.)
/// </summary>
internal sealed class TypedCompare
{
    private readonly FieldSetBuilder _added = new();
    private readonly FieldSetBuilder _modified = new();
    private readonly FieldSetBuilder _removed = new();
    private readonly List<PathElement> _path = [];

    public Comparison Run(JsonObject before, JsonObject after, FieldType type)
    {
        Visit(Slot.Of(before), Slot.Of(after), type);
        return new Comparison(_added.Build(), _modified.Build(), _removed.Build());
    }

    private void Visit(Slot before, Slot after, FieldType type)
    {
        var (old, now) = (type.FormOf(before.Node), type.FormOf(after.Node));
        if (before.Exists && after.Exists && old != now)
        {
            Inside(old, before, after, type);
        }
        var isLeaf = Inside(after.Exists ? now : old, before, after, type);
        if (!isLeaf && before.Exists != after.Exists)
        {
            (before.Exists ? _removed : _added).Add(_path);
        }
    }

    /// <summary>Whether the value is a leaf, then it has been compared; else what is inside has been.</summary>
    private bool Inside(FieldForm form, Slot before, Slot after, FieldType type)
    {
        switch (form)
        {
            case FieldForm.Map when !type.Map!.IsAtomic && !(before.IsEmptyMap && after.IsEmptyMap):
                Fields(before.Node as JsonObject, after.Node as JsonObject, type.Map);
                return false;
            case FieldForm.List when !type.List!.IsAtomic && !(before.IsEmptyList && after.IsEmptyList):
                Items(before.Node as JsonArray, after.Node as JsonArray, type.List);
                return false;
            default:
                Leaf(before, after);
                return true;
        }
    }

    private void Leaf(Slot before, Slot after)
    {
        if (before.Exists != after.Exists)
        {
            (before.Exists ? _removed : _added).Add(_path);
        }
        else if (!JsonNode.DeepEquals(before.Node, after.Node))
        {
            _modified.Add(_path);
        }
    }

    private void Fields(JsonObject? before, JsonObject? after, MapForm map)
    {
        foreach (var (key, value) in before ?? [])
        {
            Field(key, Slot.Of(value), Slot.At(after, key), map);
        }
        foreach (var (key, value) in after ?? [])
        {
            if (before?.ContainsKey(key) != true)
            {
                Field(key, Slot.None, Slot.Of(value), map);
            }
        }
    }

    private void Field(string key, Slot before, Slot after, MapForm map)
    {
        _path.Add(PathElement.Field(key));
        Visit(before, after, map.Field(key) ?? map.Element() ?? FieldType.Deduced);
        _path.RemoveAt(_path.Count - 1);
    }

    private void Items(JsonArray? before, JsonArray? after, ListForm list)
    {
        var old = ListItems.Group(before, list);
        var now = ListItems.Group(after, list).ToDictionary(g => g.Step, g => g.Items);
        foreach (var (step, items) in old)
        {
            Item(step, items, now.Remove(step, out var later) ? later : [], list);
        }
        foreach (var (step, items) in now)
        {
            Item(step, [], items, list);
        }
    }

    /// <summary>Items that come once are compared one to one; of repeated ones only that they are, and whether all are as they were.</summary>
    private void Item(PathElement step, List<JsonNode?> before, List<JsonNode?> after, ListForm list)
    {
        _path.Add(step);
        switch (before.Count > 1, after.Count > 1)
        {
            case (false, false):
                Visit(Only(before), Only(after), list.Item());
                break;
            case (true, true):
                if (!before.SequenceEqual(after, s_sameValue))
                {
                    _modified.Add(_path);
                }
                break;
            case (true, false):
                if (after.Count > 0)
                {
                    Visit(Slot.None, Only(after), list.Item());
                }
                _removed.Add(_path);
                break;
            default:
                if (before.Count > 0)
                {
                    Visit(Only(before), Slot.None, list.Item());
                }
                _added.Add(_path);
                break;
        }
        _path.RemoveAt(_path.Count - 1);
    }

    private static readonly EqualityComparer<JsonNode?> s_sameValue = EqualityComparer<JsonNode?>.Create(JsonNode.DeepEquals, static _ => 0);

    private static Slot Only(List<JsonNode?> items) => items.Count == 0 ? Slot.None : Slot.Of(items[0]);
}
