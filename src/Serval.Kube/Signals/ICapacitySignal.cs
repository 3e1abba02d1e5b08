using Serval.Api;

namespace Serval.Kube;

public enum InstanceState
{
    /// <summary>Takes requests.</summary>
    Ready,

    /// <summary>Takes no new ones; those in flight go on.</summary>
    Draining,

    /// <summary>Gone, whatever was in flight.</summary>
    Gone,
}

/// <summary>A change of one instance.</summary>
/// <param name="Pod">The pod.</param>
/// <param name="PodUid">Its uid: a name may come back.</param>
/// <param name="Revision">The revision it serves; empty name when it serves none.</param>
/// <param name="Host">Address to connect to.</param>
/// <param name="Ports">Container port → port to connect to (the process runtime maps; elsewhere both are the same).</param>
/// <param name="State">What it can do.</param>
public sealed record InstanceCapacity(
    ObjectKey Pod, string PodUid, ObjectKey Revision, string Host, IReadOnlyDictionary<int, int> Ports, InstanceState State);

/// <summary>Node → gateway: an instance became ready or goes away, ahead of the EndpointSlice that says the same.</summary>
public interface ICapacitySignal
{
    void Publish(InstanceCapacity capacity);

    /// <summary>Calls the handler with every later signal, in order, on the publisher's thread; it must not block.</summary>
    IDisposable Subscribe(Action<InstanceCapacity> handler);
}
