using Microsoft.Extensions.Logging;
using Serval.Api;
using Serval.Kube;

namespace Serval.Signals;

/// <summary>
/// How far Ingresses are at all the gateways that can be heard: an Ingress is as far as the gateway where it fares worst. While some have not come to the
/// generation that others have, or there is none, nothing is said of it.
/// </summary>
public sealed class RemoteIngressStates : IIngressStates, IAsyncDisposable
{
    private readonly Listener _listener = new();
    private readonly FeedReader<ObjectKey, IngressReport> _reader;

    public RemoteIngressStates(PeerDirectory peers, SignalClient client, TimeProvider time, Random random, ILogger<RemoteIngressStates> logger) =>
        _reader = new FeedReader<ObjectKey, IngressReport>(PeerRole.Gateway, RoutesFeed.Kind, _listener, peers, client, time, random, logger);

    public Action<ObjectKey>? Changed
    {
        get => _listener.Changed;
        set => _listener.Changed = value;
    }

    public IngressState? StateOf(ObjectKey ingress) => _listener.StateOf(ingress);

    public ValueTask DisposeAsync() => _reader.DisposeAsync();

    private sealed class Listener : IFeedListener<IngressReport>
    {
        private readonly Lock _lock = new();
        private readonly Dictionary<string, Dictionary<ObjectKey, IngressState>> _gateways = new(StringComparer.Ordinal); // guarded by _lock

        public Action<ObjectKey>? Changed { get; set; }

        public void Take(string peer, long number, IReadOnlyList<IngressReport> items)
        {
            lock (_lock)
            {
                if (!_gateways.TryGetValue(peer, out var states))
                {
                    _gateways[peer] = states = [];
                }
                foreach (var (ingress, state) in items)
                {
                    if (state is null)
                    {
                        states.Remove(ingress);
                    }
                    else
                    {
                        states[ingress] = state;
                    }
                }
            }
            Tell(items.Select(i => i.Ingress));
        }

        /// <summary>What waited for it alone may go on.</summary>
        public void Lost(string peer, IReadOnlyList<IngressReport> last)
        {
            List<ObjectKey> left;
            lock (_lock)
            {
                _gateways.Remove(peer);
                left = [.. _gateways.Values.SelectMany(g => g.Keys).Distinct()];
            }
            Tell(left);
        }

        public IngressState? StateOf(ObjectKey ingress)
        {
            lock (_lock)
            {
                IngressState? worst = null;
                foreach (var states in _gateways.Values)
                {
                    if (!states.TryGetValue(ingress, out var state) || (worst is not null && (state.Uid, state.Generation) != (worst.Uid, worst.Generation)))
                    {
                        return null;
                    }
                    worst = worst is null || Badness(state) > Badness(worst) ? state : worst;
                }
                return worst;
            }
        }

        private void Tell(IEnumerable<ObjectKey> ingresses)
        {
            foreach (var ingress in ingresses)
            {
                Changed?.Invoke(ingress);
            }
        }

        private static int Badness(IngressState state) =>
            state.Error.Length > 0 ? 4 : state.Conflicts.Count > 0 ? 3 : state.TlsProblems.Count > 0 ? 2 : state.Warnings.Count > 0 ? 1 : 0;
    }
}
