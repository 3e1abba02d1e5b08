using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Serval.Api;
using Serval.Api.Core;
using Serval.Api.Networking;
using Serval.Images;
using Serval.Kube;
using Serval.Kube.Tokens;
using Serval.Node.Agent;
using Serval.Node.Logs;
using Serval.Node.Names;
using Serval.Node.Network;
using Serval.Node.Ports;
using Serval.Node.Processes;
using Serval.Node.Resources;
using Serval.Node.Services;
using Serval.Node.Sockets;
using Serval.Node.Volumes;

namespace Serval.Node;

/// <summary>
/// Runs the pods bound to this node as processes of this machine: starts, probes, restarts and stops them, signals capacity and reports their
/// status. Disposing stops every process gracefully and leaves the Pod objects.
/// </summary>
public sealed partial class NodeAgent : IPodUsage, IAsyncDisposable
{
    private readonly NodeOptions _options;
    private readonly IKubeClient _client;
    private readonly ICapacitySignal _capacity;
    private readonly IImageRoots _images;
    private readonly IDrainGate _drain;
    private readonly EventReporter _events;
    private readonly ILogger _logger;
    private readonly ConcurrentDictionary<string, PodWorker> _workers = new(StringComparer.Ordinal); // by uid
    private readonly List<IDisposable> _subscriptions = [];
    private DirectoryLock? _held;
    private NodeServices? _services;
    private ExitWatcher? _exits;
    private ProcessJournal? _journal;
    private PodNetwork? _network;
    private ControlGroups? _groups;
    private NameServer? _names;
    private ServiceRelay? _relay;
    private NodeHeartbeat? _heartbeat;
    private IPNetwork? _serviceRange;
    private volatile bool _stopping;
    private int _disposed;

    public NodeAgent(
        NodeOptions options, IKubeClient client, ICapacitySignal capacity, IImageRoots images, IDrainGate? drain = null, IEventRecorder? events = null)
    {
        (_options, _client, _capacity, _images, _drain) = (options, client, capacity, images, drain ?? new NoDrainGate());
        _events = new EventReporter(events ?? NoEvents.Instance, new EventSource("kubelet", options.NodeName)); // the name users look for
        _logger = options.Loggers.CreateLogger<NodeAgent>();
        Streams = new NodePodStreams(FindWorker, options.Time);
    }

    /// <summary>Logs of this node's pods.</summary>
    public IPodStreams Streams { get; }

    /// <summary>Cleans up after a crash, registers the Node and begins to run its pods.</summary>
    public async Task StartAsync(CancellationToken ct)
    {
        if (!OperatingSystem.IsLinux())
        {
            throw new PlatformNotSupportedException(
                "the node agent needs Linux (pidfd, sock_diag, posix_spawn sessions); run `serval node` on a Linux machine against this API server");
        }
        var paths = new NodePaths(_options.DataDirectory);
        Directory.CreateDirectory(paths.Node);
        _held = DirectoryLock.Take(_options.DataDirectory, NodePaths.NodePart); // before all else: what is there may be another's that runs
        PrivateDirectory.Create(paths.Pods); // Secrets lie below
        ViewBase.Create(paths.View);
        if (Directory.Exists(paths.Accounts))
        {
            Directory.Delete(paths.Accounts, recursive: true);
        }
        _journal = ProcessJournal.Open(paths.Node, out var orphans, _logger);
        orphans += UnrecordedOrphans.Kill(paths.Pods);
        if (orphans > 0)
        {
            Log.OrphansKilled(_logger, orphans);
        }
        _exits = new ExitWatcher(_logger);
        var pods = _client.Cache(Kinds.Pod);
        await pods.WaitForSyncAsync(ct);
        _serviceRange = _options.RoutesServices ? await ServiceRangeAsync(ct) : null;
        var network = StartNetwork(paths, pods);
        var services = StartRelay();
        StartNames();
        var limits = StartGroups();
        _services = Services(paths, _exits, _journal);
        NodeCondition[] conditions = [network.Condition, NodeCondition.View(MountsAllowed), limits, services];
        await NodeRegistration.RegisterAsync(_client, _options.NodeName, _services.Address, _options.DataDirectory, conditions, _options.Time, ct);
        _heartbeat = _options.KeepsReady ? new NodeHeartbeat(_client, _options.NodeName, conditions, _options.Time, _logger) : null;
        PodDirectory.DeleteOthers(paths.Pods, pods.List().Select(p => p.Metadata.Uid).ToHashSet(StringComparer.Ordinal), _logger);
        foreach (var kind in (ResourceKind[])[Kinds.ConfigMap, Kinds.Secret, Kinds.ServiceAccount])
        {
            await _client.Cache(kind).WaitForSyncAsync(ct); // what a pod refers to is there before the pod
            _subscriptions.Add(_client.Cache(kind).Subscribe(c => ReferenceChanged(kind, c)));
        }
        if (_services.ServiceRange is not null)
        {
            await _client.Cache(Kinds.Service).WaitForSyncAsync(ct); // so are those that it is told of
        }
        _subscriptions.Add(pods.Subscribe(PodChanged));
    }

