using Microsoft.Extensions.Logging;
using Serval.Api;

namespace Serval.Kube;

/// <summary>
/// Writes Event objects (core/v1) in the background. What is recorded is gathered until nothing more came for <see cref="Delay"/>, and then written in
/// one go, so that no event stands between a cause and its effect: the wake of an instance, or of many, is over when its events are written.
/// </summary>
public sealed partial class EventRecorder : IEventRecorder, IAsyncDisposable
{
    /// <summary>Most characters of a message (events.k8s.io/v1: note).</summary>
    public const int LongestMessage = 1024;

    /// <summary>Most events that wait for their write; further ones are dropped and counted.</summary>
    internal const int MostWaiting = 8192;

    private const int Remembered = 4096; // client-go: maxLruCacheEntries
    private const int AtOnce = 32; // writes under way, so that others come in between

    /// <summary>Fewer than this are written as they happened, more in key order: neighbours in the store share its pages, which saves a fifth.</summary>
    private const int Many = 256;

    private static readonly WriteOptions s_options = WriteOptions.By("events");

    private readonly IKubeClient _client;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Lock _lock = new();
    private readonly EventCorrelator _correlator = new(Remembered); // guarded by _lock
    private readonly SemaphoreSlim _writing = new(1, 1);
    private readonly ITimer _timer;
    private List<CorrelatedEvent> _waiting = []; // guarded by _lock
    private long _firstWaits; // guarded by _lock; a timestamp, as the next
    private long _lastNote; // guarded by _lock
    private long _dropped; // guarded by _lock
    private long _reported; // guarded by _lock; of the dropped ones
    private bool _stopped; // guarded by _lock

    public EventRecorder(IKubeClient client, TimeProvider time, ILogger<EventRecorder> logger)
    {
        (_client, _time, _logger) = (client, time, logger);
        _timer = time.CreateTimer(static recorder => ((EventRecorder)recorder!).WriteWhenQuiet(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>For how long nothing must have happened before events are written.</summary>
    public static TimeSpan Delay { get; } = TimeSpan.FromSeconds(1);

    /// <summary>How long an event waits at most, when something happens all the time.</summary>
    public static TimeSpan LongestDelay { get; } = TimeSpan.FromSeconds(5);

    /// <summary>Events lost because too many came at once.</summary>
    public long Dropped
    {
        get
        {
            lock (_lock)
            {
                return _dropped;
            }
        }
    }

    public void Record(in EventNote note)
    {
        lock (_lock)
        {
            if (_stopped)
            {
                return;
            }
            _lastNote = _time.GetTimestamp();
            if (_correlator.Observe(note, _time.GetUtcNow()) is not { Queued: false } seen)
            {
                return;
            }
            if (_waiting.Count == MostWaiting)
            {
                _dropped++;
                return;
            }
            seen.Queued = true;
            _waiting.Add(seen);
            if (_waiting.Count == 1)
            {
                _firstWaits = _lastNote;
                _timer.Change(Delay, Timeout.InfiniteTimeSpan);
            }
        }
    }

    /// <summary>Writes now; completes when all that was recorded before the call is written or given up.</summary>
    public async Task FlushAsync()
    {
        await _writing.WaitAsync();
        try
        {
            var (batch, lost) = Take();
            if (batch.Count >= Many)
            {
                batch.Sort(static (a, b) => string.CompareOrdinal(a.Key.Namespace, b.Key.Namespace) is var byNamespace and not 0
                    ? byNamespace : string.CompareOrdinal(a.Key.Name, b.Key.Name));
            }
            var failures = new List<Exception>();
            foreach (var part in batch.Chunk(AtOnce))
            {
                failures.AddRange((await Task.WhenAll(part.Select(WriteAsync))).OfType<Exception>());
            }
            if (failures.Count > 0)
            {
                Log.NotWritten(_logger, Failure.LevelOf(failures[0]), failures[0], failures.Count);
            }
            if (lost > 0)
            {
                Log.TooMany(_logger, lost, MostWaiting);
            }
        }
        finally
        {
            _writing.Release();
        }
    }

    /// <summary>Takes nothing more and writes what waits.</summary>
    public async ValueTask DisposeAsync()
    {
        lock (_lock)
        {
            _stopped = true;
        }
        await _timer.DisposeAsync();
        await FlushAsync();
    }

    private void WriteWhenQuiet()
    {
        lock (_lock)
        {
            var quiet = Delay - _time.GetElapsedTime(_lastNote);
            var latest = LongestDelay - _time.GetElapsedTime(_firstWaits);
            var wait = quiet < latest ? quiet : latest;
            if (wait > TimeSpan.Zero && !_stopped)
            {
                _timer.Change(wait, Timeout.InfiniteTimeSpan);
                return;
            }
        }
        _ = FlushAsync();
    }

    private (List<CorrelatedEvent> Batch, long Lost) Take()
    {
        lock (_lock)
        {
            var lost = _dropped - _reported;
            var batch = _waiting;
            (_waiting, _reported) = ([], _dropped);
            return (batch, lost);
        }
    }

    /// <summary>Writes one; null, or why it is lost.</summary>
    private async Task<Exception?> WriteAsync(CorrelatedEvent seen)
    {
        try
        {
            KubeObject whole;
            KubePatch? patch;
            lock (_lock)
            {
                seen.Queued = false; // what happens from here on is the next batch's
                (whole, patch) = (seen.ToObject(), seen.Written ? seen.ToPatch() : null);
            }
            if (patch is null || !await TryPatchAsync(seen.Key, patch))
            {
                await _client.CreateAsync(Kinds.Event, whole, s_options);
            }
            lock (_lock)
            {
                seen.Written = true;
            }
            return null;
        }
        catch (ApiException e) when (e.IsNamespaceTerminating || e.IsNotFound)
        {
            return null; // the namespace goes or is gone, and with it whoever would have read this
        }
#pragma warning disable CA1031 // whatever failed, an event is not worth more than a line in the log
        catch (Exception e)
#pragma warning restore CA1031
        {
            return e;
        }
    }

    /// <summary>False when the object is not there any more.</summary>
    private async Task<bool> TryPatchAsync(ObjectKey key, KubePatch patch)
    {
        try
        {
            await _client.PatchAsync(Kinds.Event, key, patch, s_options);
            return true;
        }
        catch (ApiException e) when (e.IsNotFound)
        {
            return false;
        }
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 1201, Message = "{Count} Kubernetes Events could not be written and are lost, the first")]
        internal static partial void NotWritten(ILogger logger, LogLevel level, Exception e, int count);

        [LoggerMessage(EventId = 1202, Level = LogLevel.Warning, Message = "{Count} Kubernetes Events were dropped: more than {Most} waited to be written")]
        internal static partial void TooMany(ILogger logger, long count, int most);
    }
}
