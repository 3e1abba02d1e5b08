namespace Serval.ApiServer.Store;

/// <summary>The newest changes of all kinds, by reference, so that a watch which starts a moment after its list need not read the disk.</summary>
internal sealed class ChangeRing(int capacity, long floor)
{
    private readonly Lock _lock = new();
    private readonly Queue<StoreChange> _changes = new(); // guarded by _lock

    private long _floor = floor; // guarded by _lock: every change above it is here

    public void Add(in StoreChange change)
    {
        lock (_lock)
        {
            if (_changes.Count == capacity)
            {
                _floor = _changes.Dequeue().Version;
            }
            _changes.Enqueue(change);
        }
    }

    /// <summary>Changes of a kind with <paramref name="after"/> &lt; version ≤ <paramref name="upTo"/>; false when some are no longer here.</summary>
    public bool TryCopy(KindTable table, long after, long upTo, List<StoreChange> target)
    {
        lock (_lock)
        {
            if (after < _floor)
            {
                return false;
            }
            foreach (var change in _changes)
            {
                if (change.Version > after && change.Version <= upTo && change.Table == table)
                {
                    target.Add(change);
                }
            }
            return true;
        }
    }
}
