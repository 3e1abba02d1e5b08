namespace Serval.ApiServer.Store;

/// <summary>What waits for the writer thread. Bounded: beyond the limit callers are told to come back.</summary>
internal sealed class WriterQueue
{
    private const int Limit = 50_000;
    private const int LingerSpins = 40;

    private readonly object _lock = new(); // a monitor, because the writer waits on it
    private List<StoreOperation> _waiting = []; // guarded by _lock
    private bool _closed; // guarded by _lock
    private volatile int _count; // of _waiting; set under _lock, read by the writer while it lingers

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
            _count = _waiting.Count;
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
            _count = 0;
            return true;
        }
    }

    /// <summary>
    /// Adds to the batch the writes that came while it was worked on, as far as they may share its transaction: in order of arrival, until
    /// <paramref name="room"/> is full or one asks for a sync that the transaction does not give. Gives how many.
    /// </summary>
    public int TakeMore(List<StoreOperation> batch, int room, bool synced)
    {
        if (_count == 0)
        {
            return 0;
        }
        lock (_lock)
        {
            var count = 0;
            while (count < Math.Min(room, _waiting.Count) && _waiting[count] is StoreWrite write && (synced || !write.Synced))
            {
                batch.Add(write);
                count++;
            }
            _waiting.RemoveRange(0, count);
            _count = _waiting.Count;
            return count;
        }
    }

    /// <summary>Gives those that are about to hand something in a few microseconds of time; returns at once when something waits.</summary>
    public void Linger()
    {
        var spin = default(SpinWait);
        while (_count == 0 && spin.Count < LingerSpins)
        {
            spin.SpinOnce(sleep1Threshold: -1);
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
