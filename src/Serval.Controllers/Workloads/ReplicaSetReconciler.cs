using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Apps;
using Serval.Api.Core;
using Serval.Kube;

namespace Serval.Controllers.Workloads;

/// <summary>
/// ReplicaSet → Pods (apps/v1), made by <see cref="PodMaker"/>. The status trails, unless pods are refused.
/// </summary>
internal sealed class ReplicaSetReconciler(IKubeClient client, NodeRoom room, IEventRecorder events, TimeProvider time) : IReconciler
{
    /// <summary>Most pods created or deleted in one run; the rest follows in the next.</summary>
    internal const int BurstReplicas = 500;

    private const string Manager = "replicaset-controller";
    internal const string ReplicaFailure = "ReplicaFailure";
    private const string DeletionCost = "controller.kubernetes.io/pod-deletion-cost";

    private readonly StatusTrail _trail = new(time);
    private readonly ConcurrentDictionary<ObjectKey, byte> _refused = new(); // sets whose pods may not be made
    private readonly PodMaker _pods = new(client, room, events, Manager);
    private readonly ChildClaims _claims = new(
        client, Kinds.ReplicaSet, Kinds.Pod, s => s.As<ReplicaSet>().Spec.Selector, p => PodFacts.IsActive(p.As<Pod>()), Manager);

    public string Name => Manager;

    public ResourceKind Kind => Kinds.ReplicaSet;

    public IEnumerable<ReconcilerWatch> Watches =>
    [
        .. _claims.Watches,
        // What a quota says or counts changed: the next try need not wait for its time.
        new ReconcilerWatch(Kinds.ResourceQuota, c => _refused.Keys.Where(k => k.Namespace == c.New.Metadata.Namespace)),
    ];

    public async Task<ReconcileResult> ReconcileAsync(ObjectKey key, CancellationToken ct)
    {
        if (client.Cache(Kinds.ReplicaSet).Get(key) is not { } stored || stored.Metadata.IsDeleting)
        {
            _trail.Forget(key);
            _refused.TryRemove(key, out _);
            return ReconcileResult.Done;
        }
        var set = stored.As<ReplicaSet>();
        var active = (await _claims.ClaimAsync(stored, ct)).Select(p => (Object: p, View: p.As<Pod>())).Where(p => PodFacts.IsActive(p.View)).ToList();
        var missing = (set.Spec.Replicas ?? 1) - active.Count;
        if (missing > 0 && !Namespaces.IsClosing(client, key.Namespace))
        {
            try
            {
                await CreatePodsAsync(stored, set, Math.Min(missing, BurstReplicas), ct);
            }
            catch (ApiException e) when (e.IsRejection)
            {
                _refused[key] = default;
                await ReportAsync(stored, set, e.Message, ct);
                throw;
            }
        }
        else if (missing < 0)
        {
            await DeletePodsAsync(stored, active, Math.Min(-missing, BurstReplicas), ct);
        }
        _refused.TryRemove(key, out _);
        return await ReportAsync(stored, set, null, ct);
    }

    private async Task CreatePodsAsync(KubeObject stored, ReplicaSet set, int count, CancellationToken ct)
    {
        if (count > 1 && set.Status.Conditions.Any(c => c is { Type: ReplicaFailure, Status: "True" }))
        {
            await _pods.CreateAsync(stored, set.Spec.Template.Spec, null, ct); // as likely as not it is refused again: one is enough to learn that
            count--;
        }
        var writes = new Task[count];
        for (var i = 0; i < count; i++)
        {
            writes[i] = _pods.CreateAsync(stored, set.Spec.Template.Spec, null, ct);
        }
        await Task.WhenAll(writes);
    }

    private async Task DeletePodsAsync(KubeObject set, List<(KubeObject Object, Pod View)> active, int count, CancellationToken ct)
    {
        // Least useful first: without a place, not ready, then the cheaper, then the younger (Kubernetes: ActivePodsWithRanks).
        var victims = active
            .OrderBy(p => p.View.Spec.NodeName.Length > 0)
            .ThenBy(p => PodFacts.IsReady(p.View))
            .ThenBy(p => int.TryParse(p.View.Metadata.Annotation(DeletionCost), out var cost) ? cost : 0)
            .ThenByDescending(p => p.View.Metadata.CreationTimestamp)
            .ThenByDescending(p => p.Object.Version)
            .Take(count);
        await _pods.DeleteAsync(set, victims.Select(p => p.Object), ct);
    }

    /// <param name="stored">The set.</param>
    /// <param name="set">Its view.</param>
    /// <param name="refusal">Why the pods that are missing may not be made; null when they may.</param>
    /// <param name="ct">Gives up.</param>
    private async Task<ReconcileResult> ReportAsync(KubeObject stored, ReplicaSet set, string? refusal, CancellationToken ct)
    {
        var now = time.GetUtcNow();
        var pods = client.Cache(Kinds.Pod).OwnedBy(stored.Metadata.Uid).Select(p => p.As<Pod>()).Where(PodFacts.IsActive).ToList();
        var ready = pods.Count(PodFacts.IsReady);
        var available = pods.Count(p => PodFacts.IsAvailable(p, set.Spec.MinReadySeconds, now));
        var status = new JsonObject { ["observedGeneration"] = stored.Metadata.Generation, ["replicas"] = pods.Count };
        status.Put("fullyLabeledReplicas", pods.Count);
        status.Put("readyReplicas", ready);
        status.Put("availableReplicas", available);
        // Said until pods can be made again, in the first one's words (kubernetes pkg/controller/replicaset: calculateStatus).
        var conditions = new DeploymentConditions(set.Status.Conditions, now);
        if (refusal is null)
        {
            conditions.Remove(ReplicaFailure);
        }
        else if (conditions[ReplicaFailure] is null)
        {
            conditions.Set(ReplicaFailure, "True", "FailedCreate", refusal);
        }
        if (conditions.ToJson(updates: false) is { Count: > 0 } said)
        {
            status["conditions"] = said;
        }
        if (JsonDiff.MergePatch(stored.ToTree()["status"] as JsonObject ?? [], status) is not null)
        {
            if (refusal is null && _trail.Wait(stored.Key, ready < (set.Spec.Replicas ?? 1)) is var wait && wait > TimeSpan.Zero)
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
