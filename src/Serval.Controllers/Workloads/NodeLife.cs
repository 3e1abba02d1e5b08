using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Core;
using Serval.Api.Serving;
using Serval.Kube;

namespace Serval.Controllers.Workloads;

/// <summary>
/// Nodes that keep a Lease in <c>kube-node-lease</c>, which agents in processes of their own do: one whose Lease is no longer renewed, or given back, is
/// not used, its pods are not ready, and at last they are deleted so that others take their place (kubernetes pkg/controller/nodelifecycle and tainteviction).
/// Judged by when this process last saw the Lease change, and only while the API server answers: an agent cannot renew at one that does not. Pods are left
/// alone while no other node lives, or this process slept: that is no sign that their node is gone (nodelifecycle: FullDisruption).
/// </summary>
internal sealed class NodeLife(IKubeClient client, IEventRecorder events, TimeProvider time) : IReconciler
{
    /// <summary>Marks the Lease of a node, and from then on the Node (Serval.Signals writes it).</summary>
    internal const string Label = "serval.dev/signals";

    /// <summary>Taint of a node of which nothing is heard.</summary>
    internal const string Unreachable = "node.kubernetes.io/unreachable";

    /// <summary>Taint that Kubernetes' API server gives every new Node, until a controller has seen it ready (plugin/pkg/admission/nodetaint).</summary>
    private const string NotReady = "node.kubernetes.io/not-ready";

    internal const string LeaseNamespace = "kube-node-lease";

    private const string Role = "node";
    private const string Unknown = "NodeStatusUnknown";

    private static readonly TimeSpan s_duration = TimeSpan.FromSeconds(40);
    private static readonly TimeSpan s_look = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan s_toleration = TimeSpan.FromSeconds(300); // what upstream's admission gives a pod that says nothing

    private readonly ConcurrentDictionary<string, Seen> _seen = new(StringComparer.Ordinal); // a node's is changed by its own run alone
    private readonly EventReporter _events = new(events, "node-controller");

    public string Name => "node-controller";

    public ResourceKind Kind => Kinds.Node;

    public IEnumerable<ReconcilerWatch> Watches =>
        [new ReconcilerWatch(Kinds.Lease, change => IsOfNode(change.New) ? [ObjectKey.Cluster(change.New.Metadata.Name)] : [])];

    /// <summary>Whether a Node's agent keeps a Lease.</summary>
    internal static bool IsFollowed(KubeObject node) => node.Metadata.Label(Label) == Role;

    public async Task<ReconcileResult> ReconcileAsync(ObjectKey key, CancellationToken ct)
    {
        if (client.Cache(Kinds.Node).Get(key) is not { } node)
        {
            _seen.TryRemove(key.Name, out _);
            return ReconcileResult.Done;
        }
        var lease = client.Cache(Kinds.Lease).Get(new ObjectKey(LeaseNamespace, key.Name)) is { } found && IsOfNode(found) ? found : null;
        if (lease is null && !IsFollowed(node))
        {
            return ReconcileResult.Done; // the agent runs in the controllers' own process, or the node is not Serval's
        }
        if (!IsFollowed(node))
        {
            node = await OwnedObjects.PatchAsync(
                client, Kinds.Node, node, new JsonObject { ["metadata"] = new JsonObject { ["labels"] = new JsonObject { [Label] = Role } } }, WriteOptions.By(Name), ct);
        }
        var before = _seen.GetValueOrDefault(key.Name);
        var seen = await LookAsync(key.Name, lease, ct);
        var now = time.GetTimestamp();
        var slept = before is null || time.GetElapsedTime(before.Looked) > 2 * s_look;
        seen = _seen[key.Name] = seen with { Looked = now, Unsure = slept || !OthersLive(key.Name) ? now : before!.Unsure };
        var left = seen.Duration - time.GetElapsedTime(seen.At);
        if (lease is null || left <= TimeSpan.Zero)
        {
            _seen[key.Name] = seen with { Renewed = lease is null };
            node = await ReadyAsync(node, "Unknown", Unknown, "Kubelet stopped posting node status.", ct); // upstream's words, which dashboards look for
            return ReconcileResult.After(lease is null || time.GetElapsedTime(seen.Unsure) >= seen.Duration ? await LoseAsync(node, ct) : s_look);
        }
        if ((string?)Ready(StatusFields.Of(node))?["status"] == "True" && Taints(node).Any(t => (string?)t!["key"] == NotReady))
        {
            node = await WithoutAsync(node, t => (string?)t["key"] == NotReady, ct);
        }
        if (seen.Renewed)
        {
            await FindAsync(node, ct);
        }
        return ReconcileResult.After(left < s_look ? left : s_look);
    }

