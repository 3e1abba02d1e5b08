using System.Collections.Concurrent;
using Serval.Api;
using Serval.Kube;

namespace Serval.Composition;

/// <summary>Pods of a cache by their uids.</summary>
internal sealed class PodsByUid : IDisposable
{
    private readonly IObjectCache _pods;
    private readonly ConcurrentDictionary<string, ObjectKey> _keys = new(StringComparer.Ordinal);
    private readonly IDisposable _subscription;

    public PodsByUid(IObjectCache pods)
    {
        _pods = pods;
        _subscription = pods.Subscribe(Take);
    }

    public KubeObject? Find(string uid) =>
        _keys.TryGetValue(uid, out var key) && _pods.Get(key) is { } pod && pod.Metadata.Uid == uid ? pod : null;

    public void Dispose() => _subscription.Dispose();

    private void Take(CacheChange change)
    {
        var uid = change.New.Metadata.Uid;
        if (change.Type == WatchEventType.Deleted)
        {
            _keys.TryRemove(uid, out _);
        }
        else
        {
            _keys[uid] = change.New.Key;
        }
    }
}
