using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Apps;
using Serval.Api.Core;
using Serval.Api.Policy;
using Serval.Kube;

namespace Serval.Controllers.Workloads;

/// <summary>PodDisruptionBudget → its status: how many of its pods are healthy and how many may go (kubernetes pkg/controller/disruption). It trails.</summary>
internal sealed class DisruptionReconciler(IKubeClient client, IEventRecorder events, TimeProvider time) : IReconciler
{
    /// <summary>How long a pod that was allowed to go counts as gone while it is still there.</summary>
    private static readonly TimeSpan s_deletionTimeout = TimeSpan.FromMinutes(2);

    private readonly StatusTrail _trail = new(time);
    private readonly EventReporter _events = new(events, "controllermanager");
    private readonly SelectorIndex _budgets = new(client.Cache(PolicyKinds.PodDisruptionBudget), static b => b.As<PodDisruptionBudget>().Spec.Selector);
    private readonly LabelIndex _pods = new(client.Cache(Kinds.Pod), static _ => true);

    public string Name => "disruption-controller";

    public ResourceKind Kind => PolicyKinds.PodDisruptionBudget;

    public IEnumerable<ReconcilerWatch> Watches => [_budgets.Watch, new ReconcilerWatch(Kinds.Pod, BudgetsOf)];

    public async Task<ReconcileResult> ReconcileAsync(ObjectKey key, CancellationToken ct)
    {
        if (client.Cache(PolicyKinds.PodDisruptionBudget).Get(key) is not { } stored || stored.Metadata.IsDeleting)
        {
            _trail.Forget(key);
            return ReconcileResult.Done;
        }
        var budget = stored.As<PodDisruptionBudget>();
        var now = time.GetUtcNow();
        List<Pod> pods = budget.Spec.Selector is { } selector ? [.. _pods.Find(key.Namespace, selector).Select(p => p.As<Pod>())] : [];
        var leaving = pods.Where(p => !p.Metadata.IsDeleting && budget.Status.DisruptedPods.TryGetValue(p.Metadata.Name, out var since) && since + s_deletionTimeout > now)
            .ToDictionary(p => p.Metadata.Name, p => budget.Status.DisruptedPods[p.Metadata.Name]);
        var status = Status(budget, pods, leaving, now);
        if (!JsonNode.DeepEquals(StatusFields.Of(stored), status))
        {
            if (_trail.Wait(key, waking: false) is var wait && wait > TimeSpan.Zero)
            {
                return ReconcileResult.After(wait);
            }
            // By version: an eviction may have taken from the budget since.
            await client.UpdateAsync(Kind, stored.With(tree => tree["status"] = status), WriteOptions.By(Name, "status"), ct);
            if ((string?)status["conditions"]![0]!["reason"] == "SyncFailed")
            {
                _events.Warning(stored, "CalculateExpectedPodCountFailed", (string)status["conditions"]![0]!["message"]!);
            }
        }
        _trail.Forget(key);
        return leaving.Count > 0 ? ReconcileResult.After(leaving.Values.Min() + s_deletionTimeout - now) : ReconcileResult.Done;
    }

    private JsonObject Status(PodDisruptionBudget budget, List<Pod> pods, Dictionary<string, DateTimeOffset> leaving, DateTimeOffset now)
    {
        var healthy = pods.Count(p => !p.Metadata.IsDeleting && !leaving.ContainsKey(p.Metadata.Name) && PodFacts.IsReady(p));
        var expected = Expected(budget.Spec, pods, out var failure);
        var desired = budget.Spec.MaxUnavailable is { } most ? Math.Max(0, expected - RollingBudget.Resolve(most, expected, roundUp: true))
            : budget.Spec.MinAvailable is { } least ? RollingBudget.Resolve(least, expected, roundUp: true)
            : 0;
        var allowed = failure is null && expected > 0 ? Math.Max(0, healthy - desired) : 0;
        var status = new JsonObject
        {
            ["observedGeneration"] = budget.Metadata.Generation, ["disruptionsAllowed"] = allowed, ["currentHealthy"] = healthy, ["desiredHealthy"] = desired,
            ["expectedPods"] = expected, ["conditions"] = DisruptionConditions.Of(budget, allowed, now, failure),
        };
        if (leaving.Count > 0)
        {
            status["disruptedPods"] = new JsonObject(leaving.Select(l => KeyValuePair.Create(l.Key, (JsonNode?)KubeTime.Text(l.Value))));
        }
        return status;
    }

    /// <summary>How many pods there should be: with a plain number of available ones as many as there are, else as many as their controllers want.</summary>
    private int Expected(PodDisruptionBudgetSpec spec, List<Pod> pods, out string? failure)
    {
        failure = null;
        if (spec.MaxUnavailable is null && spec.MinAvailable is not { ValueKind: System.Text.Json.JsonValueKind.String })
        {
            return spec.MinAvailable is null ? 0 : pods.Count;
        }
        var scales = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var pod in pods)
        {
            if (pod.Metadata.ControllerRef is not { } owner)
            {
                continue; // upstream leaves out what nobody manages
            }
            if (ScaleOf(pod.Metadata.Namespace, owner) is not var (uid, scale))
            {
                failure = $"found no controllers for pod \"{pod.Metadata.Name}\"";
                continue;
            }
            scales[uid] = scale;
        }
        return scales.Values.Sum();
    }

    private (string Uid, int Scale)? ScaleOf(string ns, OwnerReference owner)
    {
        if (owner.Kind != "ReplicaSet" || client.Cache(Kinds.ReplicaSet).Get(new ObjectKey(ns, owner.Name)) is not { } set || set.Metadata.Uid != owner.Uid)
        {
            return null;
        }
        return set.Metadata.ControllerRef is { Kind: "Deployment" } above && client.Cache(Kinds.Deployment).Get(new ObjectKey(ns, above.Name)) is { } deployment
            ? (deployment.Metadata.Uid, deployment.As<Deployment>().Spec.Replicas ?? 1)
            : (set.Metadata.Uid, set.As<ReplicaSet>().Spec.Replicas ?? 1);
    }

    private IEnumerable<ObjectKey> BudgetsOf(CacheChange change)
    {
        _pods.Follow(change);
        return _budgets.Matching(change);
    }
}
