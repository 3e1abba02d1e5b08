using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Serval.Api;
using Serval.Api.Networking;
using Serval.Kube;
using Serval.Routing;
using Serval.Routing.Knative;

namespace Serval.Controllers.Networking;

/// <summary>
/// Feeds a data plane from the caches: Ingresses and their Secrets → one route table, EndpointSlices and capacity signals → endpoints. One worker takes every
/// changed key there is, compiles only those Ingresses, and publishes one table; so a burst of changes is one table and a single change waits
/// for nothing. An Ingress that does not compile keeps serving what it had last. What fails is tried again by itself and holds up nothing else.
/// </summary>
public sealed partial class RouteFeed : IIngressStates, IAsyncDisposable
{
    private readonly IKubeClient _client;
    private readonly ServingConfigSource _config;
    private readonly IRouteSink _routes;
    private readonly ICapacitySignal _capacity;
    private readonly EndpointFeed _endpoints;
    private readonly TlsFeed _tls;
    private readonly CacheLookup _lookup;
    private readonly ILogger<RouteFeed> _logger;
    private readonly KeyBatch _batch;
    private readonly List<IDisposable> _subscriptions = [];
    private readonly ConcurrentDictionary<ObjectKey, IngressState> _states = new();

    // Of the worker alone:
    private readonly IngressRouteSet _set = new();
    private readonly Dictionary<ObjectKey, Tried> _tried = [];
    private readonly Dictionary<ObjectKey, HashSet<ObjectKey>> _dependents = []; // Ingresses by the Service they name
    private readonly Dictionary<BackendKey, int> _references = [];
    private readonly HashSet<BackendKey> _unreferenced = []; // withdrawn when the table without them is out
    private readonly HashSet<ObjectKey> _unrecorded = []; // Ingresses whose state is told when their table is out
    private readonly HashSet<FeedKey> _failing = []; // failed at their last turn
    private bool _unpublished;
    private long _version;

    public RouteFeed(
        IKubeClient client, ServingConfigSource config, IRouteSink routes, IEndpointSink endpoints, ICapacitySignal capacity, TimeProvider time, ILogger<RouteFeed> logger)
    {
        _client = client;
        _config = config;
        _routes = routes;
        _capacity = capacity;
        _endpoints = new EndpointFeed(client, endpoints);
        _tls = new TlsFeed(client);
        _lookup = new CacheLookup(client, config);
        _logger = logger;
        _batch = new KeyBatch(time, Work);
    }

    public Action<ObjectKey>? Changed { get; set; }

    /// <summary>How many tables were published.</summary>
    public long Version => Interlocked.Read(ref _version);

