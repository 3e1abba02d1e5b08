using System.Text.Json.Nodes;
using Serval.Api.Fields;

namespace Serval.ApiServer.Apply;

/// <summary><c>metadata.managedFields</c> as entries and back. (apimachinery: util/managedfields/internal/managedfields.go, capmanagers.go.)</summary>
internal static class ManagedFields
{
    private const int MaxUpdaters = 10;
    private const string Ancient = "ancient-changes";

    /// <summary>Reads the list. <see cref="FormatException"/> when an entry is broken.</summary>
    public static List<ManagedEntry> Decode(JsonNode? list)
    {
        var entries = new List<ManagedEntry>();
        foreach (var node in list as JsonArray ?? [])
        {
            var entry = Decode(node as JsonObject ?? []);
            entries.RemoveAll(entry.IsOfSameManager);
            entries.Add(entry);
        }
        return entries;
    }

    /// <summary>The list, in upstream's order; null when nobody manages anything.</summary>
    public static JsonArray? Encode(IReadOnlyCollection<ManagedEntry> entries) => entries.Count == 0 ? null : [.. entries
        .OrderBy(e => e.Operation, StringComparer.Ordinal).ThenBy(e => e.Time, StringComparer.Ordinal).ThenBy(e => e.Manager, StringComparer.Ordinal)
        .ThenBy(e => e.ApiVersion, StringComparer.Ordinal).ThenBy(e => e.Subresource, StringComparer.Ordinal)
        .Select(Encode)];

    /// <summary>A client that sends <c>[]</c> or <c>[{}]</c> wants all to be forgotten.</summary>
    public static bool IsReset(JsonNode? list) => list is JsonArray array && (array.Count == 0 || (array.Count == 1 && array[0] is JsonObject { Count: 0 }));

    /// <summary>Beyond ten managers that do not apply, the oldest become one.</summary>
    public static List<ManagedEntry> Cap(List<ManagedEntry> entries)
    {
        var updaters = entries.Where(e => !e.IsApply).OrderBy(e => e.Time, StringComparer.Ordinal).ThenBy(e => e.Manager, StringComparer.Ordinal).ToList();
        var oldest = new Dictionary<string, ManagedEntry>(StringComparer.Ordinal); // by version: what another entry of it is united with
        foreach (var entry in updaters)
        {
            if (entries.Count(e => !e.IsApply) <= MaxUpdaters)
            {
                break;
            }
            if (oldest.TryGetValue(entry.ApiVersion, out var first) && entries.Remove(entry))
            {
                var bucket = first with { Manager = Ancient, Subresource = "", Time = entry.Time, Fields = first.Fields.Union(entry.Fields) };
                entries.Remove(first);
                if (entries.Find(bucket.IsOfSameManager) is { } ancient)
                {
                    entries.Remove(ancient);
                    bucket = bucket with { Fields = bucket.Fields.Union(ancient.Fields) };
                }
                entries.Add(bucket);
                oldest[entry.ApiVersion] = bucket;
            }
            else
            {
                oldest.TryAdd(entry.ApiVersion, entry);
            }
        }
        return entries;
    }

    private static ManagedEntry Decode(JsonObject entry)
    {
        var operation = (string?)entry["operation"];
        if (operation is not ("Apply" or "Update"))
        {
            throw new FormatException("operation must be `Apply` or `Update`");
        }
        if ((string?)entry["fieldsType"] != "FieldsV1")
        {
            throw new FormatException("fieldsType must be `FieldsV1`");
        }
        return new ManagedEntry
        {
            Manager = (string?)entry["manager"] ?? "",
            IsApply = operation == "Apply",
            ApiVersion = (string?)entry["apiVersion"] is { Length: > 0 } version ? version : throw new FormatException("apiVersion must not be empty"),
            Subresource = (string?)entry["subresource"] ?? "",
            Time = (string?)entry["time"] ?? "",
            Fields = FieldsV1.Read(entry["fieldsV1"] as JsonObject ?? []),
        };
    }

    private static JsonObject Encode(ManagedEntry entry)
    {
        var result = new JsonObject
        {
            ["apiVersion"] = entry.ApiVersion,
            ["fieldsType"] = "FieldsV1",
            ["fieldsV1"] = FieldsV1.Write(entry.Fields),
            ["manager"] = entry.Manager,
            ["operation"] = entry.Operation,
        };
        if (entry.Subresource.Length > 0)
        {
            result["subresource"] = entry.Subresource;
        }
        if (entry.Time.Length > 0)
        {
            result["time"] = entry.Time;
        }
        return result;
    }
}
