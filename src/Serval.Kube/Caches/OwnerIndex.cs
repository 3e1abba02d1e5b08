using System.Collections.Concurrent;
using Serval.Api;

namespace Serval.Kube;

/// <summary>
/// Owner uid → keys of the objects it owns. Written by one thread at a time, read by anyone without a lock. Most owners own one or two
/// objects of a kind, so a small array is replaced whole; beyond <see cref="Small"/> a set takes over.
/// </summary>
internal sealed class OwnerIndex
{
    private const int Small = 8;

    private readonly ConcurrentDictionary<string, object> _owned = new(1, 31, StringComparer.Ordinal);

    public IReadOnlyCollection<ObjectKey> Find(string uid) => _owned.GetValueOrDefault(uid) switch
    {
        ObjectKey[] keys => keys,
        ConcurrentDictionary<ObjectKey, byte> set => [.. set.Select(static p => p.Key)],
        _ => [],
    };

    public void Update(ObjectKey key, KubeObject? before, KubeObject? after)
    {
        var old = before?.Metadata.OwnerReferences ?? [];
        var next = after?.Metadata.OwnerReferences ?? [];
        for (var i = 0; i < next.Count; i++)
        {
            if (!Holds(old, next[i].Uid))
            {
                Add(next[i].Uid, key);
            }
        }
        for (var i = 0; i < old.Count; i++)
        {
            if (!Holds(next, old[i].Uid))
            {
                Remove(old[i].Uid, key);
            }
        }
    }

    private static bool Holds(IReadOnlyList<OwnerReference> owners, string uid)
    {
        for (var i = 0; i < owners.Count; i++)
        {
            if (string.Equals(owners[i].Uid, uid, StringComparison.Ordinal))
            {
                return true;
            }
        }
        return false;
    }

    private void Add(string uid, ObjectKey key)
    {
        switch (_owned.GetValueOrDefault(uid))
        {
            case ConcurrentDictionary<ObjectKey, byte> set:
                set[key] = 0;
                break;
            case ObjectKey[] { Length: >= Small } keys:
                _owned[uid] = new ConcurrentDictionary<ObjectKey, byte>(1, [.. keys.Append(key).Distinct().Select(k => KeyValuePair.Create(k, (byte)0))], null);
                break;
            case ObjectKey[] keys when Array.IndexOf(keys, key) < 0:
                _owned[uid] = (ObjectKey[])[.. keys, key];
                break;
            case null:
                _owned[uid] = (ObjectKey[])[key];
                break;
            default:
                break;
        }
    }

    private void Remove(string uid, ObjectKey key)
    {
        var empty = false;
        switch (_owned.GetValueOrDefault(uid))
        {
            case ConcurrentDictionary<ObjectKey, byte> set:
                set.TryRemove(key, out _);
                empty = set.IsEmpty;
                break;
            case ObjectKey[] keys:
                var rest = Array.FindAll(keys, k => k != key);
                empty = rest.Length == 0;
                _owned[uid] = rest;
                break;
            default:
                break;
        }
        if (empty)
        {
            _owned.TryRemove(uid, out _);
        }
    }
}
