using System.Collections.Concurrent;
using Serval.Api;

namespace Serval.ApiServer.Store;

/// <summary>Owner uid → keys of the objects it owns. Written by the writer thread, read by anyone without a lock.</summary>
internal sealed class OwnerIndex
{
    private readonly ConcurrentDictionary<string, ObjectKey[]> _owned = new(1, 31, StringComparer.Ordinal);

    public ObjectKey[] Find(string uid) => _owned.TryGetValue(uid, out var keys) ? keys : [];

    public void Update(ObjectKey key, KubeObject? before, KubeObject? after)
    {
        var old = before?.Metadata.OwnerReferences ?? [];
        var next = after?.Metadata.OwnerReferences ?? [];
        if (old.Count == 0 && next.Count == 0)
        {
            return;
        }
        foreach (var owner in next)
        {
            if (!Holds(old, owner.Uid))
            {
                _owned[owner.Uid] = [.. Find(owner.Uid).Where(k => k != key), key];
            }
        }
        foreach (var owner in old)
        {
            if (!Holds(next, owner.Uid))
            {
                Remove(owner.Uid, key);
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

    private void Remove(string uid, ObjectKey key)
    {
        var rest = Array.FindAll(Find(uid), k => k != key);
        if (rest.Length > 0)
        {
            _owned[uid] = rest;
        }
        else
        {
            _owned.TryRemove(uid, out _);
        }
    }
}
