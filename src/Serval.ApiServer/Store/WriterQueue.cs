namespace Serval.ApiServer.Store;

/// <summary>What waits for the writer thread. Bounded: beyond the limit callers are told to come back.</summary>
internal sealed class WriterQueue
{
    private const int Limit = 50_000;
    private const int LingerSpins = 100; // of about 300 ns each

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

    /// <summary>
    /// Gives those that are about to hand something in some 30 µs; returns at once when something waits. <paramref name="spins"/> is what is left for all of a
    /// transaction. It never yields: a machine whose processors are busy might not come back for milliseconds.
    /// </summary>
    public void Linger(ref int spins)
    {
        for (var i = 0; _count == 0 && i < LingerSpins && spins > 0; i++, spins--)
        {
            Thread.SpinWait(8);
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
