using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Serval.Routing;

namespace Serval.Proxy;

/// <summary>The data plane: listens, routes, holds, gates, forwards and measures.</summary>
public sealed partial class ProxyServer : IRouteSink, IEndpointSink, IAsyncDisposable, IProxyCore
{
    private static readonly TimeSpan s_scanPeriod = TimeSpan.FromMilliseconds(100);
    private readonly ProxyOptions _options;
    private readonly ILogger _logger;
    private readonly Picker _picker;
    private readonly ProxyTelemetry _telemetry;
    private readonly DemandReporter _demand;
    private readonly RoutingState _routing;
    private readonly ConcurrentDictionary<Http1Connection, byte> _connections = new();
    private readonly Lock _scanning = new();
    private readonly Lock _stopLock = new();
    private readonly TaskCompletionSource _allEnded = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ITimer _scan;
    private readonly HandlerUpstream _handlerUpstream;
    private readonly Lazy<Http2Server> _http2;
    private volatile bool _draining;
    private bool _scanOn; // guarded by _scanning
    private Listener? _listener;
    private ImmutableArray<Listener> _privateListeners = [];
    private volatile ImmutableHashSet<IPAddress> _privateAddresses = []; // replaced whole by ListenInside
    private volatile IRequestLog? _requestLog;
    private Task _accepting = Task.CompletedTask;
    private Task? _stopped; // guarded by _stopLock
    private int _disposed;

