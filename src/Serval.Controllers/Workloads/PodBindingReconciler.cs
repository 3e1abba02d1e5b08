using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Core;
using Serval.Kube;

namespace Serval.Controllers.Workloads;

/// <summary>
/// Gives a pod without a node its node; says why there is none, and tries again when there may be. Pods of ReplicaSets are born with one, when there
/// is one with room, and seldom come here.
/// </summary>
/// <param name="client">The waist.</param>
/// <param name="room">What nodes have left.</param>
/// <param name="events">Hears what happens.</param>
/// <param name="time">The clock.</param>
/// <param name="amongOthers">Whether the API server is another's, which lets nobody write <c>spec.nodeName</c>: there it is asked for a Binding.</param>
internal sealed class PodBindingReconciler(IKubeClient client, NodeRoom room, IEventRecorder events, TimeProvider time, bool amongOthers = false) : IReconciler, IDisposable
{
    private const string Gated = "SchedulingGated";

    private readonly BindingReport _bindings = new(events);
    private readonly ConcurrentDictionary<ObjectKey, long> _waiting = new(); // → its version when it began to wait: the order of the next try

    public string Name => "scheduler";

    public ResourceKind Kind => Kinds.Pod;

    public IEnumerable<ReconcilerWatch> Watches => [new ReconcilerWatch(Kinds.Node, change => MayTake(change) ? Waiting() : [])];

    public void Started(Action<ObjectKey> enqueue) => room.WhenFreed(() =>
    {
        foreach (var key in Waiting())
        {
            enqueue(key);
        }
    });

    public async Task<ReconcileResult> ReconcileAsync(ObjectKey key, CancellationToken ct)
    {
        if (client.Cache(Kinds.Pod).Get(key) is not { } pod || pod.Metadata.IsDeleting || pod.As<Pod>().Spec.NodeName.Length > 0)
        {
            _waiting.TryRemove(key, out _);
            return ReconcileResult.Done;
        }
        if (pod.As<Pod>().Spec.SchedulingGates.Count > 0)
        {
            await TellAsync(pod, Gated, "Scheduling is blocked due to non-empty scheduling gates", ct);
            return ReconcileResult.Done;
        }
        _waiting.TryAdd(key, pod.Version); // before the room is looked at: what is freed from now on runs it again
        using var place = room.Take(pod.As<Pod>().Spec, pod.Metadata.ControllerRef?.Uid ?? "");
        if (place.Node.Length > 0)
        {
            _waiting.TryRemove(key, out _); // a write that fails is retried at the queue's pace, not at the one of what it lets go of
            await BindAsync(pod, place.Node, ct);
            _bindings.Bound(pod, place.Node);
        }
        else if (await TellAsync(pod, "Unschedulable", place.Why, ct))
        {
            _bindings.NoPlace(pod, place.Why);
        }
        return ReconcileResult.Done;
    }

    public void Dispose() => room.Dispose();

    private Task<KubeObject> BindAsync(KubeObject pod, string node, CancellationToken ct)
    {
        if (amongOthers)
        {
            return client.CreateAsync(Kinds.Pod, KubeObject.From(new JsonObject
            {
                ["apiVersion"] = "v1", ["kind"] = "Binding",
                ["metadata"] = new JsonObject { ["name"] = pod.Metadata.Name, ["namespace"] = pod.Metadata.Namespace, ["uid"] = pod.Metadata.Uid },
                ["target"] = new JsonObject { ["apiVersion"] = "v1", ["kind"] = "Node", ["name"] = node },
            }), WriteOptions.By(Name, "binding"), ct);
        }
        var patch = new JsonObject { ["spec"] = new JsonObject { ["nodeName"] = node } };
        return client.PatchAsync(Kinds.Pod, pod.Key, new KubePatch(PatchType.Merge, CanonicalJson.Serialize(patch)), WriteOptions.By(Name), ct);
    }

    private static bool MayTake(CacheChange change) => change.Type switch
    {
        WatchEventType.Added => true,
        WatchEventType.Modified => change.Old is not { } old || !ReferenceEquals(old.Metadata.Labels, change.New.Metadata.Labels)
            || !old.Member("spec").Span.SequenceEqual(change.New.Member("spec").Span) || !old.Member("status").Span.SequenceEqual(change.New.Member("status").Span),
        _ => false,
    };

    private IEnumerable<ObjectKey> Waiting() => _waiting.IsEmpty ? [] : _waiting.OrderBy(w => w.Value).Select(w => w.Key);

    /// <summary>Says it once, until it is for another reason (kube-scheduler: PodScheduled False, Unschedulable; registry/core/pod: SchedulingGated); whether it was news.</summary>
    private async Task<bool> TellAsync(KubeObject pod, string reason, string why, CancellationToken ct)
    {
        var conditions = pod.As<Pod>().Status.Conditions;
        if (conditions.Any(c => c is { Type: "PodScheduled", Status: "False" } && c.Message == why))
        {
            return false;
        }
        var since = conditions.FirstOrDefault(c => c is { Type: "PodScheduled", Status: "False" })?.LastTransitionTime ?? time.GetUtcNow();
        var status = StatusFields.Of(pod).DeepClone().AsObject();
        var others = (status["conditions"] as JsonArray ?? []).OfType<JsonObject>().Where(c => (string?)c["type"] != "PodScheduled").Select(c => c.DeepClone());
        var condition = new JsonObject
        {
            ["type"] = "PodScheduled", ["status"] = "False", ["reason"] = reason, ["message"] = why,
            ["lastProbeTime"] = null, ["lastTransitionTime"] = KubeTime.Text(since),
        };
        if (reason != Gated && pod.Metadata.Generation > 0)
        {
            condition["observedGeneration"] = pod.Metadata.Generation; // of gates the API server itself tells, and says none; one before 1.33 counts none
        }
        status["conditions"] = new JsonArray([.. others, condition]);
        await OwnedObjects.PatchStatusAsync(client, Kinds.Pod, pod, status, Name, ct);
        return true;
    }
}
