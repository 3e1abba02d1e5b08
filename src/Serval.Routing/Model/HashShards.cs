namespace Serval.Routing;

/// <summary>
/// Entries by hash, persistent: a change copies the few entries of its own shards and shares the rest, so that one route among thousands
/// costs microseconds. Immutable; reading takes no lock and allocates nothing.
/// </summary>
public sealed class HashShards<T>
{
    private const int Shards = 4096; // 32 KB to copy a change, and about ten hosts a shard at 10,000 services

    private readonly T[][] _shards;

    /// <summary>Without entries.</summary>
    public HashShards()
    {
        _shards = new T[Shards][];
        Array.Fill(_shards, []);
    }

    private HashShards(T[][] shards, int count)
    {
        _shards = shards;
        Count = count;
    }

    /// <summary>How many entries there are.</summary>
    public int Count { get; }

    /// <summary>Every entry, in no order.</summary>
    public IEnumerable<T> All => _shards.SelectMany(s => s);

    /// <summary>The entries among which those of a hash are.</summary>
    public ReadOnlySpan<T> this[int hash] => _shards[hash & (Shards - 1)];

    /// <summary>These entries with some replaced: for each change, those of a hash that are meant make room for others, or for none.</summary>
    public HashShards<T> With(IEnumerable<(int Hash, Predicate<T> Meant, T[] Entries)> changes)
    {
        T[][]? shards = null;
        var count = Count;
        foreach (var (hash, meant, entries) in changes)
        {
            shards ??= (T[][])_shards.Clone();
            ref var shard = ref shards[hash & (Shards - 1)];
            var before = shard.Length;
            shard = [.. shard.Where(e => !meant(e)), .. entries];
            count += shard.Length - before;
        }
        return shards is null ? this : new HashShards<T>(shards, count);
    }
}
