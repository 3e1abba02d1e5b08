using System.Text.Json;
using Microsoft.Extensions.Logging;
using Serval.Kube.Remote;

namespace Serval.Signals;

/// <summary>What a <see cref="FeedReader{TKey, T}"/> tells. One call at a time for each peer.</summary>
internal interface IFeedListener<T>
{
    /// <summary>What a peer says; of what its list of all there is does not name any more, the ends too.</summary>
    /// <param name="peer">Its name.</param>
    /// <param name="number">How far in its changes the sender was.</param>
    /// <param name="items">What is or has changed.</param>
    void Take(string peer, long number, IReadOnlyList<T> items);

    /// <summary>Nothing was heard of a peer for <see cref="LineStream.Silence"/>, or it has gone; once, until it is heard again.</summary>
    /// <param name="peer">Its name.</param>
    /// <param name="last">What it had said that was.</param>
    void Lost(string peer, IReadOnlyList<T> last);
}

/// <summary>The reading end: a stream to every live peer of a role, opened again, with back-off, as long as the peer lives.</summary>
internal sealed partial class FeedReader<TKey, T> : IAsyncDisposable
    where TKey : notnull
{
    internal const int MostKeys = 100_000;
    private static readonly TimeSpan s_first = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan s_longest = TimeSpan.FromSeconds(2);

    private readonly PeerRole _role;
    private readonly SignalKind<TKey, T> _kind;
    private readonly IFeedListener<T> _listener;
    private readonly PeerDirectory _peers;
    private readonly SignalClient _client;
    private readonly TimeProvider _time;
    private readonly Jitter _jitter;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _lock = new();
    private readonly Dictionary<string, Task> _followed = new(StringComparer.Ordinal); // guarded by _lock
    private readonly IDisposable _subscription;

    public FeedReader(
        PeerRole role, SignalKind<TKey, T> kind, IFeedListener<T> listener, PeerDirectory peers, SignalClient client, TimeProvider time, Random random, ILogger logger)
    {
        (_role, _kind, _listener, _peers, _client, _time, _jitter, _logger) = (role, kind, listener, peers, client, time, new Jitter(random), logger);
        _subscription = peers.Subscribe(Follow);
        Follow();
    }

    public async ValueTask DisposeAsync()
    {
        _subscription.Dispose();
        await _stop.CancelAsync();
        List<Task> followed;
        lock (_lock)
        {
            followed = [.. _followed.Values];
        }
        await Task.WhenAll(followed);
        _stop.Dispose();
    }

    private void Follow()
    {
        foreach (var peer in _peers.Live(_role))
        {
            lock (_lock)
            {
                if (!_stop.IsCancellationRequested && !_followed.ContainsKey(peer.Id))
                {
                    _followed[peer.Id] = Task.Run(() => FollowAsync(peer.Id));
                }
            }
        }
    }

    private async Task FollowAsync(string id)
    {
        using var heard = new Heard(this, id);
        var failures = 0;
        try
        {
            while (Find(id, heard) is { } peer)
            {
                var before = heard.Frames;
                var why = await ReadAsync(peer, heard);
                failures = heard.Frames > before ? 0 : failures + 1;
                Log.Ended(_logger, failures == 1 ? LogLevel.Warning : LogLevel.Debug, _kind.Path, peer, why);
                var pause = s_first * Math.Pow(2, Math.Min(failures, 6));
                await Task.Delay((pause < s_longest ? pause : s_longest) * (_jitter.Factor() / 2), _time, _stop.Token);
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // told to stop
        }
    }

    /// <summary>The peer while it lives; else it is lost and then, in one step, no longer followed, so that one who comes back is.</summary>
    private Peer? Find(string id, Heard heard)
    {
        if (_peers.Find(_role, id) is { } peer)
        {
            return peer;
        }
        heard.Lose(); // before another may be heard under this name
        lock (_lock)
        {
            peer = _peers.Find(_role, id);
            if (peer is null)
            {
                _followed.Remove(id);
            }
            return peer;
        }
    }

    /// <summary>Reads one stream to its end. Returns why it ended.</summary>
    private async Task<string> ReadAsync(Peer peer, Heard heard)
    {
        try
        {
            await foreach (var line in _client.LinesAsync(peer, _kind.Path, _stop.Token))
            {
                heard.Take(line);
            }
            return "the connection ended";
        }
        catch (Exception e) when (SignalClient.IsFailure(e))
        {
            return e.InnerException?.Message ?? e.Message;
        }
        catch (Exception e) when (e is JsonException or InvalidDataException)
        {
            return $"it sends what cannot be read: {e.Message}";
        }
        catch (Exception e) when (e is not OutOfMemoryException && !_stop.IsCancellationRequested) // whatever it is: a stream that nobody reads is worse
        {
            Log.Failed(_logger, e, _kind.Path, peer);
            return e.Message;
        }
    }

    /// <summary>What one peer has said.</summary>
    private sealed class Heard : IDisposable
    {
        private readonly FeedReader<TKey, T> _owner;
        private readonly string _id;
        private readonly Lock _lock = new(); // held while the listener is called
        private readonly Dictionary<TKey, T> _known = []; // guarded by _lock
        private readonly ITimer _timer;
        private HashSet<TKey>? _unnamed; // guarded by _lock; while a list of all there is comes, what it has not named yet
        private long _at; // guarded by _lock
        private bool _lost = true; // guarded by _lock

        public Heard(FeedReader<TKey, T> owner, string id)
        {
            (_owner, _id) = (owner, id);
            _timer = owner._time.CreateTimer(static self => ((Heard)self!).LoseWhenSilent(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        }

        public long Frames { get; private set; }

        public void Take(byte[] line)
        {
            var frame = line.Length == 0 ? null : JsonSerializer.Deserialize(line, _owner._kind.Json) ?? throw new InvalidDataException("null is no frame");
            lock (_lock)
            {
                _at = _owner._time.GetTimestamp();
                _timer.Change(LineStream.Silence, Timeout.InfiniteTimeSpan);
                if (frame is null)
                {
                    return;
                }
                if (_lost && !frame.Full)
                {
                    throw new InvalidDataException("it goes on as if it had not been silent");
                }
                var items = Apply(frame);
                Frames++;
                _lost = false;
                _owner._listener.Take(_id, frame.Number, items);
            }
        }

        public void Lose()
        {
            lock (_lock)
            {
                if (!_lost)
                {
                    _lost = true;
                    _owner._listener.Lost(_id, [.. _known.Values]);
                }
            }
        }

        public void Dispose() => _timer.Dispose();

        private void LoseWhenSilent()
        {
            lock (_lock)
            {
                if (_owner._time.GetElapsedTime(_at) >= LineStream.Silence)
                {
                    Lose();
                }
            }
        }

        private List<T> Apply(Frame<T> frame)
        {
            var kind = _owner._kind;
            _unnamed = frame.Full ? [.. _known.Keys] : _unnamed;
            foreach (var item in frame.Items)
            {
                if (item is null || !kind.IsValid(item))
                {
                    throw new InvalidDataException($"{item} cannot be");
                }
                var key = kind.Key(item);
                _unnamed?.Remove(key);
                if (kind.IsEnd(item))
                {
                    _known.Remove(key);
                }
                else
                {
                    _known[key] = kind.Later(item);
                }
            }
            if (_known.Count > MostKeys)
            {
                throw new InvalidDataException($"it tells of more than {MostKeys} things");
            }
            var news = frame.Items.ToList();
            if (frame.Synced)
            {
                foreach (var key in _unnamed ?? [])
                {
                    _known.Remove(key, out var gone);
                    news.Add(kind.End(gone!));
                }
                _unnamed = null;
            }
            return news;
        }
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 4021, Message = "The stream {Path} of {Peer} ended, it is opened again while the peer lives: {Why}")]
        internal static partial void Ended(ILogger logger, LogLevel level, string path, Peer peer, string why);

        [LoggerMessage(EventId = 4022, Level = LogLevel.Warning, Message = "The stream {Path} of {Peer} cannot be read on")]
        internal static partial void Failed(ILogger logger, Exception e, string path, Peer peer);
    }
}
