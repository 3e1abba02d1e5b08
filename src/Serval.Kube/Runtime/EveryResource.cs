using Serval.Api;

namespace Serval.Kube;

/// <summary>Follows the objects of every resource that there is, and of those that come to be.</summary>
public sealed class EveryResource(IKubeClient client, Action<ResourceKind, CacheChange> handler) : IDisposable
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, (ResourceKind Kind, IDisposable Subscription)> _followed = []; // guarded by _lock
    private bool _disposed; // guarded by _lock

    /// <summary>Calls the handler as <see cref="IObjectCache.Subscribe"/> does, for one resource after the other.</summary>
    public void Start()
    {
        client.ServedKinds.Changed += Follow;
        Follow("");
    }

    public void Dispose()
    {
        client.ServedKinds.Changed -= Follow;
        lock (_lock)
        {
            _disposed = true;
            foreach (var (_, subscription) in _followed.Values)
            {
                subscription.Dispose();
            }
        }
    }

    private void Follow(string changed)
    {
        lock (_lock)
        {
            if (_disposed)
            {
                return;
            }
            var present = client.ServedKinds.Resources;
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
}
