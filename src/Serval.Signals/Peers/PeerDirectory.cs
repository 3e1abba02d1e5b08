using Serval.Api;
using Serval.Kube;

namespace Serval.Signals;

/// <summary>
/// Who serves signals, as the Leases tell. Whether a peer lives is judged by when this process last saw its Lease renewed, so clocks need not agree, and only
/// while the API server answers: nobody can renew at one that does not.
/// </summary>
public sealed class PeerDirectory : IDisposable
{
    /// <summary>When the Lease of one that is silent is asked for: the cache may be behind, and the API server gone.</summary>
    internal static readonly TimeSpan LookPeriod = PeerLease.RenewPeriod * 1.5;

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);
    private readonly IKubeClient _client;
    private readonly TimeProvider _time;
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _lock = new();
    private readonly Dictionary<ObjectKey, Entry> _entries = []; // guarded by _lock
    private readonly ITimer _timer;
    private readonly IDisposable _subscription;
    private Action[] _handlers = []; // replaced under _lock

    /// <param name="client">Where the Leases are.</param>
    /// <param name="time">The clock.</param>
    public PeerDirectory(IKubeClient client, TimeProvider time)
    {
        (_client, _time) = (client, time);
        _timer = time.CreateTimer(static self => ((PeerDirectory)self!).Look(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _subscription = client.Cache(Kinds.Lease).Subscribe(Take);
    }

    /// <summary>Those that live, by their names.</summary>
    public IReadOnlyList<Peer> Live(PeerRole role)
    {
        lock (_lock)
        {
            return [.. _entries.Values.Where(e => e.Lives && e.Peer.Role == role).Select(e => e.Peer).OrderBy(p => p.Id, StringComparer.Ordinal)];
        }
    }

    /// <summary>The one of this name, if it lives.</summary>
    public Peer? Find(PeerRole role, string id)
    {
        lock (_lock)
        {
            return _entries.GetValueOrDefault(role.LeaseOf(id)) is { Lives: true } entry ? entry.Peer : null;
        }
    }

    /// <summary>Calls the handler after each change of who lives and of what they tell; it must not block.</summary>
    public IDisposable Subscribe(Action handler)
    {
        lock (_lock)
        {
            _handlers = [.. _handlers, handler];
        }
        return new Subscription(this, handler);
    }

    public void Dispose()
    {
        _subscription.Dispose();
        _timer.Dispose();
        _stop.Cancel();
        _stop.Dispose();
    }

    /// <summary>The peers of a role that have a Lease, renewed or not.</summary>
    internal IReadOnlyList<Peer> Known(PeerRole role)
    {
        lock (_lock)
        {
            return [.. _entries.Values.Where(e => e.Peer.Role == role).Select(e => e.Peer)];
        }
    }

    /// <summary>The Leases of a role that were not renewed for a time.</summary>
    internal IReadOnlyList<KubeObject> Still(PeerRole role, TimeSpan time)
    {
        lock (_lock)
        {
            return [.. _entries.Values.Where(e => !e.Lives && e.Peer.Role == role && _time.GetElapsedTime(e.SeenAt) >= time).Select(e => e.Lease)];
        }
    }

    /// <summary>Whether a process still has a Lease, renewed or not.</summary>
    internal bool Knows(Uri address, string certificate)
    {
        lock (_lock)
        {
            return _entries.Values.Any(e => e.Peer.Address == address && e.Peer.Certificate == certificate);
        }
    }

    private void Take(CacheChange change)
    {
        var key = change.New.Key;
        bool news;
        lock (_lock)
        {
            var before = _entries.GetValueOrDefault(key);
            if (change.Type == WatchEventType.Deleted || PeerRoles.Read(change.New) is not { } peer)
            {
                news = _entries.Remove(key);
            }
            else
            {
                var told = before?.Peer.Tells(peer) == true ? before.Peer : peer;
                var renewed = before?.IsRenewedBy(change.New) ?? true;
                _entries[key] = new Entry(told, change.New, renewed ? _time.GetTimestamp() : before!.SeenAt) { Lives = renewed || before!.Lives };
                news = before?.Lives != _entries[key].Lives || !ReferenceEquals(before?.Peer, told);
                WaitForNext_NeedsLock();
            }
        }
        Tell(news);
    }

    private void Look()
    {
        List<Entry> silent;
        lock (_lock)
        {
            silent = [.. _entries.Values.Where(e => e is { Lives: true, IsLookedFor: false } && Due(e) <= TimeSpan.Zero)];
            foreach (var entry in silent)
            {
                entry.IsLookedFor = true;
            }
            WaitForNext_NeedsLock();
        }
        foreach (var entry in silent)
        {
            _ = LookAsync(entry);
        }
    }

    private async Task LookAsync(Entry entry)
    {
        KubeObject? found = null;
        var answered = true;
        try
        {
            using var patience = new CancellationTokenSource(s_patience, _time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, _stop.Token);
            found = await _client.GetAsync(Kinds.Lease, entry.Lease.Key, either.Token);
        }
        catch (ApiException e) when (e.IsNotFound)
        {
            // given back: the cache will say so
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException || SignalClient.IsFailure(e))
        {
            answered = false;
        }
        lock (_lock)
        {
            if (_entries.GetValueOrDefault(entry.Lease.Key) != entry)
            {
                return; // the cache was quicker
            }
            entry.IsLookedFor = false;
            entry.LookedAt = _time.GetTimestamp();
            if (!answered || (found is not null && entry.IsRenewedBy(found)))
            {
                (entry.SeenAt, entry.Last) = (entry.LookedAt, found ?? entry.Last);
            }
            entry.Lives = Left(entry) > TimeSpan.Zero;
            WaitForNext_NeedsLock();
        }
        Tell(!entry.Lives);
    }

    private void WaitForNext_NeedsLock()
    {
        var next = _entries.Values.Where(e => e is { Lives: true, IsLookedFor: false }).Select(Due).DefaultIfEmpty(Timeout.InfiniteTimeSpan).Min();
        _timer.Change(next < TimeSpan.Zero && next != Timeout.InfiniteTimeSpan ? TimeSpan.Zero : next, Timeout.InfiniteTimeSpan);
    }

    private TimeSpan Due(Entry entry)
    {
        var (left, look) = (Left(entry), LookPeriod - _time.GetElapsedTime(entry.LookedAt));
        return left < look ? left : look;
    }

    private TimeSpan Left(Entry entry) => entry.Duration - _time.GetElapsedTime(entry.SeenAt);

    private void Tell(bool news)
    {
        foreach (var handler in news ? _handlers : [])
        {
            handler();
        }
    }

    private sealed class Entry(Peer peer, KubeObject lease, long seenAt)
    {
        public Peer Peer => peer;

        public KubeObject Lease { get; } = lease;

        /// <summary>The Lease as it was last seen, in the cache or at the API server.</summary>
        public KubeObject Last { get; set; } = lease; // guarded by the owner's lock, as is all that follows

        /// <summary>When it was seen to be renewed.</summary>
        public long SeenAt { get; set; } = seenAt;

        public long LookedAt { get; set; } = seenAt;

        public bool IsLookedFor { get; set; }

        public bool Lives { get; set; } = true;

        public TimeSpan Duration { get; } = LeaseTerm.Of(lease, PeerLease.Duration);

        public bool IsRenewedBy(KubeObject other) => !Last.Member("spec").Span.SequenceEqual(other.Member("spec").Span);
    }

    private sealed class Subscription(PeerDirectory owner, Action handler) : IDisposable
    {
        public void Dispose()
        {
            lock (owner._lock)
            {
                owner._handlers = [.. owner._handlers.Where(h => h != handler)];
            }
        }
    }
}
