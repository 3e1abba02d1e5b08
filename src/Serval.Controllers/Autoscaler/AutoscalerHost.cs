using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;
using Serval.Api;
using Serval.Autoscaling;
using Serval.Kube;

namespace Serval.Controllers.Autoscaler;

/// <summary>
/// Runs the autoscaler: takes the gateways' demand, decides, and writes the scale. Only active revisions are here: those with demand, and
/// those on the way to their resting scale. One timer ticks for all of them and stops when there is none; a revision at zero costs nothing.
/// </summary>
public sealed partial class AutoscalerHost : IDemandSignal, IAsyncDisposable
{
    /// <summary>Field manager of its writes.</summary>
    internal const string Manager = "autoscaler";

    private readonly ConcurrentDictionary<ObjectKey, ActiveRevision> _active = new();
    private readonly ConcurrentDictionary<Task, byte> _writes = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _timerLock = new();
    private readonly IKubeClient _client;
    private readonly ServingConfigSource _config;
    private readonly SteadyClock _clock;
    private readonly ILogger<AutoscalerHost> _logger;
    private readonly ITimer _timer;
    private bool _ticking; // guarded by _timerLock

    public AutoscalerHost(IKubeClient client, ServingConfigSource config, TimeProvider time, ILogger<AutoscalerHost> logger)
    {
        _client = client;
        _config = config;
        _clock = new SteadyClock(time);
        _logger = logger;
        _timer = time.CreateTimer(static host => ((AutoscalerHost)host!).Tick(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Time between decisions (Knative's tick).</summary>
    public static TimeSpan TickInterval { get; } = TimeSpan.FromSeconds(2);

    /// <summary>How many revisions are active.</summary>
    public int ActiveCount => _active.Count;

    /// <summary>Called when what a revision should have changed, so that its status follows.</summary>
    internal Action<ObjectKey>? Changed { get; set; }

    public void Report(string gateway, ReadOnlySpan<RevisionDemand> demand)
    {
        var now = _clock.Now;
        foreach (ref readonly var entry in demand)
        {
            var sample = new DemandSample(entry.InFlight, entry.Held, entry.AverageConcurrency, entry.Requests);
            if (!_active.TryGetValue(entry.Revision, out var revision))
            {
                if (sample.IsZero || Track(entry.Revision, now) is not { } tracked)
                {
                    continue;
                }
                revision = tracked;
            }
            bool decide;
            lock (revision.Lock)
            {
                decide = revision.Scaler.Report(gateway, sample, now);
            }
            if (decide)
            {
                Decide(revision, now);
            }
        }
    }

    /// <summary>
    /// The PodAutoscaler was created or changed: takes over its rules and decides when something may have to be done. Returns the last
    /// decision; null when the revision rests.
    /// </summary>
    internal ScaleDecision? Follow(ObjectKey key)
    {
        var now = _clock.Now;
        if (!_active.TryGetValue(key, out var revision))
        {
            if (Rests(key) || Track(key, now) is not { } tracked)
            {
                return null;
            }
            revision = tracked;
        }
        Decide(revision, now);
        lock (revision.Lock)
        {
            return revision.Scaler.Last;
        }
    }

    /// <summary>The PodAutoscaler is gone.</summary>
    internal void Forget(ObjectKey key) => _active.TryRemove(key, out _);

    /// <summary>Waits until no scale is being written; for tests and for the end.</summary>
    internal Task SettledAsync() => Task.WhenAll(_writes.Keys);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _timer.DisposeAsync();
        await SettledAsync();
        _stop.Dispose();
    }

    /// <summary>Whether a revision nobody tracks is as it should be: then it needs no memory.</summary>
    private bool Rests(ObjectKey key)
    {
        if (Look(key) is not { } seen)
        {
            return true;
        }
        var spec = seen.Spec;
        var world = seen.World(_client, default);
        var floor = Math.Max(spec.Floor(world.Initialised), spec.EnableScaleToZero ? 0 : 1);
        var settled = world.Initialised || spec.InitialScale == 0 || !spec.Reachable;
        return settled && world.Replicas == floor && (floor == 0 || world.Ready >= floor);
    }

    private ActiveRevision? Track(ObjectKey key, DateTimeOffset now)
    {
        if (Look(key) is not { } seen)
        {
            Log.Unknown(_logger, key);
            return null;
        }
        var created = new ActiveRevision(key, new RevisionScaler(seen.Spec, seen.World(_client, default).Ready, now), seen);
        var revision = _active.GetOrAdd(key, created);
        if (revision == created)
        {
            StartTicking();
        }
        return revision;
    }

    private RevisionView? Look(ObjectKey key) => RevisionView.Read(_client, key, _config.Current);

    private void StartTicking()
    {
        lock (_timerLock)
        {
            if (!_ticking)
            {
                _ticking = true;
                _timer.Change(TickInterval, TickInterval);
            }
        }
    }

    private void Tick()
    {
        var now = _clock.Now;
        foreach (var (_, revision) in _active)
        {
            Decide(revision, now);
        }
        lock (_timerLock)
        {
            if (_active.IsEmpty)
            {
                _ticking = false;
                _timer.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            }
        }
    }

    private void Decide(ActiveRevision revision, DateTimeOffset now)
    {
        ScaleDecision decision;
        ScaleDecision? before;
        lock (revision.Lock)
        {
            if (revision.View.Refreshed(_client, _config.Current) is not { } view)
            {
                _active.TryRemove(revision.Key, out _);
                return;
            }
            revision.View = view;
            revision.Scaler.Spec = view.Spec;
            before = revision.Scaler.Last;
            revision.GatewaySince ??= view.GatewaySince(_client) is { } since ? _clock.Since(since) : null;
            var world = view.World(_client, revision.GatewaySince ?? now);
            decision = revision.Scaler.Decide(world, now);
            if (view.Deployment is null)
            {
                return; // not made yet; its appearance runs the PodAutoscaler again
            }
            if (decision.Changes && !revision.Writing)
            {
                revision.Writing = true;
                Write(revision, decision);
            }
            else if (!revision.Writing && revision.Scaler.IsAtRest(world, now))
            {
                _active.TryRemove(revision.Key, out _);
            }
        }
        var news = before?.Desired != decision.Desired;
        if (news || before?.Inputs.ExcessBurst >= 0 != decision.Inputs.ExcessBurst >= 0)
        {
            Changed?.Invoke(revision.Key);
        }
        if (news || decision.Changes)
        {
            Log.Decided(_logger, revision.Key, decision);
        }
    }

    /// <summary>The write leaves the caller's thread: it may be a gateway's I/O loop.</summary>
    private void Write(ActiveRevision revision, ScaleDecision decision)
    {
        var write = Task.Run(() => WriteAsync(revision, decision));
        _writes[write] = 0;
        _ = write.ContinueWith(static (done, writes) => ((ConcurrentDictionary<Task, byte>)writes!).TryRemove(done, out _), _writes, TaskScheduler.Default);
    }

    private async Task WriteAsync(ActiveRevision revision, ScaleDecision decision)
    {
        try
        {
            var body = CanonicalJson.Serialize(new JsonObject { ["spec"] = new JsonObject { ["replicas"] = decision.Replicas } });
            await _client.PatchAsync(
                Kinds.Deployment, revision.View.Deployment!.Key, new KubePatch(PatchType.Merge, body), WriteOptions.By(Manager, "scale"), _stop.Token);
            revision.WriteFails = false;
            Log.Scaled(_logger, revision.Key, decision.Inputs.Replicas, decision.Replicas!.Value, decision.Reason);
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // Stopping: the next start decides anew.
        }
#pragma warning disable CA1031 // whatever failed, the next tick decides and writes again
        catch (Exception e)
#pragma warning restore CA1031
        {
            // Told once: while a disk is full it would be told at every tick of every revision.
            Log.WriteFailed(_logger, revision.WriteFails ? LogLevel.Debug : LogLevel.Warning, e, revision.Key, decision.Replicas!.Value);
            revision.WriteFails = true;
        }
        finally
        {
            lock (revision.Lock)
            {
                revision.Writing = false;
            }
        }
    }

    private sealed class ActiveRevision(ObjectKey key, RevisionScaler scaler, RevisionView view)
    {
        public ObjectKey Key { get; } = key;

        public Lock Lock { get; } = new();

        public RevisionScaler Scaler { get; } = scaler; // guarded by Lock

        public RevisionView View = view; // guarded by Lock
        public DateTimeOffset? GatewaySince; // guarded by Lock; taken from the wall clock once, so that a step of it changes nothing later
        public bool Writing; // guarded by Lock
        public bool WriteFails; // of the one write that may run
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 3001, Level = LogLevel.Debug, Message = "{Revision}: scaled {From} → {To} ({Reason})")]
        internal static partial void Scaled(ILogger logger, ObjectKey revision, int from, int to, ScaleReason reason);

        [LoggerMessage(EventId = 3002, Message = "{Revision}: the scale {To} could not be written; every tick tries again")]
        internal static partial void WriteFailed(ILogger logger, LogLevel level, Exception e, ObjectKey revision, int to);

        /// <summary>With all it was decided from: <c>RevisionScaler.Decide</c> may be asked again.</summary>
        [LoggerMessage(EventId = 3004, Level = LogLevel.Debug, Message = "{Revision}: {Decision}")]
        internal static partial void Decided(ILogger logger, ObjectKey revision, ScaleDecision decision);

        [LoggerMessage(EventId = 3003, Level = LogLevel.Debug, Message = "{Revision}: demand for a revision that has no PodAutoscaler, or one of class hpa; nothing to scale by it")]
        internal static partial void Unknown(ILogger logger, ObjectKey revision);
    }
}
