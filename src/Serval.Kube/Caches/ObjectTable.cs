using System.Collections.Concurrent;
using Serval.Api;

namespace Serval.Kube;

/// <summary>Every object of one kind in memory, by namespace and by owner. One thread at a time changes it; reads take no lock.</summary>
public sealed class ObjectTable
{
    private readonly ConcurrentDictionary<string, NamespaceTable> _namespaces = new(1, 7, StringComparer.Ordinal);
    private readonly OwnerIndex _owners = new();

    /// <inheritdoc cref="IObjectCache.Get"/>
    public KubeObject? Get(ObjectKey key) =>
        _namespaces.TryGetValue(key.Namespace, out var table) && table.Objects.TryGetValue(key.Name, out var found) ? found : null;

    /// <inheritdoc cref="IObjectCache.List"/>
    public List<KubeObject> List(string? ns)
    {
        var result = new List<KubeObject>();
        if (ns is not null)
        {
            if (_namespaces.TryGetValue(ns, out var table))
            {
                table.CopyTo(result);
            }
            return result;
        }
        foreach (var (_, table) in _namespaces)
        {
            table.CopyTo(result);
        }
        return result;
    }

    /// <inheritdoc cref="IObjectCache.OwnedBy"/>
    public IReadOnlyList<KubeObject> OwnedBy(string uid)
    {
        var keys = _owners.Find(uid);
        if (keys.Count == 0)
        {
            return [];
        }
        var result = new List<KubeObject>(keys.Count);
        foreach (var key in keys)
        {
            if (Get(key) is { } found)
            {
                result.Add(found);
            }
        }
        return result;
    }

    /// <summary>Exchanges the object of a key: none before when it is new, none after when it is gone.</summary>
    public void Apply(ObjectKey key, KubeObject? before, KubeObject? after)
    {
        if (after is not null)
        {
            var table = _namespaces.GetOrAdd(key.Namespace, static _ => new NamespaceTable());
            table.Objects[key.Name] = after;
            table.Count += before is null ? 1 : 0;
        }
        else if (_namespaces.TryGetValue(key.Namespace, out var table) && table.Objects.TryRemove(key.Name, out _) && --table.Count == 0)
        {
            _namespaces.TryRemove(key.Namespace, out _);
        }
        _owners.Update(key, before, after);
    }

    private sealed class NamespaceTable
    {
        public ConcurrentDictionary<string, KubeObject> Objects { get; } = new(1, 7, StringComparer.Ordinal);

        /// <summary>The writer's own count: the dictionary's takes every lock.</summary>
        public int Count { get; set; }

        public void CopyTo(List<KubeObject> target)
        {
            target.EnsureCapacity(target.Count + Count);
            foreach (var (_, obj) in Objects)
            {
                target.Add(obj);
            }
        }
    }
}
