using System.Collections.Concurrent;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using Serval.Api;
using Serval.Kube;

namespace Serval.Signals;

/// <summary>
/// What pods on nodes use. Who was asked about is asked of every node each two seconds, as long as somebody wants to know: so an answer comes at once, and
/// says how old it is.
/// </summary>
public sealed partial class RemotePodUsage(PeerDirectory peers, SignalClient client, TimeProvider time, ILogger<RemotePodUsage> logger) : IPodUsage, IAsyncDisposable
{
    internal static readonly TimeSpan Period = TimeSpan.FromSeconds(2);
    private const int MostFollowed = 10_000;
    private const int MostAnswer = 1 << 20;
    private static readonly TimeSpan s_wanted = TimeSpan.FromMinutes(1); // since it was last asked for
    private static readonly TimeSpan s_stale = TimeSpan.FromSeconds(10);

    private readonly ConcurrentDictionary<string, long> _asked = new(StringComparer.Ordinal); // uid → when last
    private readonly ConcurrentDictionary<string, (UsedNow Used, long At)> _known = new(StringComparer.Ordinal);
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _lock = new();
    private Task? _asking; // guarded by _lock; null while nobody wants to know

    internal bool IsAsking
    {
        get
        {
            lock (_lock)
            {
                return _asking is not null;
            }
        }
    }

    /// <summary>Null too until the nodes have answered.</summary>
    public PodUsage? UsageOf(string uid)
    {
        if (_asked.Count < MostFollowed || _asked.ContainsKey(uid))
        {
            _asked[uid] = time.GetTimestamp();
            lock (_lock)
            {
                _asking ??= Task.Run(AskAsync);
            }
        }
        return _known.TryGetValue(uid, out var known) && time.GetElapsedTime(known.At) is var age && age < s_stale
            ? new PodUsage(TimeSpan.FromTicks(known.Used.CpuNanos / 100), known.Used.MemoryBytes) { Age = age }
            : null;
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        Task? asking;
        lock (_lock)
        {
            asking = _asking ??= Task.CompletedTask; // and nobody begins anew
        }
        await asking.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();
    }

    private async Task AskAsync()
    {
        while (IsWanted())
        {
            var nodes = peers.Live(PeerRole.Node);
            await Task.WhenAll(_asked.Keys.Chunk(UsageEndpoint.MostInOne).SelectMany(pods => nodes.Select(n => AskAsync(n, pods))));
            await Task.Delay(Period, time, _stop.Token);
        }
    }

    private bool IsWanted()
    {
        lock (_lock)
        {
            foreach (var (uid, at) in _asked.Where(a => time.GetElapsedTime(a.Value) > s_wanted))
            {
                _asked.TryRemove(KeyValuePair.Create(uid, at));
                _known.TryRemove(uid, out _);
            }
            _asking = _asked.IsEmpty ? null : _asking;
            return _asking is not null;
        }
    }

    private async Task AskAsync(Peer node, string[] pods)
    {
        try
        {
            using var response = await client.SendAsync(node, HttpMethod.Get, $"{UsageEndpoint.Route}?{string.Join('&', pods.Select(p => "pod=" + Uri.EscapeDataString(p)))}", _stop.Token);
            await response.Content.LoadIntoBufferAsync(MostAnswer, _stop.Token);
            var found = JsonSerializer.Deserialize(await response.Content.ReadAsByteArrayAsync(_stop.Token), SignalJson.Default.DictionaryStringUsedNow) ?? [];
            foreach (var (uid, used) in found.Where(f => _asked.ContainsKey(f.Key)))
            {
                _known[uid] = (used, time.GetTimestamp());
            }
        }
        catch (Exception e) when (e is ApiException or HttpRequestException or TimeoutException or IOException or JsonException)
        {
            // What is known ages, and is soon not known any more.
        }
        catch (Exception e) when (e is not OutOfMemoryException && !_stop.IsCancellationRequested) // whatever it is: to ask no more is worse
        {
            Log.Failed(logger, e, node);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 4031, Level = LogLevel.Warning, Message = "What pods use cannot be asked of {Node}; it is tried again")]
        internal static partial void Failed(ILogger logger, Exception e, Peer node);
    }
}
