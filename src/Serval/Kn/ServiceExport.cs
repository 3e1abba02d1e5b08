using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Admission;
using Serval.Api.Serving;
using Serval.Remote;

namespace Serval.Kn;

/// <summary>
/// A service as a file that makes it again (knative/client: pkg/commands/service/export.go). With revisions, the newest one keeps its name too:
/// without it the server would give it the name of the oldest.
/// </summary>
internal static class ServiceExport
{
    public const string ApiVersion = "client.knative.dev/v1alpha1";
    public const string Kind = "Export";

    private static readonly string[] s_ofService = [KnativeNames.CreatorAnnotation, KnativeNames.LastModifierAnnotation, ThreeWayMerge.LastApplied];

    private static readonly string[] s_ofRevision =
    [
        KnativeNames.CreatorAnnotation, KnativeNames.LastPinnedAnnotation, KnativeNames.RoutingStateModifiedAnnotation, KnativeNames.RoutesAnnotation, ServiceEdit.UpdateTimestamp,
    ];

    private static readonly string[] s_labels = [KnativeNames.ConfigurationUidLabel, KnativeNames.ServiceUidLabel, KnativeNames.RoutingStateLabel];

    /// <summary>For <c>service import</c>: the service, and the older revisions that traffic goes to.</summary>
    /// <param name="service">The service.</param>
    /// <param name="revisions">Its revisions; null exports none.</param>
    public static JsonObject ForImport(JsonObject service, IReadOnlyList<JsonObject>? revisions)
    {
        var older = Older(service, revisions ?? []).ToArray();
        var spec = new JsonObject { ["service"] = Service(service, named: older.Length > 0, routed: revisions is { Count: > 1 }) };
        if (older.Length > 0)
        {
            spec["revisions"] = new JsonArray([.. older.Select(Revision)]);
        }
        return new JsonObject { ["apiVersion"] = ApiVersion, ["kind"] = Kind, ["metadata"] = new JsonObject(), ["spec"] = spec };
    }

    /// <summary>For <c>kubectl apply</c>, one after the other: the service at each of its older revisions, then as it is.</summary>
    public static JsonObject ForReplay(JsonObject service, IReadOnlyList<JsonObject>? revisions)
    {
        if (revisions is null)
        {
            return Service(service, named: false, routed: false);
        }
        var older = Older(service, revisions).ToArray();
        return ObjectList.Join([.. older.Select(r => At(service, r)), Service(service, named: older.Length > 0, routed: revisions.Count > 1)]);
    }

    private static IEnumerable<JsonObject> Older(JsonObject service, IReadOnlyList<JsonObject> revisions)
    {
        var routed = service.Object("spec").Objects("traffic").Select(t => t.Item.String("revisionName")).ToHashSet(StringComparer.Ordinal);
        var newest = Newest(service);
        return revisions.Where(r => r.Object("metadata").String("name") is var name && name != newest && routed.Contains(name)).OrderBy(RevisionFacts.Generation);
    }

    private static string Newest(JsonObject service) => service.Object("spec").Object("template").Object("metadata").String("name") is { Length: > 0 } named
        ? named
        : service.Object("status").String("latestCreatedRevisionName");

    private static JsonObject Service(JsonObject service, bool named, bool routed)
    {
        var spec = new JsonObject { ["template"] = service.Object("spec").Object("template")?.DeepClone() };
        var metadata = spec.Ensure("template").Ensure("metadata");
        Strip(metadata, s_ofRevision);
        if (named)
        {
            metadata["name"] = Newest(service);
        }
        if (routed && service.Object("spec").Array("traffic") is { } traffic)
        {
            spec["traffic"] = traffic.DeepClone();
        }
        return Plain(Kinds.KService, service, spec, s_ofService);
    }

    private static JsonObject At(JsonObject service, JsonObject revision)
    {
        var metadata = new JsonObject { ["name"] = revision.Object("metadata").String("name") };
        if (service.Object("spec").Object("template").Object("metadata").Object("labels") is { } labels)
        {
            metadata["labels"] = labels.DeepClone();
        }
        if (revision.Object("metadata").Object("annotations") is { } annotations)
        {
            metadata["annotations"] = annotations.DeepClone();
        }
        Strip(metadata, s_ofRevision);
        var template = new JsonObject { ["metadata"] = metadata, ["spec"] = revision["spec"]?.DeepClone() };
        return Plain(Kinds.KService, service, new JsonObject { ["template"] = template }, s_ofService);
    }

    private static JsonObject Revision(JsonObject revision) => Plain(Kinds.Revision, revision, (JsonObject?)revision["spec"]?.DeepClone(), s_ofRevision);

    private static JsonObject Plain(ResourceKind kind, JsonObject obj, JsonObject? spec, string[] annotations)
    {
        var metadata = new JsonObject { ["name"] = obj.Object("metadata").String("name") };
        foreach (var map in (string[])["labels", "annotations"])
        {
            if (obj.Object("metadata").Object(map) is { } entries)
            {
                metadata[map] = entries.DeepClone();
            }
        }
        Strip(metadata, annotations);
        return new JsonObject { ["apiVersion"] = kind.ApiVersion, ["kind"] = kind.Kind, ["metadata"] = metadata, ["spec"] = spec };
    }

    private static void Strip(JsonObject metadata, string[] annotations)
    {
        foreach (var (map, keys) in new[] { ("annotations", annotations), ("labels", s_labels) })
        {
            EditTarget.Assign(metadata, map, keys.Select(k => new Assignment(k, null)));
            if (metadata.Object(map) is { Count: 0 })
            {
                metadata.Remove(map);
            }
        }
    }
}
