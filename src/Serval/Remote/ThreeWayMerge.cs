using System.Text.Json.Nodes;
using Serval.Api;

namespace Serval.Remote;

/// <summary>
/// The merge patch (RFC 7386) that makes an object what its manifest says: sets what differs, removes what an earlier manifest set and this
/// one no longer has, leaves alone what others wrote. The earlier manifest is kept where kubectl keeps it, so both can be used in turn.
/// </summary>
internal static class ThreeWayMerge
{
    public const string LastApplied = "kubectl.kubernetes.io/last-applied-configuration";

    /// <summary>The manifest with itself recorded in it.</summary>
    public static JsonObject Record(JsonObject manifest)
    {
        var plain = Plain(manifest);
        var text = plain.ToJsonString() + "\n";
        var metadata = plain["metadata"] as JsonObject ?? (JsonObject)(plain["metadata"] = new JsonObject());
        if (metadata["annotations"] is not JsonObject annotations)
        {
            annotations = [];
            metadata["annotations"] = annotations;
        }
        annotations[LastApplied] = text;
        return plain;
    }

    /// <summary>The patch from <paramref name="current"/> to a manifest; empty when nothing is to do.</summary>
    public static JsonObject Patch(JsonObject current, JsonObject manifest)
    {
        var recorded = (string?)((current["metadata"] as JsonObject)?["annotations"] as JsonObject)?[LastApplied];
        var earlier = recorded is null ? [] : Read(recorded);
        var patch = new JsonObject();
        Removals(earlier, Plain(manifest), current, patch);
        Additions(current, Plain(manifest), earlier, patch);
        if (patch.Count > 0 || recorded is null)
        {
            // The record alone is no reason to write, except the first time.
            Additions(current, Record(manifest), earlier, patch);
        }
        return patch;
    }

    private static JsonObject Read(string recorded)
    {
        try
        {
            return CanonicalJson.Parse(recorded) as JsonObject ?? [];
        }
        catch (System.Text.Json.JsonException)
        {
            return [];
        }
    }

    // Status is not the user's, and the record must not contain itself.
    private static JsonObject Plain(JsonObject manifest)
    {
        var copy = (JsonObject)manifest.DeepClone();
        copy.Remove("status");
        ((copy["metadata"] as JsonObject)?["annotations"] as JsonObject)?.Remove(LastApplied);
        return copy;
    }

    private static void Removals(JsonObject earlier, JsonObject manifest, JsonObject current, JsonObject patch)
    {
        foreach (var (key, value) in earlier)
        {
            if (!current.TryGetPropertyValue(key, out var now))
            {
                continue;
            }
            if (!manifest.TryGetPropertyValue(key, out var wanted))
            {
                patch[key] = null;
            }
            else if (value is JsonObject inner && wanted is JsonObject wantedInner && now is JsonObject nowInner)
            {
                Nested(patch, key, p => Removals(inner, wantedInner, nowInner, p));
            }
        }
    }

    private static void Additions(JsonObject current, JsonObject manifest, JsonObject earlier, JsonObject patch)
    {
        foreach (var (key, wanted) in manifest)
        {
            current.TryGetPropertyValue(key, out var now);
            if (wanted is JsonObject wantedInner && now is JsonObject nowInner)
            {
                Nested(patch, key, p => Additions(nowInner, wantedInner, earlier[key] as JsonObject ?? [], p));
            }
            else if (!JsonNode.DeepEquals(wanted, now) && !(wanted is JsonArray && Covers(now, wanted) && JsonNode.DeepEquals(wanted, earlier[key])))
            {
                patch[key] = wanted?.DeepClone();
            }
        }
    }

    // A merge patch replaces lists whole. One that was applied before and only got defaults in its elements since needs no write.
    private static bool Covers(JsonNode? now, JsonNode? wanted) => (now, wanted) switch
    {
        (JsonObject have, JsonObject want) => want.All(p => p.Value is null ? have[p.Key] is null : Covers(have[p.Key], p.Value)),
        (JsonArray have, JsonArray want) => have.Count == want.Count && have.Zip(want).All(p => Covers(p.First, p.Second)),
        _ => JsonNode.DeepEquals(now, wanted),
    };

    private static void Nested(JsonObject patch, string key, Action<JsonObject> fill)
    {
        var inner = patch[key] as JsonObject ?? [];
        fill(inner);
        if (inner.Count > 0 && inner.Parent is null)
        {
            patch[key] = inner;
        }
    }
}