    /// <summary>When the Lease was last seen to change. One that stands still is asked for: the cache may be behind, and the API server gone.</summary>
    private async Task<Seen> LookAsync(string name, KubeObject? lease, CancellationToken ct)
    {
        if (lease is null)
        {
            return _seen[name] = new Seen(0, time.GetTimestamp(), Renewed: true, s_duration); // the next one is a sign of life
        }
        if (!_seen.TryGetValue(name, out var seen))
        {
            return _seen[name] = new Seen(lease.Version, time.GetTimestamp(), Renewed: false, LeaseTerm.Of(lease, s_duration));
        }
        if (lease.Version <= seen.Version && time.GetElapsedTime(seen.At) >= s_look)
        {
            try
            {
                lease = await client.GetAsync(Kinds.Lease, lease.Key, ct);
            }
            catch (ApiException e) when (!e.IsNotFound)
            {
                return _seen[name] = seen with { At = time.GetTimestamp() };
            }
            catch (ApiException)
            {
                return seen; // given back: the cache will say so
            }
        }
        return lease.Version <= seen.Version ? seen : _seen[name] = new Seen(lease.Version, time.GetTimestamp(), Renewed: true, LeaseTerm.Of(lease, s_duration));
    }

    /// <summary>Whether another node was heard of in half of its time: when all fell silent together, none was by the end of the first one's.</summary>
    private bool OthersLive(string name) =>
        _seen.Any(s => s.Key != name && s.Value is { Version: > 0, Renewed: true } other && time.GetElapsedTime(other.At) < other.Duration / 2);

    /// <summary>Marks the node and its pods; how long until they are to be looked at again: one may be deleted then, or have come.</summary>
    private async Task<TimeSpan> LoseAsync(KubeObject node, CancellationToken ct)
    {
        var now = time.GetUtcNow();
        var taints = Taints(node);
        if (!taints.Any(IsUnreachable))
        {
            foreach (var effect in (string[])["NoSchedule", "NoExecute"])
            {
                taints.Add(new JsonObject { ["key"] = Unreachable, ["effect"] = effect, ["timeAdded"] = KubeTime.Text(now) });
            }
            node = await TaintAsync(node, taints, ct);
        }
        var since = taints.Where(IsUnreachable).Select(t => DateTimeOffset.TryParse((string?)t!["timeAdded"], CultureInfo.InvariantCulture, out var added) ? added : now).Min();
        var next = s_look;
        foreach (var stored in client.Cache(Kinds.Pod).List())
        {
            var pod = stored.As<Pod>();
            if (pod.Spec.NodeName != node.Metadata.Name || PodFacts.IsFinished(pod))
            {
                continue;
            }
            var left = Toleration(pod) is { } toleration ? since + toleration - now : (TimeSpan?)null;
            if (left <= TimeSpan.Zero)
            {
                await DeleteAsync(stored, node, ct);
                continue;
            }
            await NotReadyAsync(stored, pod, node, ct);
            next = left < next ? left.Value : next;
        }
        return next;
    }

    private async Task FindAsync(KubeObject node, CancellationToken ct)
    {
        if (Taints(node).Any(IsUnreachable))
        {
            node = await WithoutAsync(node, IsUnreachable, ct);
        }
        if (Ready(StatusFields.Of(node)) is { } ready && (string?)ready["reason"] == Unknown)
        {
            await ReadyAsync(node, "True", "NodeAgentReady", "the node agent runs", ct);
        }
    }

    /// <summary>How long a pod stays on a node of which nothing is heard; null: for ever. A revision's does not: its replica set counts it and makes no other.</summary>
    private static TimeSpan? Toleration(Pod pod)
    {
        if (pod.Metadata.Label(KnativeNames.RevisionLabel) is not null)
        {
            return TimeSpan.Zero;
        }
        var tolerations = pod.Spec.Tolerations.Where(t => NodeFit.Tolerates(t, new Taint { Key = Unreachable, Effect = "NoExecute" })).ToList();
        return tolerations.Count == 0 ? s_toleration
            : tolerations.Min(t => t.TolerationSeconds) is { } seconds ? TimeSpan.FromSeconds(Math.Clamp(seconds, 0, int.MaxValue))
            : null;
    }

