using Serval.Api;
using Serval.Kube;

namespace Serval.StoreConformance;

/// <summary>Replays a watch into a table, stopping and resuming at random, and fails on any event that does not fit.</summary>
internal sealed class ModelWatcher(ResourceKind kind, string selector, int seed)
{
    private readonly Random _random = new(seed);
    private readonly Dictionary<ObjectKey, KubeObject> _replayed = [];
    private long _last = 1;

    public ResourceKind Kind => kind;

    /// <summary>Until the object <paramref name="lastName"/> is seen or the store ends.</summary>
    public async Task RunAsync(IKubeClient client, string lastName)
    {
        while (true)
        {
            var left = _random.Next(1, 30);
            var ended = true;
            try
            {
                using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
                await foreach (var change in client.WatchAsync(kind, "default", new WatchOptions { ResourceVersion = $"{_last}", LabelSelector = selector }, patience.Token))
                {
                    Apply(change);
                    if (change.Object.Metadata.Name == lastName)
                    {
                        return;
                    }
                    if (--left == 0)
                    {
                        ended = false;
                        break;
                    }
                }
            }
            catch (ApiException e) when (e.Code == 503)
            {
                return;
            }
            if (ended)
            {
                return;
            }
        }
    }

    public void CheckAgainst(IReadOnlyList<KubeObject> stored)
    {
        var expected = stored.Where(o => selector.Length == 0 || o.Metadata.Labels.GetValueOrDefault("color") == "red").ToList();
        Assert.Equal(expected.Select(o => $"{o.Key} {o.Version}").Order(StringComparer.Ordinal), _replayed.Values.Select(o => $"{o.Key} {o.Version}").Order(StringComparer.Ordinal));
        Assert.All(expected, o => Assert.True(o.SameAs(_replayed[o.Key]), $"{o} was replayed otherwise than stored"));
    }

    private void Apply(WatchEvent change)
    {
        var (key, known) = (change.Object.Key, _replayed.ContainsKey(change.Object.Key));
        Assert.True(change.Object.Version > _last, $"{kind} [{selector}]: {change.Type} {key} has version {change.Object.Version} after {_last}");
        Assert.True(known == (change.Type != WatchEventType.Added), $"{kind} [{selector}]: {change.Type} of {key}, which is {(known ? "" : "not ")}there");
        _last = change.Object.Version;
        if (change.Type == WatchEventType.Deleted)
        {
            _replayed.Remove(key);
        }
        else
        {
            _replayed[key] = change.Object;
        }
    }
}
