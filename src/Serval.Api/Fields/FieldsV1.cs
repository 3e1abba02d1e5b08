using System.Text.Json.Nodes;

namespace Serval.Api.Fields;

/// <summary>Field sets as <c>metadata.managedFields[].fieldsV1</c> holds them. (structured-merge-diff: fieldpath/serialize.go.)</summary>
public static class FieldsV1
{
    private const int MaxSteps = 10_000;
    private const string Self = ".";

    /// <summary>Reads a set. <see cref="FormatException"/> when a step is broken or there are too many.</summary>
    public static FieldSet Read(JsonObject fields)
    {
        var steps = 0;
        return Read(fields, ref steps);
    }

    public static JsonObject Write(FieldSet set)
    {
        var fields = new JsonObject();
        foreach (var entry in set.Entries)
        {
            var below = Write(entry.Children);
            if (entry.IsMember && below.Count > 0)
            {
                below[Self] = new JsonObject();
            }
            fields[entry.Element.Encoded] = below;
        }
        return fields;
    }

    private static FieldSet Read(JsonObject fields, ref int steps)
    {
        var entries = new Dictionary<PathElement, FieldEntry>();
        foreach (var (key, value) in fields)
        {
            if (++steps > MaxSteps)
            {
                throw new FormatException($"more than {MaxSteps} fields");
            }
            if (key == Self || PathElement.Parse(key) is not { } element)
            {
                continue;
            }
            var below = value as JsonObject ?? (value is null ? [] : throw new FormatException($"{key} has a value that is no object"));
            var children = Read(below, ref steps);
            var entry = new FieldEntry(element, children.IsEmpty || below.ContainsKey(Self), children);
            entries[element] = entries.TryGetValue(element, out var twin) // two spellings of one step
                ? new FieldEntry(element, twin.IsMember || entry.IsMember, twin.Children.Union(children))
                : entry;
        }
        return FieldSet.Of(entries.Values);
    }
}
