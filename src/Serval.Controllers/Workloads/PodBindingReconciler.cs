using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Core;
using Serval.Kube;

namespace Serval.Controllers.Workloads;

/// <summary>Gives a pod without a node its node. Pods of ReplicaSets are born with one, when there is one, and seldom come here.</summary>
internal sealed class PodBindingReconciler(IKubeClient client, IEventRecorder events) : IReconciler
{
    private readonly BindingReport _bindings = new(events);

    public string Name => "scheduler";

    public ResourceKind Kind => Kinds.Pod;

    public IEnumerable<ReconcilerWatch> Watches =>
    [
        new ReconcilerWatch(Kinds.Node, change => change.Type == WatchEventType.Added
            ? client.Cache(Kinds.Pod).List().Where(p => p.As<Pod>().Spec.NodeName.Length == 0).Select(p => p.Key)
            : []),
    ];

    public async Task<ReconcileResult> ReconcileAsync(ObjectKey key, CancellationToken ct)
    {
        if (client.Cache(Kinds.Pod).Get(key) is not { } pod || pod.Metadata.IsDeleting || pod.As<Pod>().Spec.NodeName.Length > 0)
        {
            return ReconcileResult.Done;
        }
        if (NodeChoice.Pick(client) is { } node)
        {
            var patch = new JsonObject { ["spec"] = new JsonObject { ["nodeName"] = node } };
            await client.PatchAsync(
                Kinds.Pod, key, new KubePatch(PatchType.Merge, CanonicalJson.Serialize(patch)), WriteOptions.By(Name), ct);
            _bindings.Bound(pod, node);
        }
        else
        {
            _bindings.NoNode(pod);
        }
        return ReconcileResult.Done;
    }
}