    /// <summary>Waits for the caches, publishes what there is, and follows changes.</summary>
    public async Task StartAsync(CancellationToken ct)
    {
        ResourceKind[] kinds = [Kinds.KIngress, Kinds.ServerlessService, Kinds.Revision, Kinds.Service, Kinds.EndpointSlice, Kinds.Pod, Kinds.Secret];
        await Task.WhenAll(kinds.Select(k => _client.Cache(k).WaitForSyncAsync(ct)));
        _subscriptions.Add(_capacity.Subscribe(_endpoints.Signal));
        Follow(Kinds.EndpointSlice, change =>
        {
            if (_endpoints.Index(change) is { } service)
            {
                _batch.Add(new FeedKey(FeedSource.Endpoints, service));
            }
        });
        Follow(Kinds.Service, change =>
        {
            _batch.Add(new FeedKey(FeedSource.Target, change.New.Key));
            _batch.Add(new FeedKey(FeedSource.Endpoints, change.New.Key));
        });
        Follow(Kinds.ServerlessService, change => AddWhenNew(FeedSource.Target, change, s => s.As<ServerlessService>().Spec.ProtocolType)); // its mode is for show
        Follow(Kinds.Revision, change => AddWhenNew(FeedSource.Target, change, Generation));
        Follow(Kinds.Secret, change => _batch.Add(new FeedKey(FeedSource.Secret, change.New.Key)));
        Follow(Kinds.KIngress, change => AddWhenNew(FeedSource.Ingress, change, Generation));
        _config.RunAll(_client, Kinds.KIngress, key => _batch.Add(new FeedKey(FeedSource.Ingress, key)), c => c.Autoscaler); // see CacheLookup
        Follow(Kinds.Pod, change =>
        {
            if (change.Type == WatchEventType.Deleted)
            {
                _endpoints.PodDeleted(change.New);
            }
        });
        await IdleAsync();
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var subscription in _subscriptions)
        {
            subscription.Dispose();
        }
        await _batch.StopAsync();
    }

    /// <summary>Completes when every change so far is published.</summary>
    internal Task IdleAsync() => _batch.IdleAsync();

    public IngressState? StateOf(ObjectKey ingress) => _states.GetValueOrDefault(ingress);

    private void Follow(ResourceKind kind, Action<CacheChange> handler) => _subscriptions.Add(_client.Cache(kind).Subscribe(handler));

    /// <summary>A change of status alone means nothing to routes.</summary>
    private static object Generation(KubeObject stored) => stored.Metadata.Generation;

    /// <summary>What came, went, or changed in what matters.</summary>
    private void AddWhenNew(FeedSource source, CacheChange change, Func<KubeObject, object> matters)
    {
        if (change.Type == WatchEventType.Deleted || change.Old is not { } old || !matters(old).Equals(matters(change.New))
            || old.Metadata.Uid != change.New.Metadata.Uid || old.Metadata.IsDeleting != change.New.Metadata.IsDeleting)
        {
            _batch.Add(new FeedKey(source, change.New.Key));
        }
    }

    private HashSet<FeedKey> Work(IReadOnlyCollection<FeedKey> keys)
    {
        var failed = new HashSet<FeedKey>();
        var ingresses = new HashSet<ObjectKey>();
        var services = new HashSet<ObjectKey>(); // newly led to: they have endpoints before the table leads there
        foreach (var key in keys.Where(k => k.Source == FeedSource.Target))
        {
            ingresses.UnionWith(_dependents.GetValueOrDefault(key.Key, []));
            Try(key, failed, () => _endpoints.Revision(key.Key));
        }
        foreach (var key in keys.Where(k => k.Source == FeedSource.Ingress).Select(k => k.Key).Union(ingresses))
        {
            Try(new FeedKey(FeedSource.Ingress, key), failed, () => CompileOne(key, services));
        }
        foreach (var key in keys.Where(k => k.Source == FeedSource.Secret))
        {
            Try(key, failed, () => _unrecorded.UnionWith(_tls.Read(key.Key)));
        }
        foreach (var service in services)
        {
            Try(new FeedKey(FeedSource.Endpoints, service), failed, () => _endpoints.Publish(service));
        }
        Try(FeedKey.Table, failed, PublishTable);
        foreach (var key in keys.Where(k => k.Source == FeedSource.Endpoints && !services.Contains(k.Key)))
        {
            Try(key, failed, () => _endpoints.Publish(key.Key));
        }
        _failing.ExceptWith(keys.Except(failed));
        return failed;
    }

    /// <summary>A failure is its key's alone: it is told once and the key comes again.</summary>
    private void Try(FeedKey key, HashSet<FeedKey> failed, Action step)
    {
        try
        {
            step();
        }
#pragma warning disable CA1031 // one worker feeds the whole data plane: it must outlive whatever one key holds
        catch (Exception e)
#pragma warning restore CA1031
        {
            failed.Add(key);
            if (_failing.Add(key))
            {
                Log.KeyFailed(_logger, e, key);
            }
        }
    }

    /// <summary>The table, then what must not happen before it is out. Each step is done once, also when a later one fails.</summary>
    private void PublishTable()
    {
        if (_unpublished |= _tls.Changed)
        {
            _routes.Publish(_set.Build(Interlocked.Increment(ref _version), _tls.Take()));
            _unpublished = false;
        }
        foreach (var backend in _unreferenced.ToArray())
        {
            if (!_references.ContainsKey(backend))
            {
                _endpoints.Remove(backend);
            }
            _unreferenced.Remove(backend);
        }
        foreach (var key in _unrecorded.ToArray())
        {
            Record(key);
            _unrecorded.Remove(key);
        }
    }

    private void CompileOne(ObjectKey key, HashSet<ObjectKey> services)
    {
        if (_client.Cache(Kinds.KIngress).Get(key) is not { Metadata.IsDeleting: false } stored)
        {
            Depend(key, []);
            _tried.Remove(key);
            Withdraw(key);
            if (_states.TryRemove(key, out _))
            {
                Changed?.Invoke(key);
            }
            return;
        }
        var compilation = IngressTranslator.Compile(stored, _lookup);
        Depend(key, compilation.Services);
        _tried[key] = new Tried(compilation, stored.Metadata.Uid, stored.Metadata.Generation);
        _unrecorded.Add(key);
        if (compilation.Ingress is { } compiled)
        {
            var before = _set.Ingresses.GetValueOrDefault(key);
            _unrecorded.UnionWith(_set.Set(compiled));
            _tls.Set(before, compiled);
            _unpublished = true;
            services.UnionWith(Refer(before, compiled));
            return;
        }
        Log.Rejected(_logger, key, compilation.Error);
        if (_set.Ingresses.TryGetValue(key, out var serving) && serving.Uid != stored.Metadata.Uid)
        {
            Withdraw(key); // what serves was another Ingress of this name
        }
    }

    private void Withdraw(ObjectKey key)
    {
        if (_set.Ingresses.TryGetValue(key, out var before))
        {
            _unrecorded.UnionWith(_set.Remove(key));
            _tls.Set(before, null);
            _unpublished = true;
            Refer(before, null);
        }
    }

    private void Depend(ObjectKey ingress, IReadOnlyCollection<ObjectKey> services)
    {
        foreach (var service in _tried.GetValueOrDefault(ingress)?.Compilation.Services ?? [])
        {
            if (_dependents.TryGetValue(service, out var ingresses) && ingresses.Remove(ingress) && ingresses.Count == 0)
            {
                _dependents.Remove(service);
            }
        }
        foreach (var service in services)
        {
            if (!_dependents.TryGetValue(service, out var ingresses))
            {
                _dependents[service] = ingresses = [];
            }
            ingresses.Add(ingress);
        }
    }

    /// <summary>Counts who leads where. Returns Services that nothing led to before.</summary>
    private List<ObjectKey> Refer(CompiledIngress? before, CompiledIngress? after)
    {
        var services = new List<ObjectKey>();
        foreach (var backend in after?.Backends ?? [])
        {
            var count = _references.GetValueOrDefault(backend);
            _references[backend] = count + 1;
            if (count == 0 && backend.Kind == BackendKind.Service)
            {
                services.Add(_endpoints.Add(backend));
            }
        }
        foreach (var backend in before?.Backends ?? [])
        {
            if (--_references[backend] == 0)
            {
                _references.Remove(backend);
                if (backend.Kind == BackendKind.Service)
                {
                    _unreferenced.Add(backend);
                }
            }
        }
        return services;
    }

    private void Record(ObjectKey key)
    {
        if (!_tried.TryGetValue(key, out var tried))
        {
            return;
        }
        var serving = _set.Ingresses.GetValueOrDefault(key);
        _states[key] = new IngressState(
            tried.Uid, tried.Generation, tried.Compilation.Error, tried.Compilation.Ingress is null && serving is not null, _set.Conflicts(key), serving?.Warnings ?? [],
            serving is null ? [] : _tls.Problems(serving));
        Changed?.Invoke(key);
    }

    /// <summary>What the newest state of an Ingress came to.</summary>
    private sealed record Tried(IngressCompilation Compilation, string Uid, long Generation);

    private static partial class Log
    {
        [LoggerMessage(EventId = 3101, Level = LogLevel.Warning, Message = "Ingress {Ingress} is not routed as written: {Why}")]
        internal static partial void Rejected(ILogger logger, ObjectKey ingress, string why);

        [LoggerMessage(EventId = 3102, Level = LogLevel.Error, Message = "{What} could not be fed to the gateway; it is tried again, the rest goes on")]
        internal static partial void KeyFailed(ILogger logger, Exception e, FeedKey what);
    }
}
