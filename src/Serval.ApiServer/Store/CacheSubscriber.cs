using Serval.Kube;

namespace Serval.ApiServer.Store;

/// <summary>
/// One handler of a cache. While the present objects are replayed on the subscribing thread, changes wait here; then the writer
/// thread calls the handler itself. So the handler runs one call at a time and in order, and no lock is held while it runs.
/// </summary>
internal sealed class CacheSubscriber(KindTable table, Action<CacheChange> handler, bool isAhead) : IDisposable
{
    private readonly Lock _lock = new();
    private List<CacheChange>? _waiting = []; // guarded by _lock; null once live
    private volatile bool _disposed;

    /// <summary>Whether it hears of a change before the change is visible.</summary>
    public bool IsAhead => isAhead;

    public void Deliver(CacheChange change)
    {
        if (_disposed)
        {
            return;
        }
        lock (_lock)
        {
            if (_waiting is not null)
            {
                _waiting.Add(change);
                return;
            }
        }
        handler(change);
    }

    public void Replay(IReadOnlyList<Api.KubeObject> present)
    {
        foreach (var obj in present)
        {
            if (_disposed)
            {
                return;
            }
            handler(new CacheChange(WatchEventType.Added, obj, null));
        }
        while (true)
        {
            List<CacheChange> batch;
            lock (_lock)
            {
                if (_waiting is null or { Count: 0 })
                {
                    _waiting = null;
                    return;
                }
                batch = _waiting;
                _waiting = [];
            }
            batch.ForEach(handler);
        }
    }

    public void Dispose()
    {
        _disposed = true;
        table.Unsubscribe(this);
    }
}
