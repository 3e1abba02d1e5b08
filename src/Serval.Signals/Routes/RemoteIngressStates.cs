using Microsoft.Extensions.Logging;
using Serval.Api;
using Serval.Kube;

namespace Serval.Signals;

/// <summary>
/// How far Ingresses are at all the live gateways that can be heard: an Ingress is as far as the gateway where it fares worst. While some have not come to the
/// generation that others have, or there is none, nothing is said of it, nor while one is awaited that has just appeared.
/// </summary>
public sealed class RemoteIngressStates : IIngressStates, IAsyncDisposable
{
    private readonly Listener _listener;
    private readonly FeedReader<ObjectKey, IngressReport> _reader;

    public RemoteIngressStates(PeerDirectory peers, SignalClient client, TimeProvider time, Random random, ILogger<RemoteIngressStates> logger)
    {
        _listener = new Listener(peers, time);
        _reader = new FeedReader<ObjectKey, IngressReport>(PeerRole.Gateway, RoutesFeed.Kind, _listener, peers, client, time, random, logger);
    }

    public Action<ObjectKey>? Changed
    {
        get => _listener.Changed;
        set => _listener.Changed = value;
    }

    public IngressState? StateOf(ObjectKey ingress) => _listener.StateOf(ingress);

    public async ValueTask DisposeAsync()
    {
        _listener.Dispose();
        await _reader.DisposeAsync();
    }

    private sealed class Listener : IFeedListener<IngressReport>, IDisposable
    {
        private readonly PeerDirectory _peers;
        private readonly TimeProvider _time;
        private readonly Lock _lock = new();
        private readonly Dictionary<string, Dictionary<ObjectKey, IngressState>> _gateways = new(StringComparer.Ordinal); // guarded by _lock
        private readonly IDisposable _subscription;
        private readonly ITimer _timer;
        private Dictionary<string, long> _live = []; // guarded by _lock; since when

        public Listener(PeerDirectory peers, TimeProvider time)
        {
            (_peers, _time) = (peers, time);
            _timer = time.CreateTimer(static self => ((Listener)self!).TellAll(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            _subscription = peers.Subscribe(Follow);
            Follow();
        }

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
            lock (_lock)
            {
                _gateways.Remove(peer);
            }
            TellAll();
        }

        public void Dispose()
        {
            _subscription.Dispose();
            _timer.Dispose();
        }

        private void Follow()
        {
            bool news;
            lock (_lock)
            {
                var before = _live;
                _live = _peers.Live(PeerRole.Gateway).ToDictionary(g => g.Id, g => before.GetValueOrDefault(g.Id, _time.GetTimestamp()), StringComparer.Ordinal);
                news = before.Count != _live.Count || !_live.Keys.All(before.ContainsKey);
                if (news)
                {
                    _timer.Change(LineStream.Silence, Timeout.InfiniteTimeSpan); // then nobody waits any more for those that were not heard
                }
            }
            if (news)
            {
                TellAll();
            }
        }

        private void TellAll()
        {
            List<ObjectKey> all;
            lock (_lock)
            {
                all = [.. _gateways.Values.SelectMany(g => g.Keys).Distinct()];
            }
            Tell(all);
        }

        public IngressState? StateOf(ObjectKey ingress)
        {
            lock (_lock)
            {
                IngressState? worst = null;
                foreach (var (gateway, since) in _live)
                {
                    if (!_gateways.TryGetValue(gateway, out var states))
                    {
                        if (_time.GetElapsedTime(since) < LineStream.Silence)
                        {
                            return null; // it is there, and may tell something else
                        }
                        continue;
                    }
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
