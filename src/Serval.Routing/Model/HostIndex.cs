using System.Collections;
using System.Diagnostics.CodeAnalysis;

namespace Serval.Routing;

/// <summary>
/// Hosts by name, persistent: a change copies the few entries of its own shards and shares the rest, so that one route among thousands
/// costs microseconds. Immutable; reading takes no lock and allocates nothing.
/// </summary>
internal sealed class HostIndex : IReadOnlyDictionary<string, HostRoutes>
{
    private const int Shards = 4096; // 32 KB to copy a change, and about ten hosts a shard at 10,000 services

    private readonly Entry[][] _shards;

    private HostIndex(Entry[][] shards, int count)
    {
        _shards = shards;
        Count = count;
    }

    internal static HostIndex Empty { get; } = new(NewShards(), 0);

    public int Count { get; }

    public IEnumerable<string> Keys => this.Select(e => e.Key);

    public IEnumerable<HostRoutes> Values => this.Select(e => e.Value);

    public HostRoutes this[string key] => TryGetValue(key, out var routes) ? routes : throw new KeyNotFoundException($"there is no host {key}");

    public bool ContainsKey(string key) => TryGetValue(key, out _);

    public bool TryGetValue(string key, [MaybeNullWhen(false)] out HostRoutes value) => TryGetValue(key.AsSpan(), out value);

    public IEnumerator<KeyValuePair<string, HostRoutes>> GetEnumerator()
    {
        foreach (var shard in _shards)
        {
            foreach (var entry in shard)
            {
                yield return KeyValuePair.Create(entry.Key, entry.Routes);
            }
        }
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    internal bool TryGetValue(ReadOnlySpan<char> key, [MaybeNullWhen(false)] out HostRoutes value)
    {
        var hash = string.GetHashCode(key);
        foreach (ref readonly var entry in _shards[hash & (Shards - 1)].AsSpan())
        {
            if (entry.Hash == hash && key.SequenceEqual(entry.Key))
            {
                value = entry.Routes;
                return true;
            }
        }
        value = null;
        return false;
    }

    /// <summary>This index with some keys set, or removed where the routes are null.</summary>
    internal HostIndex With(IEnumerable<KeyValuePair<string, HostRoutes?>> changes)
    {
        Entry[][]? shards = null;
        var count = Count;
        foreach (var (key, routes) in changes)
        {
            shards ??= (Entry[][])_shards.Clone();
            var hash = string.GetHashCode(key.AsSpan());
            ref var shard = ref shards[hash & (Shards - 1)];
            var index = Array.FindIndex(shard, e => e.Hash == hash && e.Key == key);
            count += (routes is null ? 0 : 1) - (index < 0 ? 0 : 1);
            shard = [.. shard.Where((_, i) => i != index), .. routes is null ? (ReadOnlySpan<Entry>)[] : [new Entry(hash, key, routes)]];
        }
        return shards is null ? this : new HostIndex(shards, count);
    }

    private static Entry[][] NewShards()
    {
        var shards = new Entry[Shards][];
        Array.Fill(shards, []);
        return shards;
    }

    private readonly record struct Entry(int Hash, string Key, HostRoutes Routes);
}
