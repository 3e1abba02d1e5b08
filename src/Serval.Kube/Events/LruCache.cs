using System.Diagnostics.CodeAnalysis;

namespace Serval.Kube;

/// <summary>The most recently used values, at most <paramref name="capacity"/> of them. Not thread-safe.</summary>
internal sealed class LruCache<TKey, TValue>(int capacity)
    where TKey : notnull
{
    private readonly Dictionary<TKey, LinkedListNode<(TKey Key, TValue Value)>> _nodes = [];
    private readonly LinkedList<(TKey Key, TValue Value)> _byUse = new(); // newest first

    internal int Count => _nodes.Count;

    /// <summary>The value, which becomes the newest.</summary>
    internal bool TryGet(TKey key, [MaybeNullWhen(false)] out TValue value)
    {
        if (!_nodes.TryGetValue(key, out var node))
        {
            value = default;
            return false;
        }
        _byUse.Remove(node);
        _byUse.AddFirst(node);
        value = node.Value.Value;
        return true;
    }

    /// <summary>Adds a value that is not there yet; the least recently used one goes when there is no room.</summary>
    internal void Add(TKey key, TValue value)
    {
        if (_nodes.Count == capacity)
        {
            _nodes.Remove(_byUse.Last!.Value.Key);
            _byUse.RemoveLast();
        }
        _nodes.Add(key, _byUse.AddFirst((key, value)));
    }
}
