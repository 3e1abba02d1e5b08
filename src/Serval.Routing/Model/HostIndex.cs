using System.Collections;
using System.Diagnostics.CodeAnalysis;

namespace Serval.Routing;

/// <summary>Hosts by name. Immutable.</summary>
internal sealed class HostIndex : IReadOnlyDictionary<string, HostRoutes>
{
    private readonly HashShards<Entry> _entries;

    private HostIndex(HashShards<Entry> entries) => _entries = entries;

    internal static HostIndex Empty { get; } = new(new HashShards<Entry>());

    public int Count => _entries.Count;

    public IEnumerable<string> Keys => this.Select(e => e.Key);

    public IEnumerable<HostRoutes> Values => this.Select(e => e.Value);

    public HostRoutes this[string key] => TryGetValue(key, out var routes) ? routes : throw new KeyNotFoundException($"there is no host {key}");

    public bool ContainsKey(string key) => TryGetValue(key, out _);

    public bool TryGetValue(string key, [MaybeNullWhen(false)] out HostRoutes value) => TryGetValue(key.AsSpan(), out value);

    public IEnumerator<KeyValuePair<string, HostRoutes>> GetEnumerator() => _entries.All.Select(e => KeyValuePair.Create(e.Key, e.Routes)).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    internal bool TryGetValue(ReadOnlySpan<char> key, [MaybeNullWhen(false)] out HostRoutes value)
    {
        var hash = string.GetHashCode(key);
        foreach (ref readonly var entry in _entries[hash])
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
        var entries = _entries.With(changes.Select(c =>
        {
            var (key, hash) = (c.Key, string.GetHashCode(c.Key.AsSpan()));
            return (hash, (Predicate<Entry>)(e => e.Hash == hash && e.Key == key), c.Value is null ? [] : new[] { new Entry(hash, key, c.Value) });
        }));
        return entries == _entries ? this : new HostIndex(entries);
    }

    private readonly record struct Entry(int Hash, string Key, HostRoutes Routes);
}
