namespace Serval.Proxy;

/// <summary>
/// This gateway's part of each instance's slots, where several gateways send requests to the same instances and none knows of the others' requests. Of a
/// limit below the number of gateways each has one slot: together they may be that much over it.
/// </summary>
internal sealed class SlotShare
{
    private volatile Part _part = new(0, 1);

    /// <summary>This gateway is the one of this rank, from zero, of so many. False when it was already.</summary>
    public bool Set(int rank, int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(rank);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(rank, count);
        var (before, now) = (_part, new Part(rank, count));
        _part = now;
        return before != now;
    }

    /// <summary>The slots of a limit; 0, which is none, stays.</summary>
    public int Of(int limit)
    {
        var part = _part;
        return part.Count == 1 || limit == 0 ? limit : Math.Max(1, (limit / part.Count) + (part.Rank < limit % part.Count ? 1 : 0));
    }

    private sealed record Part(int Rank, int Count);
}
