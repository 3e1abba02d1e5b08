using Microsoft.Extensions.Logging;
using Serval.Api;

namespace Serval.Kube.Remote;

/// <summary>
/// The cache of one kind of a remote server: a list, then a watch. A finished write of this process is put in at once, and the watch's echo of it
/// is dropped, so that reads see own writes and the story of each object only goes forward. Changes of different objects may come in another order
/// than they were made. Handlers run one at a time; a subscription's first objects hold up the others' changes.
/// </summary>
/// <param name="client">The server.</param>
/// <param name="kind">What it holds.</param>
/// <param name="time">The clock.</param>
/// <param name="jitter">Of back-off.</param>
/// <param name="logger">Hears of what cannot be followed.</param>
/// <param name="fieldSelector">Which objects; empty is all of them.</param>
internal sealed partial class Informer(
    IKubeClient client, ResourceKind kind, TimeProvider time, Jitter jitter, ILogger logger, string fieldSelector = "") : IObjectCache
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(5);

    private readonly Lock _publishing = new(); // held while changes are made and told; handlers do not block
    private readonly ObjectTable _objects = new();
    private readonly TaskCompletionSource _synced = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Dictionary<string, long> _deleted = new(StringComparer.Ordinal); // guarded by _publishing; uid, and how many lists had begun
    private readonly List<(Func<bool> Holds, TaskCompletionSource Held)> _awaited = []; // guarded by _publishing
    private List<Action<CacheChange>> _handlers = []; // replaced under _publishing
    private long _seen = -1; // guarded by _publishing; every change up to this version is in
    private long _lists; // guarded by _publishing
    private CancellationTokenSource? _running; // guarded by _publishing
    private bool _ended; // guarded by _publishing

    public ResourceKind Kind => kind;

    public KubeObject? Get(ObjectKey key) => _objects.Get(key);

    public async ValueTask<KubeObject?> ReadAsync(ObjectKey key, CancellationToken ct = default)
    {
        try
        {
            return await client.GetAsync(kind, key, ct);
        }
        catch (ApiException e) when (e.IsNotFound)
        {
            return null;
        }
    }

    public IReadOnlyList<KubeObject> List(string? ns = null) => _objects.List(ns);

    public IReadOnlyList<KubeObject> OwnedBy(string uid) => _objects.OwnedBy(uid);

    public Task WaitForSyncAsync(CancellationToken ct = default) => _synced.Task.WaitAsync(ct);

    public IDisposable Subscribe(Action<CacheChange> handler)
    {
        lock (_publishing)
        {
            foreach (var obj in _objects.List(null))
            {
                handler(new CacheChange(WatchEventType.Added, obj, null));
            }
            _handlers = [.. _handlers, handler];
        }
        return new Subscription(this, handler);
    }

    /// <summary>Follows the server until it is told to stop, or its kind has gone.</summary>
    public async Task RunAsync(CancellationToken ct)
    {
        using var running = CancellationTokenSource.CreateLinkedTokenSource(ct);
        lock (_publishing)
        {
            if (_ended)
            {
                return;
            }
            _running = running;
        }
        await FollowForEverAsync(running.Token);
        lock (_publishing)
        {
            _running = null;
        }
    }

    /// <summary>The kind has gone, and what there was of it.</summary>
    public void End()
    {
        lock (_publishing)
        {
            foreach (var obj in _objects.List(null))
            {
                Publish(WatchEventType.Deleted, obj, obj);
            }
            _ended = true;
            _ = _running?.CancelAsync();
            Settle();
        }
        _synced.TrySetResult();
    }

    private async Task FollowForEverAsync(CancellationToken ct)
    {
        var pace = new WatchPace(time, jitter);
        while (!ct.IsCancellationRequested)
        {
            pace.Begin();
            try
            {
                await ListAsync(ct);
                await FollowAsync(ct);
            }
            catch (OperationCanceledException) when (ct.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e) when (e is not OutOfMemoryException) // whatever it is: a cache that stands still is worse
            {
                Log.Listing(logger, e is ApiException { Code: 410 } ? LogLevel.Debug : LogLevel.Warning, e is ApiException ? null : e, kind.ResourceName, e.Message);
                if (e is ApiException { Code: 403 } forbidden)
                {
                    _synced.TrySetException(forbidden);
                }
            }
            await pace.EndAsync(failed: true, ct).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Reads everything anew; what a watch says of the time before is then known.</summary>
    public async Task ListAsync(CancellationToken ct)
    {
        long number, seen;
        lock (_publishing)
        {
            (number, seen) = (++_lists, _seen);
        }
        var list = await client.ListAsync(kind, null, ListOptions.All with { FieldSelector = fieldSelector }, ct);
        lock (_publishing)
        {
            Merge(list, number, wentBack: list.ResourceVersion < seen);
            Settle();
        }
        _synced.TrySetResult();
    }

    /// <summary>Returns when reads see a finished write of this process.</summary>
    /// <param name="obj">What the write answered.</param>
    /// <param name="ct">Ends the wait, not the write.</param>
    public Task WroteAsync(KubeObject obj, CancellationToken ct)
    {
        if (IsGone(obj))
        {
            return DeletedAsync(obj.Key, obj.Metadata.Uid, ct);
        }
        lock (_publishing)
        {
            if (obj.Version > _seen)
            {
                Put(obj, force: false);
                Settle();
            }
        }
        return Task.CompletedTask;
    }

    /// <summary>Returns when reads see an object at a version, or a newer one.</summary>
    public Task ReachedAsync(ObjectKey key, long version, CancellationToken ct) =>
        UntilAsync(() => _seen >= version || _objects.Get(key)?.Version >= version, ct);

    /// <summary>
    /// Returns when reads no longer see an object that was deleted: the watch says so, with the version of the deletion. If it is late, the object is
    /// taken out as it was last.
    /// </summary>
    public async Task DeletedAsync(ObjectKey key, string uid, CancellationToken ct)
    {
        await UntilAsync(() => _objects.Get(key)?.Metadata.Uid != uid, ct);
        lock (_publishing)
        {
            if (_objects.Get(key) is { } late && late.Metadata.Uid == uid)
            {
                _deleted[uid] = _lists;
                Publish(WatchEventType.Deleted, late, late);
            }
        }
    }

    /// <summary>A deleted object that nothing holds is no longer there, though the write that let it go answers with it.</summary>
    public static bool IsGone(KubeObject obj) => obj.Metadata is { IsDeleting: true, Finalizers.Count: 0 } and not { DeletionGracePeriodSeconds: > 0 }
        && !(obj.Kind == Kinds.Namespace.Kind && obj.As<Api.Core.Namespace>().Spec.Finalizers.Count > 0);

    // Waits for what the watch will bring, but not for ever: the connection may be down.
    private async Task UntilAsync(Func<bool> holds, CancellationToken ct)
    {
        var held = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_publishing)
        {
            if (!_synced.Task.IsCompletedSuccessfully || holds())
            {
                return;
            }
            _awaited.Add((holds, held));
        }
        try
        {
            await held.Task.WaitAsync(s_patience, time, ct);
        }
        catch (TimeoutException)
        {
            lock (_publishing)
            {
                _awaited.RemoveAll(a => a.Held == held);
            }
        }
    }

    private void Settle()
    {
        foreach (var (_, held) in _awaited.Where(a => a.Holds()))
        {
            held.TrySetResult();
        }
        _awaited.RemoveAll(a => a.Held.Task.IsCompleted);
    }

    private async Task FollowAsync(CancellationToken ct)
    {
        long from;
        lock (_publishing)
        {
            from = _seen;
        }
        await foreach (var change in client.WatchAsync(kind, null, new WatchOptions { ResourceVersion = $"{from}", AllowBookmarks = true, FieldSelector = fieldSelector }, ct))
        {
            lock (_publishing)
            {
                Follow(change);
                Settle();
            }
        }
    }

    private void Follow(WatchEvent change)
    {
        var obj = change.Object;
        if (obj.Version <= _seen)
        {
            return; // a list said so already
        }
        _seen = obj.Version;
        switch (change.Type)
        {
            case WatchEventType.Added or WatchEventType.Modified:
                Put(obj, force: false);
                break;
            case WatchEventType.Deleted:
                _deleted.Remove(obj.Metadata.Uid);
                if (_objects.Get(obj.Key) is { } last && last.Metadata.Uid == obj.Metadata.Uid)
                {
                    Publish(WatchEventType.Deleted, obj, last);
                }
                break;
            default:
                break;
        }
    }

    // A server that went back (it was restored) is believed, whatever was seen before.
    private void Merge(KubeList list, long number, bool wentBack)
    {
        if (list.ResourceVersion < _seen && !wentBack)
        {
            return; // another list was faster
        }
        var listed = list.Items.Select(o => o.Key).ToHashSet();
        foreach (var obj in _objects.List(null))
        {
            if ((wentBack || obj.Version <= list.ResourceVersion) && !listed.Contains(obj.Key))
            {
                Publish(WatchEventType.Deleted, obj, obj);
            }
        }
        foreach (var obj in list.Items)
        {
            // Of what the list is not older than it knows best: writes that a server lost when it fell are not seen any more.
            Put(obj, wentBack || (_objects.Get(obj.Key) is { } present && present.Version != obj.Version && present.Version <= list.ResourceVersion));
        }
        _seen = list.ResourceVersion;
        foreach (var (uid, _) in _deleted.Where(d => d.Value < number).ToList())
        {
            _deleted.Remove(uid); // the list began after the delete: nothing older comes any more
        }
    }

    // Unless something newer is known of it.
    private void Put(KubeObject obj, bool force)
    {
        var present = _objects.Get(obj.Key);
        if (_deleted.ContainsKey(obj.Metadata.Uid) || (present?.Version >= obj.Version && !force))
        {
            return;
        }
        if (present is not null && present.Metadata.Uid != obj.Metadata.Uid)
        {
            Publish(WatchEventType.Deleted, present, present);
            present = null;
        }
        Publish(present is null ? WatchEventType.Added : WatchEventType.Modified, obj, present);
    }

    private void Publish(WatchEventType type, KubeObject next, KubeObject? before)
    {
        if (_ended)
        {
            return;
        }
        _objects.Apply(next.Key, before, type == WatchEventType.Deleted ? null : next);
        foreach (var handler in _handlers)
        {
            try
            {
                handler(new CacheChange(type, next, before));
            }
            catch (Exception e) when (e is not OutOfMemoryException)
            {
                Log.HandlerFailed(logger, e, kind.ResourceName, next.Key);
            }
        }
    }

    private sealed class Subscription(Informer informer, Action<CacheChange> handler) : IDisposable
    {
        public void Dispose()
        {
            lock (informer._publishing)
            {
                informer._handlers = [.. informer._handlers.Where(h => h != handler)];
            }
        }
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 1101, Message = "{Kind} cannot be followed and will be listed again: {Why}")]
        internal static partial void Listing(ILogger logger, LogLevel level, Exception? e, string kind, string why);

        [LoggerMessage(EventId = 1102, Level = LogLevel.Error, Message = "A subscriber of {Kind} failed on {Key}; its view may be stale until the next change")]
        internal static partial void HandlerFailed(ILogger logger, Exception e, string kind, ObjectKey key);
    }
}
