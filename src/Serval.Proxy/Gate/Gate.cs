using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using Serval.Routing;

namespace Serval.Proxy;

/// <summary>What gates share.</summary>
internal sealed record GateServices(TimeProvider Time, Picker Picker, DemandReporter Demand, int MaxHeld, Func<BackendEndpoint, UpstreamPool> NewPool)
{
    public SlotShare Share { get; } = new();
}

/// <summary>
/// One backend's gate: picks instances, never gives one more requests than its container concurrency, holds requests while there is no slot,
/// and measures. Facts it keeps: a slot is free only while nobody waits; waiters are served first come, first served; each slot taken is
/// released once.
/// </summary>
internal sealed partial class Gate
{
    private readonly GateServices _services;
    private readonly Lock _lock = new();
    private readonly LinkedList<Waiter> _queue = new(); // guarded by _lock, as all below
    private readonly DemandMeter _meter;
    private readonly Dictionary<string, Instance> _instances = new(StringComparer.Ordinal);
    private EndpointMerge _merge = new();
    private Instance[] _ready = [];
    private int _inFlight;
    private volatile bool _exists;
    private bool _removed; // a table may still name it
    private bool _retired;
    private ITimer? _retry;
    private long _retryAt = long.MaxValue;
    private volatile RevisionPolicy _policy;
    private int _names;

    public Gate(BackendKey key, RevisionPolicy policy, GateServices services)
    {
        Key = key;
        _policy = policy;
        _services = services;
        _meter = new DemandMeter(key, services.Time);
    }

    public BackendKey Key { get; }

    public RevisionPolicy Policy => _policy;

    /// <summary>Whether a feed says that the backend is there.</summary>
    public bool Exists => _exists;

    /// <summary>How many rules and policies in force name the backend. Set by who publishes them.</summary>
    public int Names
    {
        get => Volatile.Read(ref _names);
        set => Volatile.Write(ref _names, value);
    }

    public bool IsActive
    {
        get
        {
            lock (_lock)
            {
                return _meter.IsActive;
            }
        }
    }

    public int Held
    {
        get
        {
            lock (_lock)
            {
                return _queue.Count;
            }
        }
    }

    /// <summary>Counts a request and takes a slot for it if there is one.</summary>
    public bool TryEnter([NotNullWhen(true)] out Instance? instance)
    {
        var push = false;
        BackendDemand demand = default;
        lock (_lock)
        {
            var now = _services.Time.GetTimestamp();
            instance = _queue.Count == 0 ? Pick(now) : null;
            if (instance is null)
            {
                return false; // counted by Hold
            }
            TakeSlot(instance, now);
            if (_meter.Began())
            {
                push = true;
                demand = _meter.Take(_inFlight, _queue.Count, now);
            }
        }
        if (push)
        {
            _services.Demand.ReportNow(this, demand);
        }
        return true;
    }

    /// <summary>Waits for a slot.</summary>
    /// <param name="again">The request had a slot before and lost its instance: it is not counted again and goes to the head of the queue.</param>
    /// <param name="refusal">Why it may not wait, when the result is null.</param>
    public Waiter? Hold(bool again, out RequestOutcome refusal)
    {
        var waiter = new Waiter();
        var push = false;
        BackendDemand demand = default;
        lock (_lock)
        {
            if (MayNotHold(out refusal))
            {
                return null;
            }
            var now = _services.Time.GetTimestamp();
            _meter.Account(_inFlight + _queue.Count, now);
            var began = !again && _meter.Began();
            if (again)
            {
                _queue.AddFirst(waiter.Node);
            }
            else
            {
                _queue.AddLast(waiter.Node);
            }
            Drain(now);
            if (began || (_queue.Count == 1 && waiter.Node.List is not null && _meter.FirstHeld(_ready.Length == 0, now)))
            {
                push = true;
                demand = _meter.Take(_inFlight, _queue.Count, now);
            }
        }
        if (push)
        {
            _services.Demand.ReportNow(this, demand);
        }
        return waiter;
    }

    /// <summary>Takes a waiter out of the queue. False when it was settled before: then its slot, if it got one, must be released.</summary>
    public bool Cancel(Waiter waiter, RequestOutcome why)
    {
        lock (_lock)
        {
            if (waiter.Node.List is null)
            {
                return false;
            }
            _meter.Account(_inFlight + _queue.Count, _services.Time.GetTimestamp());
            _queue.Remove(waiter.Node);
            waiter.Settle(new Admission(null, why));
            return true;
        }
    }

    /// <summary>The request became a connection that only its two ends can end; it keeps its slot.</summary>
    public void MarkUpgraded(Instance instance)
    {
        lock (_lock)
        {
            instance.Upgraded++;
            if (instance.IsIdle(upgradedToo: false))
            {
                OnIdle(instance);
            }
        }
    }

    /// <summary>Gives a slot back; the first waiter gets it.</summary>
    public void Release(Instance instance, bool upgraded = false)
    {
        lock (_lock)
        {
            var now = _services.Time.GetTimestamp();
            _meter.Account(_inFlight + _queue.Count, now);
            instance.InFlight--;
            instance.Upgraded -= upgraded ? 1 : 0;
            instance.OnTrial = false;
            _inFlight--;
            Debug.Assert(instance.InFlight >= instance.Upgraded && _inFlight >= 0, "A slot is released once.");
            if (_queue.Count > 0)
            {
                Drain(now);
            }
            if (instance.IsIdle(upgradedToo: false))
            {
                OnIdle(instance);
            }
        }
    }

