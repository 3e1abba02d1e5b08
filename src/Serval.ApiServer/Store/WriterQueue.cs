namespace Serval.ApiServer.Store;

/// <summary>What waits for the writer thread. Bounded: beyond the limit callers are told to come back.</summary>
internal sealed class WriterQueue
{
    private const int Limit = 50_000;

    private readonly object _lock = new(); // a monitor, because the writer waits on it
    private List<StoreOperation> _waiting = []; // guarded by _lock
    private bool _closed; // guarded by _lock

    public enum Admission
    {
        Accepted,
        Full,
        Closed,
    }

    public Admission TryAdd(StoreOperation operation)
    {
        lock (_lock)
        {
            if (_closed || _waiting.Count >= Limit)
            {
                return _closed ? Admission.Closed : Admission.Full;
            }
            _waiting.Add(operation);
            if (_waiting.Count == 1)
            {
                Monitor.Pulse(_lock);
            }
            return Admission.Accepted;
        }
    }

    /// <summary>Waits for work and takes all of it; false when closed and empty.</summary>
    public bool Take(ref List<StoreOperation> batch)
    {
        batch.Clear();
        lock (_lock)
        {
            while (_waiting.Count == 0)
            {
                if (_closed)
                {
                    return false;
                }
                Monitor.Wait(_lock);
            }
            (_waiting, batch) = (batch, _waiting);
            return true;
        }
    }

    public void Close()
    {
        lock (_lock)
        {
            _closed = true;
            Monitor.Pulse(_lock);
        }
    }
}
