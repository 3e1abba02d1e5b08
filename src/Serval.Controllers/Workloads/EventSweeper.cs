using Microsoft.Extensions.Logging;
using Serval.Api;
using Serval.Kube;

namespace Serval.Controllers.Workloads;

/// <summary>
/// Deletes Events that have had their time, so that they do not grow without bound. It sleeps until the oldest one is due, or until many new ones
/// have come: at rest, and without events, it costs nothing.
/// </summary>
public sealed partial class EventSweeper : IAsyncDisposable
{
    /// <summary>Most events of a namespace; when more come the oldest go before their time.</summary>
    internal const int MostPerNamespace = 5000;

    /// <summary>So many new ones, when there are too many for one namespace, bring the next sweep forward.</summary>
    internal const int Many = MostPerNamespace / 10;

    /// <summary>Shortest time between two sweeps for age, and how late an event may go.</summary>
    internal static readonly TimeSpan Pause = TimeSpan.FromMinutes(1);

    /// <summary>How soon a sweep follows on <see cref="Many"/> new events.</summary>
    internal static readonly TimeSpan Soon = TimeSpan.FromSeconds(5);

    private const int AtOnce = 64; // deletions under way

    private readonly IKubeClient _client;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly ITimer _timer;
    private readonly SemaphoreSlim _sweeping = new(1, 1);
    private readonly Lock _lock = new();
    private IDisposable? _subscription;
    private DateTimeOffset? _due; // guarded by _lock
    private int _present; // guarded by _lock
    private int _arrived; // guarded by _lock; since the last sweep
    private bool _stopped; // guarded by _lock

    public EventSweeper(IKubeClient client, TimeProvider time, ILogger<EventSweeper> logger)
    {
        (_client, _time, _logger) = (client, time, logger);
        _timer = time.CreateTimer(static sweeper => _ = ((EventSweeper)sweeper!).SweepAsync(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Begins to follow the Events there are.</summary>
    public async Task StartAsync(CancellationToken ct)
    {
        var events = _client.Cache(Kinds.Event);
        await events.WaitForSyncAsync(ct);
        _subscription = events.Subscribe(Changed);
        if (events.List().Count > 0)
        {
            SweepIn(Pause); // they may be of yesterday
        }
    }

    public async ValueTask DisposeAsync()
    {
        _subscription?.Dispose();
        lock (_lock)
        {
            _stopped = true;
        }
        await _timer.DisposeAsync();
        await _sweeping.WaitAsync(); // until a sweep under way has seen that it is to stop
        _sweeping.Release();
    }

    // Runs on the publisher's thread.
    private void Changed(CacheChange change)
    {
        bool many;
        lock (_lock)
        {
            _present += change.Type switch { WatchEventType.Added => 1, WatchEventType.Deleted => -1, _ => 0 };
            if (change.Type != WatchEventType.Added)
            {
                return;
            }
            many = ++_arrived >= Many && _present > MostPerNamespace;
        }
        SweepIn(many ? Soon : EventLife.TimeToLive);
    }

    private void SweepIn(TimeSpan wait)
    {
        lock (_lock)
        {
            var due = _time.GetUtcNow() + wait;
            if (!_stopped && !(_due <= due))
            {
                _due = due;
                _timer.Change(wait, Timeout.InfiniteTimeSpan);
            }
        }
    }

    private async Task SweepAsync()
    {
        await _sweeping.WaitAsync();
        try
        {
            lock (_lock)
            {
                (_due, _arrived) = (null, 0);
            }
            var now = _time.GetUtcNow();
            var over = EventLife.Over(_client.Cache(Kinds.Event).List(), MostPerNamespace, now, out var next);
            foreach (var part in over.Chunk(AtOnce))
            {
                if (Volatile.Read(ref _stopped))
                {
                    return;
                }
                await Task.WhenAll(part.Select(DeleteAsync));
            }
            if (next is { } first)
            {
                SweepIn(first - now > Pause ? first - now : Pause);
            }
        }
#pragma warning disable CA1031 // what is not deleted now is deleted with the next
        catch (Exception e)
#pragma warning restore CA1031
        {
            Log.Failed(_logger, Failure.LevelOf(e), e);
            SweepIn(Pause);
        }
        finally
        {
            _sweeping.Release();
        }
    }

    private async Task DeleteAsync(KubeObject old)
    {
        try
        {
            var just = DeleteOptions.Background with { Uid = old.Metadata.Uid, ResourceVersion = old.Metadata.ResourceVersion };
            await _client.DeleteAsync(Kinds.Event, old.Key, just);
        }
        catch (ApiException e) when (e.IsNotFound || e.IsConflict)
        {
            // It is gone already, or happened again a moment ago.
        }
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 2201, Message = "Old Kubernetes Events could not be deleted; the next sweep tries again")]
        internal static partial void Failed(ILogger logger, LogLevel level, Exception e);
    }
}
