using Serval.Api;

namespace Serval.Kube;

/// <summary>Follows the objects of every resource that there is, and of those that come to be.</summary>
public sealed class EveryResource(IKubeClient client, Action<ResourceKind, CacheChange> handler) : IDisposable
{
    private readonly Dictionary<string, (ResourceKind Kind, IDisposable Subscription)> _followed = []; // its who made _asked 1
    private int _asked;
    private volatile bool _disposed;

    /// <summary>Calls the handler as <see cref="IObjectCache.Subscribe"/> does, for one resource after the other.</summary>
    public void Start()
    {
        client.ServedKinds.Changed += Follow;
        Follow("");
    }

    public void Dispose()
    {
        client.ServedKinds.Changed -= Follow;
        _disposed = true;
        Follow("");
    }

    // Not under a lock: a subscription waits for what is published, and what is published may change the kinds. Whoever is at it goes round again.
    private void Follow(string changed)
    {
        if (Interlocked.Increment(ref _asked) > 1)
        {
            return;
        }
        int answered;
        do
        {
            answered = Volatile.Read(ref _asked);
            FollowAll(_disposed ? [] : client.ServedKinds.Resources);
        }
        while (Interlocked.Add(ref _asked, -answered) > 0);
    }

    private void FollowAll(IReadOnlyList<ResourceKind> present)
    {
        foreach (var (name, (kind, subscription)) in _followed)
        {
            if (!present.Contains(kind)) // gone, or kept in another version
            {
                subscription.Dispose();
                _followed.Remove(name);
            }
        }
        foreach (var kind in present)
        {
            if (!_followed.ContainsKey(kind.ResourceName))
            {
                _followed.Add(kind.ResourceName, (kind, client.Cache(kind).Subscribe(change => handler(kind, change))));
            }
        }
    }
}
