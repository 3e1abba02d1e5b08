using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Serval.Routing;

namespace Serval.Proxy;

/// <summary>The doors with TLS: the handshake, then the same connections as without.</summary>
public sealed partial class ProxyServer
{
    private readonly ConcurrentDictionary<Task, byte> _handshakes = new();
    private readonly CancellationTokenSource _noHandshakes = new();
    private readonly TlsAcceptor _tls;
    private Listener? _tlsListener;

    /// <summary>The port bound for TLS, once started; 0 when there is none.</summary>
    public int HttpsPort => _tlsListener?.Port ?? 0;

    /// <summary>The port bound for TLS at <see cref="PrivateEndPoint"/>; 0 when there is none.</summary>
    public int PrivateHttpsPort { get; private set; }

    private void ListenTlsInside(IPAddress address)
    {
        if (_tlsListener is { } open)
        {
            var listener = Listener.BindPrivate(address, open, 443);
            _privateListeners = _privateListeners.Add(listener);
            PrivateHttpsPort = listener.Port;
            _accepting = Task.WhenAll([_accepting, .. listener.Sockets.Select(s => AcceptAsync(s, BeginHandshake))]);
        }
    }

    private void ListenTls()
    {
        if (_options.HttpsPort is { } port)
        {
            _tlsListener = Listener.Bind(_options with { HttpPort = port, PortOption = _options.HttpsPortOption });
            _accepting = Task.WhenAll([_accepting, .. _tlsListener.Sockets.Select(s => AcceptAsync(s, BeginHandshake))]);
        }
    }

    /// <summary>A host that is cluster-local has no certificate outside: that it exists is nobody's business there.</summary>
    private ServerCertificate? FindCertificate(string name, Socket socket)
    {
        var table = _routing.Snapshot.Table;
        var hidden = table.Hosts.TryGetValue(name.ToLowerInvariant().TrimEnd('.'), out var routes) && routes.Rules.All(r => r.Visibility == RouteVisibility.ClusterLocal);
        return hidden && !IsInside(SocketTransport.AddressOf(socket.LocalEndPoint), SocketTransport.AddressOf(socket.RemoteEndPoint)) ? null : table.Tls.Find(name);
    }

    private void BeginHandshake(Socket socket)
    {
        var handshake = ShakeHandsAsync(socket);
        if (!handshake.IsCompleted)
        {
            _handshakes.TryAdd(handshake, 0);
            _ = handshake.ContinueWith(ended => _handshakes.TryRemove(ended, out _), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        }
    }

    private async Task ShakeHandsAsync(Socket socket)
    {
        try
        {
            using var limit = new CancellationTokenSource(_options.HandshakeTimeout, _options.TimeProvider);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, _noHandshakes.Token);
            if (await _tls.AcceptAsync(socket, either.Token) is not { } client)
            {
                return;
            }
            var transport = new TlsTransport(client, _options.TimeProvider);
            if (!client.IsHttp2)
            {
                Serve(transport);
            }
            else if (_draining || !_http2.Value.TryHandOver(new HandedConnection(client, IsInside(transport))))
            {
                await client.Stream.DisposeAsync();
            }
        }
#pragma warning disable CA1031 // A defect in one handshake must not take the listener down; it is logged as an error.
        catch (Exception e)
        {
            socket.Dispose();
            Log.ConnectionFailed(_logger, e);
        }
#pragma warning restore CA1031
    }

    /// <summary>No handshake goes on, and what came of those before is among the connections.</summary>
    private async Task EndHandshakesAsync()
    {
        await _noHandshakes.CancelAsync();
        await Task.WhenAll(_handshakes.Keys);
        _noHandshakes.Dispose();
    }
}
