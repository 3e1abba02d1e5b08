using System.Globalization;
using Serval.Api;
using Serval.Api.Core;

namespace Serval.Controllers.Workloads;

/// <summary>Whether a node takes a pod, whatever else is on it (kube-scheduler's filters, in its order and its words). Pure.</summary>
internal static class NodeFit
{
    /// <summary>Why the node does not take the pod; null when it does.</summary>
    internal static string? Refusal(Node node, PodSpec pod)
    {
        if (node.Spec.Unschedulable && !Tolerates(pod, new Taint { Key = "node.kubernetes.io/unschedulable", Effect = "NoSchedule" }))
        {
            return "node(s) were unschedulable";
        }
        foreach (var taint in node.Spec.Taints)
        {
            if (taint.Effect is "NoSchedule" or "NoExecute" && !Tolerates(pod, taint))
            {
                return $"node(s) had untolerated taint {{{taint.Key}: {taint.Value}}}";
            }
        }
        return Selects(pod, node.Metadata) ? null : "node(s) didn't match Pod's node affinity/selector";
    }

    /// <summary>What of the needs the node has no room for, in words; empty when it all fits. A node that does not say what it has refuses nothing.</summary>
    internal static IReadOnlyList<string> Lacks(Node node, IReadOnlyDictionary<string, Quantity> taken, IReadOnlyDictionary<string, Quantity> needs)
    {
        if (node.Status.Allocatable.Count == 0)
        {
            return [];
        }
        List<string>? lacks = null;
        foreach (var (name, need) in needs)
        {
            var has = node.Status.Allocatable.TryGetValue(name, out var amount) ? PodResources.Read(amount) : Quantity.Zero;
            if (!need.IsZero && taken.GetValueOrDefault(name) + need > has)
            {
                (lacks ??= []).Add(name == PodResources.Pods ? "Too many pods" : $"Insufficient {name}");
            }
        }
        lacks?.Sort(StringComparer.Ordinal);
        return lacks ?? (IReadOnlyList<string>)[];
    }

    internal static bool Tolerates(Toleration t, Taint taint) => (t.Effect.Length == 0 || t.Effect == taint.Effect)
        && (t.Key.Length == 0 ? t.Operator == "Exists" : t.Key == taint.Key && (t.Operator == "Exists" || t.Value == taint.Value));

    private static bool Tolerates(PodSpec pod, Taint taint) => pod.Tolerations.Any(t => Tolerates(t, taint));

    private static bool Selects(PodSpec pod, ObjectMeta node) =>
        pod.NodeSelector.All(p => node.Label(p.Key) == p.Value)
        && (pod.Affinity?.NodeAffinity?.RequiredDuringSchedulingIgnoredDuringExecution is not { } required
            || required.NodeSelectorTerms.Any(t => t.MatchExpressions.Count + t.MatchFields.Count > 0
                && t.MatchExpressions.All(r => Holds(r, node.Label(r.Key)))
                && t.MatchFields.All(r => r.Key == "metadata.name" && Holds(r, node.Name))));

    private static bool Holds(NodeSelectorRequirement requirement, string? value) => requirement.Operator switch
    {
        "In" => value is not null && requirement.Values.Contains(value),
        "NotIn" => value is null || !requirement.Values.Contains(value),
        "Exists" => value is not null,
        "DoesNotExist" => value is null,
        "Gt" => Compare(value, requirement) > 0,
        "Lt" => Compare(value, requirement) < 0,
        _ => false,
    };

    /// <summary>0 when one of them is no number, which is neither greater nor less.</summary>
    private static int Compare(string? value, NodeSelectorRequirement requirement) =>
        requirement.Values is [var bound] && Number(value) is { } left && Number(bound) is { } right ? left.CompareTo(right) : 0;

    private static long? Number(string? text) => long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? number : null;
}
