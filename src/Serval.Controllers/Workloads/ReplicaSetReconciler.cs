using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Apps;
using Serval.Api.Core;
using Serval.Kube;

namespace Serval.Controllers.Workloads;

/// <summary>
/// ReplicaSet → Pods (apps/v1). A pod is created with its node already set when there is one, so that no scheduler stands between
/// the wish and the spawn. The status trails.
/// </summary>
internal sealed class ReplicaSetReconciler(IKubeClient client, IEventRecorder events, TimeProvider time) : IReconciler
{
    /// <summary>Most pods created or deleted in one run; the rest follows in the next.</summary>
    internal const int BurstReplicas = 500;

    private const string Manager = "replicaset-controller";
    private const string DeletionCost = "controller.kubernetes.io/pod-deletion-cost";

    private readonly StatusTrail _trail = new(time);
    private readonly EventReporter _events = new(events, Manager);
    private readonly BindingReport _bindings = new(events);
    private readonly ChildClaims _claims = new(
        client, Kinds.ReplicaSet, Kinds.Pod, s => s.As<ReplicaSet>().Spec.Selector, p => PodFacts.IsActive(p.As<Pod>()), Manager);

    public string Name => Manager;

    public ResourceKind Kind => Kinds.ReplicaSet;

    public IEnumerable<ReconcilerWatch> Watches => _claims.Watches;

    public async Task<ReconcileResult> ReconcileAsync(ObjectKey key, CancellationToken ct)
    {
        if (client.Cache(Kinds.ReplicaSet).Get(key) is not { } stored || stored.Metadata.IsDeleting)
        {
            _trail.Forget(key);
            return ReconcileResult.Done;
        }
        var set = stored.As<ReplicaSet>();
        var active = (await _claims.ClaimAsync(stored, ct)).Select(p => (Object: p, View: p.As<Pod>())).Where(p => PodFacts.IsActive(p.View)).ToList();
        var missing = (set.Spec.Replicas ?? 1) - active.Count;
        if (missing > 0 && !Namespaces.IsClosing(client, key.Namespace))
        {
            await CreatePodsAsync(stored, Math.Min(missing, BurstReplicas), ct);
        }
        else if (missing < 0)
        {
            await DeletePodsAsync(stored, active, Math.Min(-missing, BurstReplicas), ct);
        }
        return await ReportAsync(stored, set, ct);
    }

    private async Task CreatePodsAsync(KubeObject set, int count, CancellationToken ct)
    {
        var node = NodeChoice.Pick(client); // null: it gets one when there is one
        var writes = new Task[count];
        for (var i = 0; i < count; i++)
        {
            writes[i] = CreatePodAsync(set, node, ct);
        }
        await Task.WhenAll(writes);
    }

    private async Task CreatePodAsync(KubeObject set, string? node, CancellationToken ct)
    {
        try
        {
            var pod = await client.CreateAsync(Kinds.Pod, NewPod(set, node), WriteOptions.By(Name), ct);
            _events.Normal(set, "SuccessfulCreate", $"Created pod: {pod.Metadata.Name}");
            if (node is not null)
            {
                _bindings.Bound(pod, node);
            }
        }
        catch (ApiException e) when (!e.IsNamespaceTerminating)
        {
            _events.Warning(set, "FailedCreate", $"Error creating: {e.Message}");
            throw;
        }
    }

    private static KubeObject NewPod(KubeObject set, string? node)
    {
        var template = set.ToTree()["spec"]!["template"]!.AsObject();
        var metadata = template["metadata"] as JsonObject ?? [];
        var spec = template["spec"]!.AsObject();
        template.Clear();
        metadata.Remove("creationTimestamp");
        metadata["generateName"] = set.Metadata.Name + "-";
        metadata["namespace"] = set.Metadata.Namespace;
        metadata["ownerReferences"] = OwnedObjects.OwnedBy(set);
        if (node is not null)
        {
            spec["nodeName"] = node;
        }
        return KubeObject.From(new JsonObject { ["apiVersion"] = "v1", ["kind"] = "Pod", ["metadata"] = metadata, ["spec"] = spec });
    }

    private async Task DeletePodsAsync(KubeObject set, List<(KubeObject Object, Pod View)> active, int count, CancellationToken ct)
    {
        // Least useful first: not ready, then the cheaper, then the younger (Kubernetes: ActivePodsWithRanks).
        var victims = active
            .OrderBy(p => PodFacts.IsReady(p.View))
            .ThenBy(p => int.TryParse(p.View.Metadata.Annotation(DeletionCost), out var cost) ? cost : 0)
            .ThenByDescending(p => p.View.Metadata.CreationTimestamp)
            .ThenByDescending(p => p.Object.Version)
            .Take(count);
        await Task.WhenAll(victims.Select(async p =>
        {
            await OwnedObjects.DeleteIfPresentAsync(client, Kinds.Pod, p.Object, ct);
            _events.Normal(set, "SuccessfulDelete", $"Deleted pod: {p.Object.Metadata.Name}");
        }));
    }

    private async Task<ReconcileResult> ReportAsync(KubeObject stored, ReplicaSet set, CancellationToken ct)
    {
        var now = time.GetUtcNow();
        var pods = client.Cache(Kinds.Pod).OwnedBy(stored.Metadata.Uid).Select(p => p.As<Pod>()).Where(PodFacts.IsActive).ToList();
        var ready = pods.Count(PodFacts.IsReady);
        var available = pods.Count(p => PodFacts.IsAvailable(p, set.Spec.MinReadySeconds, now));
        var status = new JsonObject { ["observedGeneration"] = stored.Metadata.Generation, ["replicas"] = pods.Count };
        status.Put("fullyLabeledReplicas", pods.Count);
        status.Put("readyReplicas", ready);
        status.Put("availableReplicas", available);
        if (JsonDiff.MergePatch(stored.ToTree()["status"] as JsonObject ?? [], status) is not null)
        {
            if (_trail.Wait(stored.Key, ready < (set.Spec.Replicas ?? 1)) is var wait && wait > TimeSpan.Zero)
            {
                return ReconcileResult.After(wait);
            }
            await OwnedObjects.PatchStatusAsync(client, Kinds.ReplicaSet, stored, status, Name, ct);
        }
        _trail.Forget(stored.Key);
        return new ReconcileResult(NextAvailable(pods, set.Spec.MinReadySeconds, now));
    }

    /// <summary>When the next of the ready pods will have been ready for long enough.</summary>
    private static TimeSpan? NextAvailable(List<Pod> pods, int minReadySeconds, DateTimeOffset now) => pods
        .Where(p => PodFacts.IsReady(p) && !PodFacts.IsAvailable(p, minReadySeconds, now))
        .Select(p => (TimeSpan?)(PodFacts.ReadySince(p, now) + TimeSpan.FromSeconds(minReadySeconds) - now)).Min();
}
