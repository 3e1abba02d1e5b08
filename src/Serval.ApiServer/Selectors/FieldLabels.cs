using System.Collections.Frozen;
using Serval.Api;

namespace Serval.ApiServer.Selectors;

/// <summary>
/// Which fields a client may select objects of a kind by (kubernetes: pkg/apis/core/v1/conversion.go; apiextensions-apiserver for custom
/// ones; apimachinery runtime/conversion.go for all others). In process any path is good.
/// </summary>
internal static class FieldLabels
{
    private static readonly FrozenDictionary<string, string[]> s_core = new Dictionary<string, string[]>
    {
        ["Pod"] =
        [
            "metadata.name", "metadata.namespace", "spec.nodeName", "spec.restartPolicy", "spec.schedulerName", "spec.serviceAccountName", "spec.hostNetwork",
            "status.phase", "status.podIP", "status.podIPs", "status.nominatedNodeName", "spec.host",
        ],
        ["Node"] = ["metadata.name", "spec.unschedulable"],
        ["Namespace"] = ["metadata.name", "status.phase"],
        ["Secret"] = ["metadata.name", "metadata.namespace", "type"],
        ["Service"] = ["metadata.name", "metadata.namespace", "spec.clusterIP", "spec.type"],
        ["Event"] =
        [
            "involvedObject.kind", "involvedObject.namespace", "involvedObject.name", "involvedObject.uid", "involvedObject.apiVersion",
            "involvedObject.resourceVersion", "involvedObject.fieldPath", "reason", "reportingComponent", "source", "type", "metadata.namespace", "metadata.name",
        ],
    }.ToFrozenDictionary();

    private static readonly string[] s_namedEvent =
    [
        "regarding.kind", "regarding.namespace", "regarding.name", "regarding.uid", "regarding.apiVersion", "regarding.resourceVersion", "regarding.fieldPath", "reason",
        "reportingController", "type", "metadata.namespace", "metadata.name",
    ];

    /// <summary>Throws 400 when the selector is malformed or names a field that objects of the kind cannot be selected by.</summary>
    public static FieldQuery Check(ResourceKind kind, string selector)
    {
        var query = FieldQuery.Parse(selector);
        foreach (var path in query.Paths)
        {
            if (kind.IsCustom)
            {
                Require(path == "metadata.name" || (path == "metadata.namespace" && kind.Namespaced) || kind.Shape?.SelectableFields.Contains('.' + path) == true,
                    $"field label not supported: {path}");
            }
            else if (kind.Group.Length == 0 && s_core.TryGetValue(kind.Kind, out var known))
            {
                Require(known.Contains(path), $"field label not supported: {path}");
            }
            else if (kind == Kinds.NamedEvent)
            {
                Require(s_namedEvent.Contains(path), $"field label not supported: {path}");
            }
            else if (kind is { Group: "batch", Kind: "Job" })
            {
                Require(path is "metadata.name" or "metadata.namespace" or "status.successful", $"field label \"{path}\" not supported for batchv1.Job");
            }
            else
            {
                Require(path is "metadata.name" or "metadata.namespace",
                    $"\"{path}\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\"");
            }
        }
        return query;
    }

    private static void Require(bool known, string otherwise)
    {
        if (!known)
        {
            throw ApiException.BadRequest(otherwise);
        }
    }
}