    public ProxyServer(ProxyOptions options)
    {
        _options = options;
        _logger = options.LoggerFactory.CreateLogger<ProxyServer>();
        _picker = new Picker(options.Random);
        _telemetry = new ProxyTelemetry(options);
        var dialer = new Dialer(options.OpenInside);
        _demand = new DemandReporter(options.DemandSink, options.TimeProvider);
        _routing = new RoutingState(new GateServices(
            options.TimeProvider, _picker, _demand, options.MaxHeldPerRevision, _ => new UpstreamPool(options.TimeProvider, options.UpstreamIdleTimeout, dialer)));
        _tls = new TlsAcceptor(FindCertificate);
        _handlerUpstream = new HandlerUpstream(options);
        _http2 = new Lazy<Http2Server>(() => new Http2Server(this, _handlerUpstream));
        _scan = options.TimeProvider.CreateTimer(static self => ((ProxyServer)self!).Scan(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>The port bound, once started.</summary>
    public int HttpPort => _listener?.Port ?? throw new InvalidOperationException("The proxy is not started: call StartAsync first.");

    /// <summary>Where cluster-local routes are reached, as the last <see cref="ListenInside"/> said; null until then.</summary>
    public IPEndPoint? PrivateEndPoint { get; private set; }

    /// <summary>Who hears of each request that reached an instance; null, as at first, when nobody does. May be changed at any time.</summary>
    public IRequestLog? RequestLog
    {
        get => _requestLog;
        set => _requestLog = value;
    }

    ProxyOptions IProxyCore.Options => _options;

    ProxySnapshot IProxyCore.Snapshot => _routing.Snapshot;

    Picker IProxyCore.Picker => _picker;

    ProxyTelemetry IProxyCore.Telemetry => _telemetry;

    HandlerUpstream IProxyCore.HandlerUpstream => _handlerUpstream;

    bool IProxyCore.Draining => _draining;

    /// <summary>Binds and begins to accept. Routes and endpoints may be published before.</summary>
    /// <exception cref="ProxyBindException">The port cannot be had.</exception>
    public Task StartAsync(CancellationToken ct = default)
    {
        ct.ThrowIfCancellationRequested();
        _listener = Listener.Bind(_options);
        _accepting = Task.WhenAll(_listener.Sockets.Select(s => AcceptAsync(s, ServePlain)));
        ListenTls();
        return Task.CompletedTask;
    }

    /// <summary>
    /// Opens the private door: connections to this address see cluster-local routes too, those to any other the public ones alone. It listens on
    /// port 80, which URLs need not name, and on the public port's number; where it has neither, on any free one. So it is with TLS and port 443.
    /// There may be several; one caller at a time.
    /// </summary>
    /// <exception cref="ProxyBindException">The address cannot be listened on, or is the public one.</exception>
    public void ListenInside(IPAddress address)
    {
        var listener = Listener.BindPrivate(address, _listener ?? throw new InvalidOperationException("The proxy is not started: call StartAsync first."), 80);
        _privateListeners = _privateListeners.Add(listener);
        _privateAddresses = _privateAddresses.Add(address);
        PrivateEndPoint = new IPEndPoint(address, listener.Port);
        _accepting = Task.WhenAll([_accepting, .. listener.Sockets.Select(s => AcceptAsync(s, ServePlain))]);
        ListenTlsInside(address);
    }

    public void Publish(RouteTable table) => _routing.Publish(table);

    public void Set(BackendKey backend, EndpointsSnapshot endpoints) => _routing.Set(backend, endpoints);

    public void SetInstance(BackendKey backend, BackendEndpoint endpoint) => _routing.SetInstance(backend, endpoint);

    public void Remove(BackendKey backend) => _routing.Remove(backend);

    /// <summary>Whether there are routes for exactly this host, in lower case.</summary>
    public bool Serves(string host) => _routing.Snapshot.Table.Hosts.ContainsKey(host);

    /// <summary>Several gateways send requests to the same instances: each keeps to its part of a hard concurrency limit. May be said at any time.</summary>
    /// <param name="rank">Which one this is, from zero.</param>
    /// <param name="count">How many there are.</param>
    public void ShareSlots(int rank, int count) => _routing.ShareSlots(rank, count);

    /// <summary>Requests at an instance now.</summary>
    public int InFlight(BackendKey backend, string instanceId) => _routing.Find(backend)?.InFlightOf(instanceId) ?? 0;

    /// <summary>Requests waiting for an instance of a backend now.</summary>
    public int Held(BackendKey backend) => _routing.Find(backend)?.Held ?? 0;

    /// <summary>Ends when an instance, which should be draining, has answered its requests. Upgraded connections may be left: they end when its program does.</summary>
    public Task WhenIdleAsync(BackendKey backend, string instanceId, CancellationToken ct = default) =>
        _routing.Find(backend)?.WhenIdle(instanceId, upgradedToo: false).WaitAsync(ct) ?? Task.CompletedTask;

    /// <summary>Ends when an instance, which should be draining, has neither a request nor an upgraded connection left.</summary>
    public Task WhenEmptyAsync(BackendKey backend, string instanceId, CancellationToken ct = default) =>
        _routing.Find(backend)?.WhenIdle(instanceId, upgradedToo: true).WaitAsync(ct) ?? Task.CompletedTask;

    /// <summary>
    /// Stops accepting, lets requests end within <see cref="ProxyOptions.DrainTimeout"/>, then cuts those that are left. Until it is disposed it still reports
    /// demand, follows instances and says which are idle.
    /// </summary>
    public Task StopAsync()
    {
        lock (_stopLock)
        {
            return _stopped ??= EndRequestsAsync();
        }
    }

    /// <summary>Stops it, if it is not stopped, and ends all else.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }
        await StopAsync();
        await _scan.DisposeAsync();
        _demand.Dispose();
        _routing.Clear();
        _handlerUpstream.Dispose();
        _telemetry.Dispose();
    }

    private async Task EndRequestsAsync()
    {
        _draining = true;
        _listener?.Dispose();
        _tlsListener?.Dispose();
        foreach (var listener in _privateListeners)
        {
            listener.Dispose();
        }
        await _accepting;
        await EndHandshakesAsync();
        foreach (var connection in _connections.Keys)
        {
            connection.EndSoon();
        }
        var http2 = _http2.IsValueCreated ? _http2.Value.DisposeAsync() : ValueTask.CompletedTask;
        await DrainAsync();
        await http2;
    }

    bool IProxyCore.TryHandOver(SocketTransport transport, byte[] received, bool inside) =>
        !_draining && _http2.Value.TryHandOver(new HandedConnection(transport.Socket, received, inside));

    void IProxyCore.Ended(Http1Connection connection)
    {
        _connections.TryRemove(connection, out _);
        if (_draining && _connections.IsEmpty)
        {
            _allEnded.TrySetResult();
        }
    }

    private async Task DrainAsync()
    {
        if (_connections.IsEmpty)
        {
            return;
        }
        try
        {
            await _allEnded.Task.WaitAsync(_options.DrainTimeout, _options.TimeProvider);
        }
        catch (TimeoutException)
        {
            Log.DrainTimedOut(_logger, _connections.Count, _options.DrainTimeout);
            foreach (var connection in _connections.Keys)
            {
                connection.Abort();
            }
        }
    }

    private async Task AcceptAsync(Socket listening, Action<Socket> serve)
    {
        while (!_draining)
        {
            try
            {
                var socket = await listening.AcceptAsync();
                socket.NoDelay = true;
                serve(socket);
            }
            catch (SocketException e) when (!_draining)
            {
                if (e.SocketErrorCode is SocketError.TooManyOpenSockets or SocketError.NoBufferSpaceAvailable)
                {
                    Log.AcceptFailed(_logger, e.Message);
                    await Task.Delay(s_scanPeriod, _options.TimeProvider, CancellationToken.None);
                }
            }
            catch (Exception e) when (_draining && e is SocketException or ObjectDisposedException)
            {
                return;
            }
        }
    }

    // By the address and not by the socket: one that listens on every address accepts at the private one too.
    private bool IsInside(Transport transport) => IsInside(transport.LocalAddress, transport.RemoteAddress);

    private bool IsInside(IPAddress local, IPAddress remote) => _privateAddresses.Contains(local) && _options.IsInside(remote);

    private void ServePlain(Socket socket) => Serve(new SocketTransport(socket));

    private void Serve(Transport transport)
    {
        var connection = new Http1Connection(this, transport, IsInside(transport));
        _connections.TryAdd(connection, 0);
        TurnScanOn();
        _ = ObserveAsync(connection);
    }

    private async Task ObserveAsync(Http1Connection connection)
    {
        try
        {
            await connection.RunAsync();
        }
#pragma warning disable CA1031 // A defect in one connection must not take the others down; it is logged as an error.
        catch (Exception e)
        {
            Log.ConnectionFailed(_logger, e);
        }
#pragma warning restore CA1031
    }

    private void TurnScanOn()
    {
        if (Volatile.Read(ref _scanOn))
        {
            return;
        }
        lock (_scanning)
        {
            if (!_scanOn)
            {
                _scanOn = true;
                _scan.Change(s_scanPeriod, s_scanPeriod);
            }
        }
    }

    private void Scan()
    {
        var now = _options.TimeProvider.GetTimestamp();
        foreach (var (connection, _) in _connections)
        {
            connection.CheckDeadlines(now);
        }
        if (!_connections.IsEmpty)
        {
            return;
        }
        lock (_scanning)
        {
            _scanOn = false;
            // A connection that came since has seen the scan on: look again.
            if (!_connections.IsEmpty)
            {
                _scanOn = true;
                return;
            }
            _scan.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(10, LogLevel.Warning, "Cannot accept connections: {Cause}. Raise the limit of open files (ulimit -n).")]
        public static partial void AcceptFailed(ILogger logger, string cause);

        [LoggerMessage(11, LogLevel.Warning, "{Count} connections still had requests after {Timeout}; they are cut.")]
        public static partial void DrainTimedOut(ILogger logger, int count, TimeSpan timeout);

        [LoggerMessage(12, LogLevel.Error, "A connection ended by a defect of the proxy. Please report it.")]
        public static partial void ConnectionFailed(ILogger logger, Exception exception);
    }
}
