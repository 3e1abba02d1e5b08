using System.Collections.Concurrent;
using Serval.Api;
using Serval.Api.Networking;
using Serval.Kube;

namespace Serval.Composition;

/// <summary>The hosts that Ingresses lead somewhere, for who has no gateway to ask. Any thread.</summary>
internal sealed class ServedHosts : IDisposable
{
    private readonly ConcurrentDictionary<string, int> _hosts = new(StringComparer.Ordinal); // by how many Ingresses name it; written by the publisher's thread
    private readonly IDisposable _subscription;

    public ServedHosts(IKubeClient client) => _subscription = client.Cache(Kinds.KIngress).Subscribe(Take);

    /// <summary>Whether one names exactly this host, in lower case.</summary>
    public bool Contains(string host) => _hosts.ContainsKey(host);

    public void Dispose() => _subscription.Dispose();

    private void Take(CacheChange change)
    {
        foreach (var host in change.Type == WatchEventType.Deleted ? [] : Of(change.New))
        {
            _hosts.AddOrUpdate(host, 1, static (_, count) => count + 1);
        }
        foreach (var host in change.Old is { } old ? Of(old) : [])
        {
            if (_hosts.AddOrUpdate(host, 0, static (_, count) => count - 1) <= 0)
            {
                _hosts.TryRemove(host, out _);
            }
        }
    }

    private static IEnumerable<string> Of(KubeObject ingress) => ingress.As<KIngress>().Spec.Rules.SelectMany(r => r.Hosts).Select(h => h.ToLowerInvariant()).Distinct();
}
