using System.Text.Json;
using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Schema;
using Serval.ApiServer.Patches;
using Serval.Kube;

namespace Serval.ApiServer.Pipeline;

/// <summary>
/// The short way for what controllers and nodes write most: a merge patch of nothing but status, and the uid of the object that is meant. Only
/// the status is read, patched, decoded and spliced back; spec and metadata, which such a write cannot change, are not touched. Whatever is
/// unusual takes the long way.
/// </summary>
internal static class StatusPatch
{
    /// <summary>Whether this patch can go the short way.</summary>
    public static bool Fits(ResourceKind kind, PatchType type, JsonNode patch, WriteOptions options) =>
        type == PatchType.Merge && options is { Subresource: "status", FieldValidation: FieldValidation.Ignore } && kind.HasStatus && kind != Kinds.Namespace // whose phase has rules
        && patch is JsonObject { Count: 1 or 2 } body && body["status"] is JsonObject
        && (body.Count == 1 || body["metadata"] is JsonObject { Count: 1 } metadata && metadata["uid"] is JsonValue uid && uid.GetValueKind() == JsonValueKind.String);

    /// <summary>The next state; null when the long way must find out what is wrong, or whether a deletion is finished.</summary>
    public static KubeObject? Apply(ResourceKind kind, KubeObject present, JsonNode patch, WriteOptions options)
    {
        Admission.RequireUid(kind, present, (string?)patch["metadata"]?["uid"]);
        if (present.Metadata.IsDeleting || FieldTracking.ConcernsStatus(present, options) || kind.Shape is not null || Schemas.For(kind).Type.Find("status")?.Value.Type is not { } type)
        {
            return null;
        }
        var before = present.Member("status");
        var status = before.IsEmpty ? [] : CanonicalJson.Parse(before.Span) as JsonObject ?? [];
        var kept = kind == Kinds.Pod ? KeptPodStatus.Of(status) : null;
        var decoded = StrictDecoder.Decode(type, CanonicalJson.Serialize(MergePatch.Apply(status, patch["status"]!.AsObject())));
        if (decoded.Errors.Count > 0)
        {
            return null;
        }
        kept?.Complete(decoded.Tree);
        var after = CanonicalJson.Serialize(decoded.Tree);
        return after.AsSpan().SequenceEqual(before.Span) ? present : present.WithMember("status", after);
    }
}
