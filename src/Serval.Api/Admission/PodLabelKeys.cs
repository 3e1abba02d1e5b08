using System.Text.Json.Nodes;

namespace Serval.Api.Admission;

/// <summary>
/// Label keys of a new pod's affinity and spreading become requirements of their selectors, with the pod's own values
/// (kubernetes pkg/registry/core/pod/strategy.go: mutatePodAffinity, mutateTopologySpreadConstraints).
/// </summary>
internal static class PodLabelKeys
{
    public static void Apply(JsonObject pod)
    {
        var spec = pod.Object("spec");
        var (affinity, labels) = (spec.Object("affinity"), pod.Object("metadata").Object("labels"));
        if (labels is null || (affinity is null && !spec.Has("topologySpreadConstraints")))
        {
            return;
        }
        foreach (var kind in (ReadOnlySpan<string>)["podAffinity", "podAntiAffinity"])
        {
            foreach (var (_, term) in affinity.Object(kind).Objects(PodPlacementRules.Preferred))
            {
                Select(term.Object("podAffinityTerm"), labels);
            }
            foreach (var (_, term) in affinity.Object(kind).Objects(PodPlacementRules.Required))
            {
                Select(term, labels);
            }
        }
        foreach (var (_, constraint) in spec.Objects("topologySpreadConstraints"))
        {
            Select(constraint, labels);
        }
    }

    private static void Select(JsonObject? term, JsonObject labels)
    {
        if (term.Object("labelSelector") is { } selector)
        {
            Add(selector, term.Array("matchLabelKeys"), "In", labels);
            Add(selector, term.Array("mismatchLabelKeys"), "NotIn", labels);
        }
    }

    private static void Add(JsonObject selector, JsonArray? keys, string relation, JsonObject labels)
    {
        foreach (var key in (keys ?? []).Select(Tree.Text).Where(k => labels[k] is not null))
        {
            selector.Default("matchExpressions", new JsonArray());
            selector.Array("matchExpressions")?.Add(new JsonObject { ["key"] = key, ["operator"] = relation, ["values"] = new JsonArray(labels.String(key)) });
        }
    }
}
