using Microsoft.Extensions.Logging;
using Serval.Api;
using Serval.Kube;

namespace Serval.ApiServer.Store;

/// <summary>
/// Every object of one kind in memory: the store's present state, the cache controllers read, and the place watchers register.
/// Only the writer thread changes it. Reads of single objects and of the index take no lock; what must be consistent with a resource
/// version (lists, the start of a watch) takes <see cref="Gate"/> for the time of copying references.
/// </summary>
internal sealed partial class KindTable(SqliteStore store, ResourceKind kind, long id) : IObjectCache
{
    private readonly ObjectTable _objects = new();
    private CacheSubscriber[] _subscribers = []; // replaced under Gate
    private StoreWatcher[] _watchers = []; // replaced under Gate

    public ResourceKind Kind { get; } = kind;

    /// <summary>The kind's number in the database; 0 until its first write. For the writer thread.</summary>
    public long Id { get; set; } = id;

    /// <summary>Why an object may not be created now; null when it may (apiextensions-apiserver: forbidCreateAdmission).</summary>
    public ApiException? Refuse(string name) => Kind.Shape is null ? null : store.Kinds.FindCustom(Kind.ResourceName) switch
    {
        null => new ApiException(404, "NotFound", "the server could not find the requested resource"),
        { IsTerminating: true } => ApiException.Forbidden(Kind, name, "create not allowed while custom resource definition is terminating"),
        _ => null,
    };

    /// <summary>Held while one change becomes visible.</summary>
    public Lock Gate { get; } = new();

    public KubeObject? Get(ObjectKey key) => _objects.Get(key);

    public IReadOnlyList<KubeObject> List(string? ns = null) => _objects.List(ns);

    public IReadOnlyList<KubeObject> OwnedBy(string uid) => _objects.OwnedBy(uid);

    public IDisposable Subscribe(Action<CacheChange> handler) => Subscribe(new CacheSubscriber(this, handler, isAhead: false));

    /// <summary>As <see cref="Subscribe(Action{CacheChange})"/>, but each change comes before it is visible to anybody else.</summary>
    public IDisposable SubscribeAhead(Action<CacheChange> handler) => Subscribe(new CacheSubscriber(this, handler, isAhead: true));

    private CacheSubscriber Subscribe(CacheSubscriber subscriber)
    {
        IReadOnlyList<KubeObject> present;
        lock (Gate)
        {
            present = List();
            _subscribers = [.. _subscribers, subscriber];
        }
        subscriber.Replay(present);
        return subscriber;
    }

    public Task WaitForSyncAsync(CancellationToken ct = default) => ct.IsCancellationRequested ? Task.FromCanceled(ct) : Task.CompletedTask;

    /// <summary>The objects of a namespace (all: null) and the version they are consistent with, in key order.</summary>
    public (long Version, List<KubeObject> Items) Snapshot(string? ns)
    {
        long version;
        List<KubeObject> items;
        lock (Gate)
        {
            version = store.Version;
            items = _objects.List(ns);
        }
        Sort(items);
        return (version, items);
    }

    /// <summary>Key order, in which objects are listed and a watch begins.</summary>
    public static void Sort(List<KubeObject> items) => items.Sort(static (a, b) => Compare(a.Key, b.Key));

    public static int Compare(ObjectKey a, ObjectKey b)
    {
        var byNamespace = string.CompareOrdinal(a.Namespace, b.Namespace);
        return byNamespace != 0 ? byNamespace : string.CompareOrdinal(a.Name, b.Name);
    }

    /// <summary>Registers a watcher; what it must replay first is exactly what was published until then.</summary>
    public (long Version, List<KubeObject>? Present) Attach(StoreWatcher watcher, bool withPresent)
    {
        lock (Gate)
        {
            _watchers = [.. _watchers, watcher];
            return (store.Version, withPresent ? _objects.List(watcher.Namespace) : null);
        }
    }

    public void Detach(StoreWatcher watcher)
    {
        lock (Gate)
        {
            _watchers = Array.FindAll(_watchers, w => w != watcher);
        }
    }

    /// <summary>Ends every watch as if its time were over: what is shown of the kind has changed.</summary>
    public void EndWatches()
    {
        lock (Gate)
        {
            foreach (var watcher in _watchers)
            {
                watcher.End();
            }
        }
    }

    public void Unsubscribe(CacheSubscriber subscriber)
    {
        lock (Gate)
        {
            _subscribers = Array.FindAll(_subscribers, s => s != subscriber);
        }
    }

    /// <summary>Puts a stored object in at start, before anyone looks.</summary>
    public void Load(KubeObject obj) => _objects.Apply(obj.Key, null, obj);

    /// <summary>Makes a committed change visible and tells everyone. On the writer thread, in version order.</summary>
    public void Publish(in StoreChange change, ILogger logger)
    {
        var ahead = Array.FindAll(Volatile.Read(ref _subscribers), s => s.IsAhead);
        Deliver(ahead, change, logger);
        CacheSubscriber[] subscribers;
        lock (Gate)
        {
            _objects.Apply(change.New.Key, change.Old, change.Type == WatchEventType.Deleted ? null : change.New);
            foreach (var watcher in _watchers)
            {
                watcher.Offer(change);
            }
            store.Advance(change.Version);
            subscribers = _subscribers;
        }
        Deliver(ahead.Length == 0 ? subscribers : Array.FindAll(subscribers, s => Array.IndexOf(ahead, s) < 0), change, logger);
    }

    private void Deliver(CacheSubscriber[] subscribers, in StoreChange change, ILogger logger)
    {
        foreach (var subscriber in subscribers)
        {
            try
            {
                subscriber.Deliver(new CacheChange(change.Type, change.New, change.Old));
            }
            catch (Exception e) when (e is not OutOfMemoryException)
            {
                Log.SubscriberFailed(logger, e, Kind.ResourceName, change.New.Key.ToString());
            }
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Error, "A subscriber of {Kind} failed on {Key}; its view may be stale until the next change")]
        public static partial void SubscriberFailed(ILogger logger, Exception e, string kind, string key);
    }
}
