using System.Globalization;
using System.Text.Json.Nodes;
using Serval.Api;

namespace Serval.Controllers.Workloads;

/// <summary>
/// The numbers of a Deployment's rollouts, kept on its ReplicaSets, that <c>kubectl rollout history</c> and <c>undo</c> read (apps/v1). Pure.
/// </summary>
internal static class RolloutHistory
{
    /// <summary>Number of the rollout a ReplicaSet was last used in; on the Deployment, of its latest rollout.</summary>
    internal const string RevisionAnnotation = "deployment.kubernetes.io/revision";

    /// <summary>Earlier numbers of a ReplicaSet that was rolled back to.</summary>
    internal const string EarlierAnnotation = "deployment.kubernetes.io/revision-history";

    private static readonly string[] s_ownAnnotations =
    [
        RevisionAnnotation, EarlierAnnotation, SetFacts.DesiredAnnotation, SetFacts.MaxAnnotation, "kubectl.kubernetes.io/last-applied-configuration",
        "deprecated.deployment.rollback.to",
    ];

    /// <summary>The annotations the set for the present template lacks: the Deployment's own, and its number when it is not the highest.</summary>
    /// <param name="deployment">The Deployment.</param>
    /// <param name="set">Its set for the present template; null when it is about to be made.</param>
    /// <param name="old">The other sets.</param>
    internal static JsonObject Missing(KubeObject deployment, KubeObject? set, IEnumerable<SetFacts> old)
    {
        var missing = new JsonObject();
        foreach (var (key, value) in deployment.Metadata.Annotations)
        {
            if (!s_ownAnnotations.Contains(key) && set?.Metadata.Annotation(key) != value)
            {
                missing[key] = value;
            }
        }
        var next = old.Select(s => s.Revision).DefaultIfEmpty().Max() + 1;
        var own = set is null ? 0 : SetFacts.Of(set).Revision;
        if (own < next)
        {
            missing[RevisionAnnotation] = next.ToString(CultureInfo.InvariantCulture);
            if (own > 0)
            {
                var earlier = set!.Metadata.Annotation(EarlierAnnotation);
                missing[EarlierAnnotation] = string.IsNullOrEmpty(earlier) ? $"{own}" : $"{earlier},{own}";
            }
        }
        return missing;
    }

    /// <summary>The sets that are too many of the old ones: the oldest, and of these only those that have nothing left.</summary>
    internal static IEnumerable<SetFacts> Surplus(IReadOnlyList<SetFacts> old, int limit) => old
        .OrderBy(s => s.Revision).ThenBy(s => s.Created).ThenBy(s => s.Name, StringComparer.Ordinal)
        .Take(Math.Max(0, old.Count - limit))
        .Where(s => s is { Spec: 0, Replicas: 0, Observed: true });
}
