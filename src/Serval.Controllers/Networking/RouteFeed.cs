using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Serval.Api;
using Serval.Kube;
using Serval.Routing;
using Serval.Routing.Knative;

namespace Serval.Controllers.Networking;

/// <summary>
/// Feeds a data plane from the caches: Ingresses → one route table, EndpointSlices and capacity signals → endpoints. One worker takes every
/// changed key there is, compiles only those Ingresses, and publishes one table; so a burst of changes is one table and a single change waits
/// for nothing. An Ingress that does not compile keeps serving what it had last.
/// </summary>
public sealed partial class RouteFeed : IAsyncDisposable
{
    private readonly IKubeClient _client;
    private readonly IRouteSink _routes;
    private readonly ICapacitySignal _capacity;
    private readonly EndpointFeed _endpoints;
    private readonly CacheLookup _lookup;
    private readonly ILogger<RouteFeed> _logger;
    private readonly KeyBatch _batch;
    private readonly List<IDisposable> _subscriptions = [];
    private readonly ConcurrentDictionary<ObjectKey, IngressState> _states = new();

    // Of the worker alone:
    private readonly IngressRouteSet _set = new();
    private readonly Dictionary<ObjectKey, IngressCompilation> _compilations = [];
    private readonly Dictionary<ObjectKey, HashSet<ObjectKey>> _dependents = []; // Ingresses by the Service they name
    private readonly Dictionary<BackendKey, int> _references = [];
    private long _version;

    public RouteFeed(IKubeClient client, IRouteSink routes, IEndpointSink endpoints, ICapacitySignal capacity, ILogger<RouteFeed> logger)
    {
        _client = client;
        _routes = routes;
        _capacity = capacity;
        _endpoints = new EndpointFeed(client, endpoints);
        _lookup = new CacheLookup(client);
        _logger = logger;
        _batch = new KeyBatch(Work);
    }

    /// <summary>Called with each Ingress whose <see cref="IngressState"/> changed.</summary>
    internal Action<ObjectKey>? Changed { get; set; }

    /// <summary>How many tables were published.</summary>
    public long Version => Interlocked.Read(ref _version);

