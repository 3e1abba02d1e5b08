namespace Serval.Controllers.Serving;

/// <summary>Key → values, written and read by any thread. A key without values takes no room.</summary>
internal sealed class KeyIndex<TKey, TValue>
    where TKey : notnull
{
    private readonly Lock _lock = new();
    private readonly Dictionary<TKey, HashSet<TValue>> _values = []; // guarded by _lock

    internal IReadOnlyList<TValue> this[TKey key]
    {
        get
        {
            lock (_lock)
            {
                return _values.TryGetValue(key, out var values) ? [.. values] : [];
            }
        }
    }

    internal void Add(TKey key, TValue value)
    {
        lock (_lock)
        {
            if (!_values.TryGetValue(key, out var values))
            {
                _values[key] = values = [];
            }
            values.Add(value);
        }
    }

    internal void Remove(TKey key, TValue value)
    {
        lock (_lock)
        {
            if (_values.TryGetValue(key, out var values) && values.Remove(value) && values.Count == 0)
            {
                _values.Remove(key);
            }
        }
    }
}