    /// <summary>The instance accepted a connection.</summary>
    public void MarkGood(Instance instance)
    {
        if (instance.Failures == 0)
        {
            return;
        }
        lock (_lock)
        {
            instance.MarkGood();
            Drain(_services.Time.GetTimestamp());
        }
    }

    /// <summary>The instance refused a connection: it is left alone for a moment, then tried with one request.</summary>
    public void MarkFailed(Instance instance)
    {
        lock (_lock)
        {
            var now = _services.Time.GetTimestamp();
            instance.MarkFailed(now, _services.Time);
            Drain(now);
        }
    }

    /// <summary>What happened since the last report; false when nothing did and that was reported.</summary>
    public bool TakeDemand(out BackendDemand demand)
    {
        lock (_lock)
        {
            var now = _services.Time.GetTimestamp();
            if (_merge.HasUnconfirmed)
            {
                Apply(_merge.Expire(Elapsed(now)), now);
            }
            var report = _meter.IsActive;
            demand = _meter.Take(_inFlight, _queue.Count, now);
            return report;
        }
    }

    /// <summary>How many may wait: upstream's ten for each slot where they wait at the instances (pkg/queue/sharedmain), else the operator's limit.</summary>
    private int QueueDepth =>
        _policy.QueuesAtInstances && Limit is > 0 and var limit && _ready.Length > 0
            ? (int)Math.Min(10L * limit * _ready.Length, _services.MaxHeld) : _services.MaxHeld;

    /// <summary>How many requests an instance may have from here; 0 is any number.</summary>
    private int Limit => _services.Share.Of(_policy.ContainerConcurrency);

    private bool MayNotHold(out RequestOutcome refusal)
    {
        refusal = _retired || _removed ? RequestOutcome.BackendRemoved
            : _queue.Count >= QueueDepth ? RequestOutcome.QueueFull
            : Key.Kind == BackendKind.Service && _ready.Length == 0 ? RequestOutcome.NoEndpoint : default;
        return refusal != default;
    }

    private void Retry()
    {
        lock (_lock)
        {
            _retryAt = long.MaxValue;
            Drain(_services.Time.GetTimestamp());
        }
    }

    /// <summary>
    /// Looks again when the first of the instances that refused may be tried. Those on trial need no timer: how it ends is an event. So while
    /// anybody waits, either a slot comes free by an event or the timer is on.
    /// </summary>
    private void ArmRetry(long now)
    {
        var first = long.MaxValue;
        foreach (var instance in _ready)
        {
            if (instance is { Failures: > 0, OnTrial: false } && instance.SuspectUntil > now)
            {
                first = Math.Min(first, instance.SuspectUntil);
            }
        }
        if (first >= _retryAt)
        {
            return; // none, or the timer is on: when it fires early it is armed again
        }
        _retryAt = first;
        _retry ??= _services.Time.CreateTimer(static self => ((Gate)self!).Retry(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        // Timers count whole milliseconds, and must not fire before the time.
        _retry.Change(TimeSpan.FromMilliseconds(Math.Ceiling(_services.Time.GetElapsedTime(now, first).TotalMilliseconds)), Timeout.InfiniteTimeSpan);
    }

    private void TakeSlot(Instance instance, long now)
    {
        _meter.Account(_inFlight + _queue.Count, now);
        instance.InFlight++;
        instance.OnTrial |= instance.Failures > 0;
        _inFlight++;
        Debug.Assert(_policy.ContainerConcurrency == 0 || instance.State == EndpointState.Ready, "Only ready instances take requests.");
    }

    private void Drain(long now)
    {
        while (_queue.First is { } first && Pick(now) is { } instance)
        {
            TakeSlot(instance, now);
            _queue.RemoveFirst();
            first.Value.Settle(new Admission(instance, default));
        }
        if (_queue.Count > 0)
        {
            ArmRetry(now);
        }
    }

    private Instance? Pick(long now)
    {
        var ready = _ready;
        var limit = Limit;
        switch (ready.Length)
        {
            case 0:
                return null;
            case 1:
                return HasSlot(ready[0], limit, now) ? ready[0] : null;
            default:
                return limit is > 0 and <= 3 ? FirstWithSlot(ready, limit, now) : OfTwo(ready, limit, now) ?? LeastLoaded(ready, limit, now);
        }
    }

    private Instance? OfTwo(Instance[] ready, int limit, long now)
    {
        var first = _services.Picker.Next(ready.Length);
        var second = _services.Picker.Next(ready.Length - 1);
        var (a, b) = (ready[first], ready[second >= first ? second + 1 : second]);
        return HasSlot(a, limit, now)
            ? HasSlot(b, limit, now) && b.InFlight < a.InFlight ? b : a
            : HasSlot(b, limit, now) ? b : null;
    }

    private static Instance? FirstWithSlot(Instance[] ready, int limit, long now)
    {
        foreach (var instance in ready)
        {
            if (HasSlot(instance, limit, now))
            {
                return instance;
            }
        }
        return null;
    }

    private static Instance? LeastLoaded(Instance[] ready, int limit, long now)
    {
        Instance? best = null;
        foreach (var instance in ready)
        {
            if (HasSlot(instance, limit, now) && (best is null || instance.InFlight < best.InFlight))
            {
                best = instance;
            }
        }
        return best;
    }

    private static bool HasSlot(Instance instance, int limit, long now) =>
        (limit == 0 || instance.InFlight < limit) && (instance.Failures == 0 || (!instance.OnTrial && now >= instance.SuspectUntil));
}