    /// <summary>Waits for the caches, publishes what there is, and follows changes.</summary>
    public async Task StartAsync(CancellationToken ct)
    {
        ResourceKind[] kinds = [Kinds.KIngress, Kinds.ServerlessService, Kinds.Revision, Kinds.Service, Kinds.EndpointSlice, Kinds.Pod];
        await Task.WhenAll(kinds.Select(k => _client.Cache(k).WaitForSyncAsync(ct)));
        _subscriptions.Add(_capacity.Subscribe(_endpoints.Signal));
        Follow(Kinds.EndpointSlice, change =>
        {
            if (_endpoints.Index(change) is { } service)
            {
                _batch.Add(FeedSource.Endpoints, service);
            }
        });
        Follow(Kinds.Service, change =>
        {
            _batch.Add(FeedSource.Target, change.New.Key);
            _batch.Add(FeedSource.Endpoints, change.New.Key);
        });
        Follow(Kinds.ServerlessService, change => AddWhenNew(FeedSource.Target, change));
        Follow(Kinds.Revision, change => AddWhenNew(FeedSource.Target, change));
        Follow(Kinds.KIngress, change => AddWhenNew(FeedSource.Ingress, change));
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

    /// <summary>How far an Ingress is; null before its first turn.</summary>
    internal IngressState? StateOf(ObjectKey ingress) => _states.GetValueOrDefault(ingress);

    private void Follow(ResourceKind kind, Action<CacheChange> handler) => _subscriptions.Add(_client.Cache(kind).Subscribe(handler));

    /// <summary>A change of status alone means nothing to routes.</summary>
    private void AddWhenNew(FeedSource source, CacheChange change)
    {
        if (change.Type == WatchEventType.Deleted || change.Old is not { } old || old.Metadata.Generation != change.New.Metadata.Generation
            || old.Metadata.Uid != change.New.Metadata.Uid || old.Metadata.IsDeleting != change.New.Metadata.IsDeleting)
        {
            _batch.Add(source, change.New.Key);
        }
    }

    private void Work(IReadOnlyCollection<(FeedSource Source, ObjectKey Key)> keys)
    {
        try
        {
            var ingresses = new HashSet<ObjectKey>();
            foreach (var (source, key) in keys)
            {
                if (source == FeedSource.Ingress)
                {
                    ingresses.Add(key);
                }
                else if (source == FeedSource.Target)
                {
                    _endpoints.Revision(key);
                    ingresses.UnionWith(_dependents.GetValueOrDefault(key, []));
                }
            }
            Compile(ingresses);
            foreach (var (source, key) in keys)
            {
                if (source == FeedSource.Endpoints)
                {
                    _endpoints.Publish(key);
                }
            }
        }
#pragma warning disable CA1031 // one worker feeds the whole data plane: it must outlive whatever one batch holds
        catch (Exception e)
#pragma warning restore CA1031
        {
            Log.BatchFailed(_logger, e, keys.Count);
        }
    }

    private void Compile(HashSet<ObjectKey> keys)
    {
        var touched = new HashSet<ObjectKey>();
        var changed = false;
        foreach (var key in keys)
        {
            changed |= CompileOne(key, touched);
        }
        if (changed)
        {
            _routes.Publish(_set.Build(Interlocked.Increment(ref _version)));
        }
        foreach (var key in touched)
        {
            Record(key);
        }
    }

    /// <summary>Whether the table changes.</summary>
    private bool CompileOne(ObjectKey key, HashSet<ObjectKey> touched)
    {
        if (_client.Cache(Kinds.KIngress).Get(key) is not { Metadata.IsDeleting: false } stored)
        {
            return RemoveOne(key, touched);
        }
        var compilation = IngressTranslator.Compile(stored, _lookup);
        Depend(key, compilation.Services);
        _compilations[key] = compilation;
        touched.Add(key);
        if (compilation.Ingress is not { } compiled)
        {
            Log.Rejected(_logger, key, compilation.Error);
            return false;
        }
        var before = _set.Ingresses.GetValueOrDefault(key);
        Refer(before, compiled);
        touched.UnionWith(_set.Set(compiled));
        return true;
    }

    private bool RemoveOne(ObjectKey key, HashSet<ObjectKey> touched)
    {
        if (!_compilations.Remove(key))
        {
            return false;
        }
        Depend(key, []);
        _states.TryRemove(key, out _);
        if (!_set.Ingresses.TryGetValue(key, out var before))
        {
            return false;
        }
        touched.UnionWith(_set.Remove(key));
        Refer(before, null);
        return true;
    }

    private void Depend(ObjectKey ingress, IReadOnlyCollection<ObjectKey> services)
    {
        foreach (var service in _compilations.GetValueOrDefault(ingress)?.Services ?? [])
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

    private void Refer(CompiledIngress? before, CompiledIngress? after)
    {
        var added = new List<BackendKey>();
        var removed = new List<BackendKey>();
        foreach (var backend in after?.Backends ?? [])
        {
            var count = _references.GetValueOrDefault(backend);
            _references[backend] = count + 1;
            if (count == 0)
            {
                added.Add(backend);
            }
        }
        foreach (var backend in before?.Backends ?? [])
        {
            if (--_references[backend] == 0)
            {
                _references.Remove(backend);
                removed.Add(backend);
            }
        }
        _endpoints.Reference(added, removed);
    }

    private void Record(ObjectKey key)
    {
        if (!_compilations.TryGetValue(key, out var compilation) || _client.Cache(Kinds.KIngress).Get(key) is not { } stored)
        {
            return;
        }
        var serving = _set.Ingresses.GetValueOrDefault(key);
        _states[key] = new IngressState(
            compilation.Ingress?.Generation ?? stored.Metadata.Generation, compilation.Error, compilation.Ingress is null && serving is not null,
            _set.Conflicts(key), serving?.Warnings ?? []);
        Changed?.Invoke(key);
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 3101, Level = LogLevel.Warning, Message = "Ingress {Ingress} is not routed as written: {Why}")]
        internal static partial void Rejected(ILogger logger, ObjectKey ingress, string why);

        [LoggerMessage(EventId = 3102, Level = LogLevel.Error, Message = "A batch of {Count} changed objects could not be fed to the gateway; later changes go on")]
        internal static partial void BatchFailed(ILogger logger, Exception e, int count);
    }
}
