using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Kube;

namespace Serval.Signals;

/// <summary>
/// Who serves signals, as the Leases tell. Whether a peer lives is judged by when this process last saw its Lease renewed, so clocks need not agree.
/// </summary>
public sealed class PeerDirectory : IDisposable
{
    private readonly TimeProvider _time;
    private readonly Lock _lock = new();
    private readonly Dictionary<ObjectKey, Entry> _entries = []; // guarded by _lock
    private readonly ITimer _timer;
    private readonly IDisposable _subscription;
    private Action[] _handlers = []; // replaced under _lock

    /// <param name="client">Where the Leases are.</param>
    /// <param name="time">The clock.</param>
    public PeerDirectory(IKubeClient client, TimeProvider time)
    {
        _time = time;
        _timer = time.CreateTimer(static self => ((PeerDirectory)self!).Lapse(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
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
                var renewed = before is null || !before.Lease.Member("spec").Span.SequenceEqual(change.New.Member("spec").Span);
                _entries[key] = new Entry(told, change.New, renewed ? _time.GetTimestamp() : before!.SeenAt) { Lives = renewed || before!.Lives };
                news = before?.Lives != _entries[key].Lives || !ReferenceEquals(before?.Peer, told);
                WaitForNext_NeedsLock();
            }
        }
        Tell(news);
    }

    private void Lapse()
    {
        var news = false;
        lock (_lock)
        {
            foreach (var entry in _entries.Values.Where(e => e.Lives && Left(e) <= TimeSpan.Zero))
            {
                entry.Lives = false;
                news = true;
            }
            WaitForNext_NeedsLock();
        }
        Tell(news);
    }

    private void WaitForNext_NeedsLock()
    {
        var next = _entries.Values.Where(e => e.Lives).Select(Left).DefaultIfEmpty(Timeout.InfiniteTimeSpan).Min();
        _timer.Change(next < TimeSpan.Zero && next != Timeout.InfiniteTimeSpan ? TimeSpan.Zero : next, Timeout.InfiniteTimeSpan);
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

        public KubeObject Lease => lease;

        public long SeenAt => seenAt;

        public TimeSpan Duration { get; } =
            (lease.ToTree()["spec"] as JsonObject)?["leaseDurationSeconds"]?.ToString() is { } text && int.TryParse(text, out var seconds) && seconds > 0
                ? TimeSpan.FromSeconds(Math.Min(seconds, 3600)) // more than a timer bears is nonsense
                : PeerLease.Duration;

        public bool Lives { get; set; } = true; // guarded by the owner's lock
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