    private async Task DeleteAsync(KubeObject pod, KubeObject node, CancellationToken ct)
    {
        try
        {
            await client.DeleteAsync(Kinds.Pod, pod.Key, new DeleteOptions { GracePeriodSeconds = 0, Uid = pod.Metadata.Uid }, ct);
            _events.Warning(pod, PodFacts.NodeLost, Why(pod, node));
        }
        catch (ApiException e) when (e.IsNotFound || e.IsConflict)
        {
            // it is gone already, or another of its name is there
        }
    }

    private async Task NotReadyAsync(KubeObject stored, Pod pod, KubeObject node, CancellationToken ct)
    {
        if (!PodFacts.IsReady(pod))
        {
            return;
        }
        var status = StatusFields.Of(stored);
        Set(Ready(status)!, "False", PodFacts.NodeLost, Why(stored, node));
        await OwnedObjects.PatchAsync(client, Kinds.Pod, stored, Guarded(stored, new JsonObject { ["status"] = new JsonObject { ["conditions"] = status["conditions"]!.DeepClone() } }), WriteOptions.By(Name, "status"), ct);
    }

    private async Task<KubeObject> ReadyAsync(KubeObject node, string value, string reason, string message, CancellationToken ct)
    {
        var status = StatusFields.Of(node);
        if (Ready(status) is not { } ready || (string?)ready["status"] == value)
        {
            return node;
        }
        Set(ready, value, reason, message);
        node = await OwnedObjects.PatchStatusAsync(client, Kinds.Node, node, status, Name, ct);
        var now = value == "True" ? "NodeReady" : "NodeNotReady";
        _events.Normal(node, now, $"Node {node.Metadata.Name} status is now: {now}");
        return node;
    }

    private void Set(JsonObject condition, string value, string reason, string message) =>
        (condition["status"], condition["reason"], condition["message"], condition["lastTransitionTime"]) = (value, reason, message, KubeTime.Text(time.GetUtcNow()));

    private Task<KubeObject> WithoutAsync(KubeObject node, Predicate<JsonNode> taint, CancellationToken ct) =>
        TaintAsync(node, new JsonArray([.. Taints(node).Where(t => !taint(t!)).Select(t => t!.DeepClone())]), ct);

    private Task<KubeObject> TaintAsync(KubeObject node, JsonArray taints, CancellationToken ct) => OwnedObjects.PatchAsync(
        client, Kinds.Node, node, Guarded(node, new JsonObject { ["spec"] = new JsonObject { ["taints"] = taints.Count == 0 ? null : taints.DeepClone() } }), WriteOptions.By(Name), ct);

    /// <summary>The patch for the object as it was read alone: its lists are replaced whole, and the agent, or a user, may write too.</summary>
    private static JsonObject Guarded(KubeObject present, JsonObject patch)
    {
        patch["metadata"] = new JsonObject { ["resourceVersion"] = present.Metadata.ResourceVersion };
        return patch;
    }

    private static string Why(KubeObject pod, KubeObject node) => $"Node {node.Metadata.Name} which was running pod {pod.Metadata.Name} is unresponsive";

    private static bool IsOfNode(KubeObject lease) => lease.Metadata.Namespace == LeaseNamespace && lease.Metadata.Label(Label) == Role;

    private static JsonArray Taints(KubeObject node) => node.ToTree()["spec"]?["taints"]?.DeepClone() as JsonArray ?? [];

    private static bool IsUnreachable(JsonNode? taint) => (string?)taint?["key"] == Unreachable;

    private static JsonObject? Ready(JsonObject status) => (status["conditions"] as JsonArray)?.OfType<JsonObject>().FirstOrDefault(c => (string?)c["type"] == "Ready");

    /// <param name="Version">Of the Lease when it was last seen to change; 0: there was none.</param>
    /// <param name="At">When that was.</param>
    /// <param name="Renewed">Whether this process saw it change: what it finds at its start may be a dead node's.</param>
    /// <param name="Duration">How long it counts.</param>
    private sealed record Seen(long Version, long At, bool Renewed, TimeSpan Duration)
    {
        /// <summary>When it was last looked at.</summary>
        public long Looked { get; init; }

        /// <summary>When its silence last proved nothing: no other node lived, or nobody had looked for long.</summary>
        public long Unsure { get; init; }
    }
}
