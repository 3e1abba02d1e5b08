using Serval.Proxy;
using Serval.Signals;

namespace Serval.Composition;

/// <summary>
/// How a gateway in a process of its own begins to stop: nobody is sent to it any more, and its requests end. Meanwhile it has its Lease and all that it serves
/// by it, so they count as demand, and no instance is ended while it answers one.
/// </summary>
internal sealed class GatewayEnd(InsideDoors inside, PeerLease lease, ProxyServer proxy) : IAsyncDisposable
{
    public async ValueTask DisposeAsync()
    {
        inside.Dispose();
        await lease.LeaveAsync();
        await proxy.StopAsync();
    }
}