    /// <summary>Writes to the Node where an API server that is not Serval's reaches its pods' streams. After <see cref="StartAsync"/>.</summary>
    public Task TellDoorAsync(IPAddress address, int port, CancellationToken ct) =>
        NodeRegistration.TellDoorAsync(_client, _options.NodeName, address, port, _services!.Address, ct);

    /// <summary>Stops every process: SIGTERM, the pod's grace period, SIGKILL.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }
        _stopping = true;
        await (_heartbeat?.DisposeAsync() ?? default);
        _subscriptions.ForEach(s => s.Dispose());
        _subscriptions.Clear();
        await Task.WhenAll(_workers.Values.Select(w => w.ShutdownAsync()));
        _services?.Prober.Dispose();
        if (_names is not null)
        {
            await _names.DisposeAsync();
        }
        if (_relay is not null)
        {
            await _relay.DisposeAsync();
        }
        _network?.Dispose();
        _groups?.Dispose();
        _services?.Logs.Dispose();
        _exits?.Dispose();
        _journal?.Dispose();
        _held?.Dispose();
    }

    /// <summary>
    /// Ends every process at once, without asking, when the agent's own process is about to end. For any thread; what runs beside it may fail.
    /// </summary>
    public void Kill()
    {
        _stopping = true;
        if (_held is null)
        {
            return; // those that run there are another's
        }
        _journal?.KillAll();
        UnrecordedOrphans.Kill(new NodePaths(_options.DataDirectory).Pods);
        _groups?.Dispose();
        _network?.Dispose();
    }

    /// <summary>A socket in the network of the pod with this address, which reaches what listens on the pod's 127.0.0.1; null when there is none.</summary>
    public Socket? OpenSocket(IPAddress pod) => _network?.OpenSocket(pod);

    /// <inheritdoc/>
    public PodUsage? UsageOf(string uid) => _workers.TryGetValue(uid, out var worker) ? worker.Usage() : null;

    /// <summary>The machine's address in the pods' network; null when pods have none of their own.</summary>
    public IPAddress? PodGateway => _network?.Gateway;

    /// <summary>The network of the pods in CIDR form; empty when they have none of their own.</summary>
    public string PodCidr => _network?.Cidr ?? "";

    /// <summary>Whether Services are reached at their ClusterIPs.</summary>
    public bool RoutesServices => _relay is not null;

    /// <summary>Whether an address is a pod's or one that only this machine itself has.</summary>
    public bool IsInside(IPAddress address) => IPAddress.IsLoopback(address) || _network?.Contains(address) == true;

    /// <summary>A pod of this node by its uid, and where requests to it go; null when it is not here any more. Any thread.</summary>
    public (Pod Pod, string Address)? FindPod(string uid) => _workers.TryGetValue(uid, out var worker) ? worker.Identity : null;

    /// <summary>Adds whole lines to the request log of a pod, the log of its container <c>queue-proxy</c>; false when the pod is gone. One caller at a time.</summary>
    public bool AppendRequestLog(string uid, ReadOnlySpan<byte> lines) => _workers.TryGetValue(uid, out var worker) && worker.AppendRequestLog(lines);

    // Told once: which of the two it is decides whether a program may listen on the port it likes.
    private NodeNetwork StartNetwork(NodePaths paths, IObjectCache pods)
    {
        if (!_options.PodNetwork)
        {
            return new NodeNetwork(false, $"--pod-network is off: {NodeNetwork.Shared}");
        }
        _network = PodNetwork.TryStart(
            new PodNetworkOptions
            {
                Directory = paths.Node, Time = _options.Time, Logger = _logger, Services = _serviceRange,
                Avoided = pods.List().Select(p => p.As<Pod>().Status.PodIP).Where(ip => ip.Length > 0).Select(IPAddress.Parse),
            },
            out var reason);
        if (_network is not null)
        {
            return new NodeNetwork(true, _network.Description);
        }
        Log.NoPodNetwork(_logger, reason, NodeNetwork.Shared);
        return new NodeNetwork(false, $"{reason}; {NodeNetwork.Shared}");
    }

    private NodeCondition StartRelay()
    {
        if (_network is null)
        {
            return NodeCondition.Services("pods have no networks of their own");
        }
        if (!_options.RoutesServices)
        {
            return NodeCondition.Services("they are not this node's to route, as the API server is not Serval's");
        }
        if (_network.Services.Door is { } door && _serviceRange is { } range)
        {
            _relay = new ServiceRelay(door, range, new ServiceIndex(_client, range), _options.Time, _logger);
        }
        return NodeCondition.Services(_network.Services.Reason);
    }

    private async Task<IPNetwork?> ServiceRangeAsync(CancellationToken ct)
    {
        try
        {
            return ServiceRange.Read(await _client.GetAsync(Kinds.ServiceCidr, ObjectKey.Cluster(ServiceRange.Name), ct));
        }
        catch (ApiException)
        {
            return null; // another API server may have none, or not tell
        }
    }

    private void StartNames()
    {
        if (PodGateway is not { } gateway || !MountsAllowed)
        {
            return; // nobody would ask: the machine's resolvers know no pods
        }
        var forwarder = new Forwarder(() => Forwarder.Machine(gateway), _options.Time);
        try
        {
            _names = new NameServer(
                new IPEndPoint(gateway, Forwarder.Port), new ClusterNames(_client, gateway, _relay is null ? null : _serviceRange, _options.IsServed), forwarder, IsInside, _options.Time, _logger);
            _names.Start();
        }
        catch (SocketException e)
        {
            Log.NoNames(_logger, gateway, e.Message);
        }
    }

    private NodeCondition StartGroups()
    {
        _groups = ControlGroups.TryStart(_options.DataDirectory, _options.Time, out var reason);
        if (_groups is null)
        {
            Log.NoGroups(_logger, reason);
        }
        return NodeCondition.Limits(reason);
    }

    private bool MountsAllowed => _options.AllowMounts ?? Capabilities.HasSysAdmin();

    private NodeServices Services(NodePaths paths, ExitWatcher exits, ProcessJournal journal) => new()
    {
        NodeName = _options.NodeName,
        Paths = paths,
        Client = _client,
        Capacity = _capacity,
        Images = _images,
        Drain = _drain,
        Events = _events,
        Time = _options.Time,
        Runtime = new ProcessRuntime(exits, journal),
        Prober = new ListenProber(),
        Ports = new PortAllocator(_options.FirstPort, _options.LastPort),
        Logs = new LogIndexer(_options.Time, _logger),
        Network = _network,
        RelaysLoopback = _options.RelaysLoopback,
        Groups = _groups,
        Tokens = _options.Tokens,
        Accounts = MountsAllowed && _options.Tokens is ServiceAccountTokens signer ? new AccountFiles(paths.Accounts, signer, _options.Time) : null,
        Api = _options.Api,
        NameServer = _names?.EndPoint.Address,
        ServiceRange = _relay is null ? null : _serviceRange,
        MountsAllowed = MountsAllowed,
        UsersAllowed = MountsAllowed && Capabilities.HasUsers(), // only a view of its own lets another user reach the image
        Logger = _logger,
        Finished = uid => _workers.TryRemove(uid, out _),
    };

    // Runs on the publisher's thread: it only passes the change on.
    private void PodChanged(CacheChange change)
    {
        var obj = change.New;
        var uid = obj.Metadata.Uid;
        if (_workers.TryGetValue(uid, out var worker))
        {
            if (change.Type == WatchEventType.Deleted)
            {
                worker.Removed();
            }
            else
            {
                worker.Changed(obj);
            }
        }
        else if (change.Type != WatchEventType.Deleted && !_stopping && obj.As<Pod>().Spec.NodeName == _options.NodeName)
        {
            worker = new PodWorker(_services!, obj);
            _workers[uid] = worker;
            worker.Start();
        }
    }

    private void ReferenceChanged(ResourceKind kind, CacheChange change)
    {
        if (kind == Kinds.ServiceAccount && change.Type == WatchEventType.Deleted)
        {
            _services!.Accounts?.Forget(change.New.Metadata.Uid);
        }
        foreach (var worker in _workers.Values)
        {
            if (worker.Uses(kind, change.New.Key))
            {
                worker.ReferenceChanged();
            }
        }
    }

    internal PodWorker? FindWorker(ObjectKey key) => _workers.Values.FirstOrDefault(w => w.Key == key);

    private static partial class Log
    {
        [LoggerMessage(30, LogLevel.Warning, "Ended {Count} containers that an earlier run left behind")]
        public static partial void OrphansKilled(ILogger logger, int count);

        [LoggerMessage(33, LogLevel.Warning, "Resources of containers are not limited: {Reason}")]
        public static partial void NoGroups(ILogger logger, string reason);

        [LoggerMessage(32, LogLevel.Warning, "Pods do not resolve names of the cluster: port 53 of {Address} cannot be listened on: {Cause}. Stop what listens on port 53 of every address.")]
        public static partial void NoNames(ILogger logger, IPAddress address, string cause);

        [LoggerMessage(31, LogLevel.Warning, "Pods get no networks of their own: {Reason}; {Instead}")]
        public static partial void NoPodNetwork(ILogger logger, string reason, string instead);
    }
}
