using Serval.Api;
using Serval.Api.Core;
using Serval.Kube;

namespace Serval.Controllers.Workloads;

/// <summary>Finds pods their place: the node there is, when it takes them and has what they ask for.</summary>
internal sealed class NodeRoom(IKubeClient client) : IDisposable
{
    private readonly PodLedger _ledger = new(
        client.Cache(Kinds.Pod), p => p.Spec.NodeName.Length > 0 ? p.Spec.NodeName : null, PodResources.Requests);

    /// <summary>Acts whenever a node may have room where it had none; on any thread.</summary>
    internal void WhenFreed(Action act) => _ledger.Freed += _ => act();

    /// <summary>A place, held until it is disposed of, which is when the pod is stored; or why there is none.</summary>
    internal Place Take(PodSpec pod)
    {
        if (NodeChoice.Pick(client) is not { } chosen)
        {
            return new Place("", null, "no nodes available to schedule pods");
        }
        var node = chosen.As<Node>();
        var refusal = NodeFit.Refusal(node, pod);
        if (refusal is null)
        {
            IReadOnlyList<string> lacks = [];
            var needs = PodResources.Requests(pod);
            if (_ledger.Hold(node.Metadata.Name, needs, taken => (lacks = NodeFit.Lacks(node, taken, needs)).Count == 0) is { } held)
            {
                return new Place(node.Metadata.Name, held, "");
            }
            refusal = string.Join(", 1 ", lacks);
        }
        return new Place("", null, $"0/1 nodes are available: 1 {refusal}.");
    }

    public void Dispose() => _ledger.Dispose();

    /// <param name="Node">The node's name; empty: none.</param>
    /// <param name="Held">Keeps the room until the pod is stored.</param>
    /// <param name="Why">Why there is none, as kube-scheduler says it.</param>
    internal readonly record struct Place(string Node, IDisposable? Held, string Why) : IDisposable
    {
        public void Dispose() => Held?.Dispose();
    }
}
