using System.Threading.Channels;
using System.Text.Json;
using Microsoft.AspNetCore.Http;

namespace Serval.Signals;

/// <summary>
/// The serving end: what is now, and to each reader all of that and then what changes. Whoever publishes waits for no reader: of what a slow one has
/// not taken yet, the latest of each key is kept.
/// </summary>
internal sealed class Feed<TKey, T>(SignalKind<TKey, T> kind, TimeProvider time)
    where TKey : notnull
{
    internal const int MostItems = 1000;
    private readonly Lock _lock = new();
    private readonly Dictionary<TKey, T> _now = []; // guarded by _lock
    private readonly List<Reader> _readers = []; // guarded by _lock
    private long _number = time.GetUtcNow().UtcTicks; // guarded by _lock; a later process begins higher

    /// <summary>How many changes were published.</summary>
    public long Number
    {
        get
        {
            lock (_lock)
            {
                return _number;
            }
        }
    }

    public void Publish(ReadOnlySpan<T> items)
    {
        lock (_lock)
        {
            _number++;
            foreach (ref readonly var item in items)
            {
                var key = kind.Key(item);
                if (kind.IsEnd(item))
                {
                    _now.Remove(key);
                }
                else
                {
                    _now[key] = kind.Later(item);
                }
                foreach (var reader in _readers)
                {
                    reader.Pending[key] = reader.Pending.TryGetValue(key, out var waiting) ? kind.Merge(waiting, item) : item;
                }
            }
            foreach (var reader in _readers)
            {
                reader.Wake();
            }
        }
    }

    /// <summary>Feeds one reader until it leaves, or is too slow for too long.</summary>
    public async Task ServeAsync(HttpContext http)
    {
        var ct = http.RequestAborted;
        var lines = new LineStream(http, time);
        var reader = Enter();
        try
        {
            await using var alive = time.CreateTimer(static reader => ((Reader)reader!).Wake(), reader, LineStream.Pulse, LineStream.Pulse);
            while (await reader.Woken.ReadAsync(ct))
            {
                await SendAsync(reader, lines, ct);
            }
        }
        finally
        {
            lock (_lock)
            {
                _readers.Remove(reader);
            }
        }
    }

    private Reader Enter()
    {
        var reader = new Reader();
        lock (_lock)
        {
            foreach (var (key, item) in _now)
            {
                reader.Pending[key] = item;
            }
            _readers.Add(reader);
        }
        reader.Wake();
        return reader;
    }

    private async Task SendAsync(Reader reader, LineStream lines, CancellationToken ct)
    {
        do
        {
            var frame = Take(reader);
            await lines.SendAsync(frame is null ? [] : JsonSerializer.SerializeToUtf8Bytes(frame, kind.Json), ct);
        }
        while (!reader.IsSynced);
    }

    /// <summary>The next frame; null when there is nothing to say.</summary>
    private Frame<T>? Take(Reader reader)
    {
        lock (_lock)
        {
            if (reader.IsSynced && reader.Pending.Count == 0)
            {
                return null;
            }
            var keys = reader.Pending.Keys.Take(MostItems).ToList();
            var items = new List<T>(keys.Count);
            foreach (var key in keys)
            {
                reader.Pending.Remove(key, out var item);
                items.Add(item!);
            }
            var full = !reader.IsBegun;
            var synced = !reader.IsSynced && reader.Pending.Count == 0;
            reader.IsBegun = true;
            reader.IsSynced |= synced;
            if (reader.Pending.Count > 0)
            {
                reader.Wake();
            }
            else
            {
                reader.Number = _number;
            }
            return new Frame<T>(reader.Number, full, synced, items);
        }
    }

    private sealed class Reader
    {
        private readonly Channel<bool> _wakes = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });

        public OrderedDictionary<TKey, T> Pending { get; } = []; // guarded by the feed's lock

        public bool IsBegun { get; set; } // guarded by the feed's lock

        public bool IsSynced { get; set; } // guarded by the feed's lock

        public long Number { get; set; } // guarded by the feed's lock

        public ChannelReader<bool> Woken => _wakes.Reader;

        public void Wake() => _wakes.Writer.TryWrite(true);
    }
}
