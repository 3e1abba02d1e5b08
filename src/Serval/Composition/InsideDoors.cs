using System.Net;
using Microsoft.Extensions.Logging;
using Serval.Proxy;
using Serval.Signals;

namespace Serval.Composition;

/// <summary>
/// Where a gateway in a process of its own listens for programs inside: at the address at which the pods of each node of this machine look for it. While
/// there is no such node, where it is found by programs of this machine.
/// </summary>
internal sealed partial class InsideDoors : IDisposable
{
    private readonly ProxyServer _proxy;
    private readonly PeerDirectory _peers;
    private readonly ILogger _logger;
    private readonly Lock _lock = new();
    private readonly HashSet<IPAddress> _open = []; // guarded by _lock
    private readonly IDisposable _subscription;

    public InsideDoors(ProxyServer proxy, PeerDirectory peers, ILogger<InsideDoors> logger)
    {
        (_proxy, _peers, _logger) = (proxy, peers, logger);
        _subscription = peers.Subscribe(Follow); // first: no node comes unseen
        Follow();
        lock (_lock)
        {
            if (_proxy.PrivateEndPoint is null)
            {
                _proxy.ListenInside(GatewayPart.SharedInside);
            }
        }
    }

    /// <summary>Called when it has begun to listen at another address.</summary>
    public Action? Changed { get; set; }

    public void Dispose() => _subscription.Dispose();

    private void Follow()
    {
        var news = false;
        lock (_lock)
        {
            foreach (var node in _peers.Live(PeerRole.Node))
            {
                if (IPAddress.TryParse(node.Fact(PeerFacts.PodGateway), out var address) && !_open.Contains(address) && TryListen(node, address))
                {
                    _open.Add(address);
                    news = true;
                }
            }
        }
        if (news)
        {
            Changed?.Invoke();
        }
    }

    private bool TryListen(Peer node, IPAddress address)
    {
        try
        {
            _proxy.ListenInside(address);
            return true;
        }
        catch (ProxyBindException e)
        {
            Log.Elsewhere(_logger, address, node.Id, e.Message); // another machine's, mostly
            return false;
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Debug, "{Address}, where the pods of node {Node} look for a gateway, is not for this one: {Why}")]
        public static partial void Elsewhere(ILogger logger, IPAddress address, string node, string why);
    }
}
