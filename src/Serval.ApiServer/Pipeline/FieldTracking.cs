using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Admission;
using Serval.Api.Fields;
using Serval.ApiServer.Apply;
using Serval.Kube;

namespace Serval.ApiServer.Pipeline;

/// <summary>
/// Which writes <c>metadata.managedFields</c> takes note of (docs/decisions): those of outside clients, and on objects that have it, those of
/// Serval's own roles as far as they change what somebody may own.
/// </summary>
internal sealed class FieldTracking(IKindSource kinds, TimeProvider time)
{
    private static readonly FieldSet s_status = FieldSet.OfFields("status");
    private static readonly FieldSet s_spec = FieldSet.OfFields("spec");
    private static readonly FieldSet s_specAndLabels = s_spec.Union(FieldSet.OfFields("metadata", "labels"));
    private static readonly FieldSet s_specAndMetadata = s_spec.Union(FieldSet.OfFields("metadata"));

    /// <summary>
    /// Whether the short way of a status write would miss somebody: a client whose write is to be recorded, or the owner of a status field.
    /// </summary>
    public static bool ConcernsStatus(KubeObject present, WriteOptions options) =>
        present.Json.Span.IndexOf(options.Tracked ? "\"managedFields\":["u8 : "\"subresource\":\"status\""u8) >= 0;

    /// <summary>Takes note of a write that is no apply: the entries of <paramref name="next"/> are set.</summary>
    /// <param name="before">The stored object; null for a new one.</param>
    /// <param name="next">The object to store.</param>
    /// <param name="sent">What the client sent as managedFields.</param>
    /// <param name="options">How it is written, and by whom.</param>
    /// <param name="given">What is the server's own doing.</param>
    public void Note(ResourceKind kind, JsonObject? before, JsonObject next, JsonNode? sent, WriteOptions options, FieldSet? given = null)
    {
        var metadata = next["metadata"]!.AsObject();
        metadata.Remove("managedFields");
        var former = before?["metadata"]?["managedFields"];
        if (former is null && !(options.Tracked && (before is null || sent is not null)))
        {
            return; // untracked, and stays so
        }
        var managed = options is { Tracked: false, Subresource: "status" } && former is JsonArray entries && !entries.Any(e => (string?)e?["subresource"] == "status")
            ? former.DeepClone()
            : FieldManager.Update(before, next, sent, Without(By(kind, options), given), starts: before is null);
        Set(metadata, managed);
    }

    /// <summary>
    /// Sets the entries that an apply led to. When the object is the stored one but for their times, it is exactly the stored one.
    /// </summary>
    public static void Settle(JsonObject? before, JsonObject next, JsonArray? managed)
    {
        var metadata = next["metadata"]!.AsObject();
        Set(metadata, managed);
        if (before is not null && IsSameButForTimes(before, next))
        {
            Set(metadata, before["metadata"]!["managedFields"]?.DeepClone());
        }
    }

    private static FieldOperation Without(FieldOperation by, FieldSet? given) => given is null or { IsEmpty: true } ? by : by with { Ignored = by.Ignored.Union(given) };

    /// <summary>Who writes.</summary>
    public FieldOperation By(ResourceKind kind, WriteOptions options) => new()
    {
        Manager = options.FieldManager,
        ApiVersion = kind.ApiVersion,
        Subresource = options.Subresource,
        Time = KubeTime.Text(time.GetUtcNow()),
        Ignored = Ignored(kind, options.Subresource),
        Nothing = kind.IsCustom ? [] : ZeroFields.Of(kind),
        TypeOf = version => version == kind.ApiVersion ? FieldTypes.Of(kind) : Sibling(kind, version) is { } other ? FieldTypes.Of(other) : null,
    };

    /// <summary>The same resource in another version.</summary>
    private ResourceKind? Sibling(ResourceKind kind, string apiVersion) =>
        kinds.Find(apiVersion, kind.Kind) is { } other && other.Group == kind.Group && other.Plural == kind.Plural ? other : null;

    /// <summary>What a door does not let through (apiserver: each strategy's GetResetFields).</summary>
    private static FieldSet Ignored(ResourceKind kind, string subresource) => subresource switch
    {
        "" => kind.HasStatus ? s_status : FieldSet.Empty,
        "status" => kind.IsCustom || kind == Kinds.CustomResourceDefinition ? s_specAndMetadata : kind == Kinds.Deployment ? s_specAndLabels : s_spec,
        _ => FieldSet.Empty,
    };

    /// <summary>Exchanges the entries; null for none.</summary>
    public static void Set(JsonObject metadata, JsonNode? managed)
    {
        metadata.Remove("managedFields");
        if (managed is not null)
        {
            metadata["managedFields"] = managed;
        }
    }

    private static bool IsSameButForTimes(JsonObject before, JsonObject next) =>
        IsSameBut("metadata", before, next) && before["metadata"] is JsonObject was && next["metadata"] is JsonObject now
        && IsSameBut("managedFields", was, now) && JsonNode.DeepEquals(Timeless(was["managedFields"]), Timeless(now["managedFields"]));

    private static bool IsSameBut(string member, JsonObject before, JsonObject next) =>
        before.Count - (before.ContainsKey(member) ? 1 : 0) == next.Count - (next.ContainsKey(member) ? 1 : 0)
        && before.All(p => p.Key == member || (next.TryGetPropertyValue(p.Key, out var value) && JsonNode.DeepEquals(p.Value, value)));

    private static JsonNode? Timeless(JsonNode? entries)
    {
        entries = entries?.DeepClone();
        foreach (var entry in entries as JsonArray ?? [])
        {
            (entry as JsonObject)?.Remove("time");
        }
        return entries;
    }
}
