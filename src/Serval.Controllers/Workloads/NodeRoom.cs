using Serval.Api;
using Serval.Api.Core;
using Serval.Kube;

namespace Serval.Controllers.Workloads;

/// <summary>Finds pods their place: a node that takes them and has what they ask for, of several the one with most room.</summary>
internal sealed class NodeRoom(IKubeClient client) : IDisposable
{
    private readonly PodLedger _ledger = new(
        client.Cache(Kinds.Pod), p => p.Spec.NodeName.Length > 0 ? p.Spec.NodeName : null, PodResources.Requests);

    /// <summary>Acts whenever a node may have room where it had none; on any thread.</summary>
    internal void WhenFreed(Action act) => _ledger.Freed += _ => act();

    /// <summary>A place, held until it is disposed of, which is when the pod is stored; or why there is none.</summary>
    /// <param name="pod">The pod.</param>
    /// <param name="owner">The uid of its controller, whose pods are kept apart where nodes are alike; empty: none.</param>
    internal Place Take(PodSpec pod, string owner)
    {
        var nodes = NodeChoice.Candidates(client);
        if (nodes.Count == 0)
        {
            return new Place("", null, "no nodes available to schedule pods");
        }
        var needs = PodResources.Requests(pod);
        var refusals = new List<string>();
        foreach (var node in nodes.Count == 1 ? [nodes[0].As<Node>()] : InOrder(nodes, needs, owner, refusals))
        {
            if (TryHold(node, pod, needs, refusals) is { } held)
            {
                return new Place(node.Metadata.Name, held, "");
            }
        }
        var why = refusals.CountBy(r => r).Select(r => $"{r.Value} {r.Key}").Order(StringComparer.Ordinal);
        return new Place("", null, $"0/{nodes.Count} nodes are available: {string.Join(", ", why)}.");
    }

    public void Dispose() => _ledger.Dispose();

    private IDisposable? TryHold(Node node, PodSpec pod, IReadOnlyDictionary<string, Quantity> needs, List<string> refusals)
    {
        if (NodeFit.Refusal(node, pod) is { } refusal)
        {
            refusals.Add(refusal);
            return null;
        }
        IReadOnlyList<string> lacks = [];
        var held = _ledger.Hold(node.Metadata.Name, needs, taken => (lacks = NodeFit.Lacks(node, taken, needs)).Count == 0);
        refusals.AddRange(lacks);
        return held;
    }

    private List<Node> InOrder(IReadOnlyList<KubeObject> nodes, IReadOnlyDictionary<string, Quantity> needs, string owner, List<string> refusals)
    {
        var ready = nodes.Where(NodeChoice.IsReady).Select(n => n.As<Node>()).ToList();
        refusals.AddRange(Enumerable.Repeat("node(s) were not ready", nodes.Count - ready.Count));
        var own = (owner.Length > 0 ? client.Cache(Kinds.Pod).OwnedBy(owner) : []).CountBy(p => p.As<Pod>().Spec.NodeName).ToDictionary();
        return [.. ready
            .OrderByDescending(n => NodeChoice.Room(n, _ledger.Of(n.Metadata.Name), needs))
            .ThenBy(n => own.GetValueOrDefault(n.Metadata.Name))
            .ThenBy(n => n.Metadata.Name, StringComparer.Ordinal)];
    }

    /// <param name="Node">The node's name; empty: none.</param>
    /// <param name="Held">Keeps the room until the pod is stored.</param>
    /// <param name="Why">Why there is none, as kube-scheduler says it.</param>
    internal readonly record struct Place(string Node, IDisposable? Held, string Why) : IDisposable
    {
        public void Dispose() => Held?.Dispose();
    }
}
