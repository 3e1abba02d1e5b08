using System.Net;
using Serval.Signals;

namespace Serval.Composition;

/// <summary>The networks of the pods of all live nodes: made anew when that changes, looked at for each connection.</summary>
internal sealed class PodNetworks : IDisposable
{
    private readonly PeerDirectory _peers;
    private readonly IDisposable _subscription;
    private volatile IPNetwork[] _networks = []; // replaced whole

    public PodNetworks(PeerDirectory peers)
    {
        _peers = peers;
        _subscription = peers.Subscribe(Read);
        Read();
    }

    public void Dispose() => _subscription.Dispose();

    /// <summary>Whether an address is a pod's or one that only this machine itself has.</summary>
    public bool IsInside(IPAddress address)
    {
        var plain = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        if (IPAddress.IsLoopback(plain))
        {
            return true;
        }
        foreach (var pods in _networks)
        {
            if (pods.Contains(plain))
            {
                return true;
            }
        }
        return false;
    }

    private void Read() => _networks =
        [.. _peers.Live(PeerRole.Node).Select(n => IPNetwork.TryParse(n.Fact(PeerFacts.PodCidr), out var pods) ? pods : default(IPNetwork?)).OfType<IPNetwork>()];
}
