using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Apps;
using Serval.Api.Core;
using Serval.Kube;

namespace Serval.Controllers.Workloads;

/// <summary>
/// ReplicaSet → Pods (apps/v1). A pod is created with its node already set when a node is ready, so that no scheduler stands between
/// the wish and the spawn. The status trails.
/// </summary>
internal sealed class ReplicaSetReconciler(IKubeClient client, IEventRecorder events, TimeProvider time) : IReconciler
{
    /// <summary>Most pods created or deleted in one run; the rest follows in the next.</summary>
    internal const int BurstReplicas = 500;

    private const string DeletionCost = "controller.kubernetes.io/pod-deletion-cost";

    private readonly StatusTrail _trail = new(time);
    private readonly EventReporter _events = new(events, "replicaset-controller");
    private readonly BindingReport _bindings = new(events);

    public string Name => "replicaset-controller";

    public ResourceKind Kind => Kinds.ReplicaSet;

    public IEnumerable<ReconcilerWatch> Watches =>
    [
        ReconcilerWatch.Owned(Kinds.Pod, Kinds.ReplicaSet),
    ];

    public async Task<ReconcileResult> ReconcileAsync(ObjectKey key, CancellationToken ct)
    {
        if (client.Cache(Kinds.ReplicaSet).Get(key) is not { } stored || stored.Metadata.IsDeleting)
        {
            _trail.Forget(key);
            return ReconcileResult.Done;
        }
        var set = stored.As<ReplicaSet>();
        var pods = client.Cache(Kinds.Pod).OwnedBy(stored.Metadata.Uid).Where(p => p.Metadata.ControllerRef?.Uid == stored.Metadata.Uid)
            .Select(p => (Object: p, View: p.As<Pod>())).ToList();
        var active = pods.Where(p => PodFacts.IsActive(p.View)).ToList();
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
        var node = PickNode();
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

    /// <summary>The ready node with the fewest pods; null when there is none (the node binds it when it comes).</summary>
    private string? PickNode()
    {
        var nodes = client.Cache(Kinds.Node).List();
        return nodes.Count switch
        {
            0 => null,
            1 => nodes[0].Metadata.Name,
            _ => nodes.Select(n => n.Metadata.Name)
                .OrderBy(n => client.Cache(Kinds.Pod).List().Count(p => p.As<Pod>().Spec.NodeName == n)).First(),
        };
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
        Put(status, "fullyLabeledReplicas", pods.Count);
        Put(status, "readyReplicas", ready);
        Put(status, "availableReplicas", available);
        if (JsonDiff.MergePatch(stored.ToTree()["status"] as JsonObject ?? [], status) is not null)
        {
            if (_trail.Wait(stored.Key, ready < (set.Spec.Replicas ?? 1)) is var wait && wait > TimeSpan.Zero)
            {
                return ReconcileResult.After(wait);
            }
            await OwnedObjects.PatchStatusAsync(client, Kinds.ReplicaSet, stored, status, Name, ct);
        }
        _trail.Forget(stored.Key);
        return available < ready ? ReconcileResult.After(TimeSpan.FromSeconds(1)) : ReconcileResult.Done;
    }

    private static void Put(JsonObject status, string name, int value)
    {
        if (value != 0)
        {
            status[name] = value;
        }
    }
}
