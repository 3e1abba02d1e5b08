namespace Serval.Autoscaling;

/// <summary>
/// Everything the autoscaler remembers of one active revision: its demand window, its strategy and how far it is on the way to zero.
/// Pure: time comes in with each call. A revision at rest (<see cref="IsAtRest"/>) is dropped and costs nothing.
/// Not thread-safe; the caller holds one lock a revision.
/// </summary>
public sealed class RevisionScaler
{
    private readonly KpaStrategy _strategy;
    private readonly DateTimeOffset _created;
    private DemandWindow _demand;
    private ScalingSpec _spec;
    private DateTimeOffset? _active; // since when enough instances are ready
    private DateTimeOffset? _activating; // since when they are being waited for
    private DateTimeOffset? _inactive; // since when zero is wanted
    private bool _timedOut; // the last activation was given up
    private bool _starting; // initial-scale has not been reached yet
    private DateTimeOffset? _started; // since when it has been

    /// <summary>
    /// How long initial-scale is kept once it is reached. Upstream decides every 2 s and its instances take long to end, so whoever asked for that
    /// many sees them (knative/serving test/e2e: TestInitScalePositive); here both are quicker than a client that polls.
    /// </summary>
    internal static TimeSpan InitialScaleHold { get; } = TimeSpan.FromSeconds(2);

    public RevisionScaler(ScalingSpec spec, int ready, DateTimeOffset now)
    {
        _spec = spec;
        _created = now;
        _demand = new DemandWindow(spec.StableWindow, spec.Metric);
        _strategy = new KpaStrategy(ready, now);
    }

    /// <summary>The spec; a new stable window or metric starts measuring afresh.</summary>
    public ScalingSpec Spec
    {
        get => _spec;
        set
        {
            if (value.StableWindow != _spec.StableWindow || value.Metric != _spec.Metric)
            {
                _demand = new DemandWindow(value.StableWindow, value.Metric);
            }
            _spec = value;
        }
    }

    /// <summary>The last decision; null before the first.</summary>
    public ScaleDecision? Last { get; private set; }

    /// <summary>Requests in flight and held at the last reports.</summary>
    public int Level => _demand.Level;

    /// <summary>Requests held at the last reports.</summary>
    public int Held => _demand.Held;

    /// <summary>
    /// Takes a gateway's report. True: requests wait for an instance or the revision was at zero, so decide now and not at the next tick.
    /// </summary>
    public bool Report(string gateway, in DemandSample sample, DateTimeOffset now)
    {
        _demand.Report(gateway, sample, now);
        return sample.Held > 0 || (_demand.Level > 0 && Last is not { Desired: > 0 });
    }

    /// <summary>Decides how many instances the revision should have.</summary>
    public ScaleDecision Decide(in ScaleObservation world, DateTimeOffset now)
    {
        _demand.Forget(now);
        Observe(world, now);
        var initialised = MayLeaveInitialScale(world.Initialised, now);
        var stable = _demand.Average(now, _spec.StableWindow, _spec.Aggregation);
        var panic = _demand.Average(now, _spec.PanicWindow, _spec.Aggregation);
        var (scale, reason) = _strategy.Decide(_spec, new StrategyInput(stable, panic, world.Ready, now));
        if (scale == 0 && _demand.Level > 0)
        {
            scale = 1;
        }
        var idle = IdleFor(now);
        var bounded = _spec.Bound(scale, initialised);
        if (bounded != scale)
        {
            reason = bounded > scale ? ScaleReason.MinScale : ScaleReason.MaxScale;
        }
        var inputs = new ScaleInputs(
            stable, panic, _demand.Level, _demand.Held, _spec.Target, world.Ready, world.Replicas,
            _spec.Floor(initialised), _spec.MaxScale, _strategy.InPanic, _spec.ExcessBurstCapacity(world.Ready, panic), idle);
        ScaleDecision decision;
        if (bounded > 0)
        {
            _inactive = null;
            _timedOut = false;
            decision = new ScaleDecision(bounded, bounded, reason, inputs);
        }
        else
        {
            decision = ToZero(inputs, world, idle, now);
        }
        Last = decision;
        return decision;
    }

    /// <summary>Whether nothing would change without new demand: the revision can be dropped until then.</summary>
    public bool IsAtRest(in ScaleObservation world, DateTimeOffset now) =>
        Last is { Replicas: { } wanted } && wanted == world.Replicas && wanted == Math.Max(_spec.Floor(world.Initialised), RestingScale)
        && (wanted == 0 || world.Ready >= wanted) && !_strategy.Remembers && _demand.IsEmpty(now) && IdleFor(now) >= _spec.StableWindow;

    private int RestingScale => _spec.EnableScaleToZero ? 0 : 1;

    /// <summary>
    /// Upstream's handleScaleToZero where the gateway is always in the path (docs/decisions: scale to zero): first the whole stable window
    /// without demand, then the retention period, and the grace period only as far as the gateway has not been in the path for it already.
    /// </summary>
    private ScaleDecision ToZero(in ScaleInputs inputs, in ScaleObservation world, TimeSpan idle, DateTimeOffset now)
    {
        if (!_spec.EnableScaleToZero)
        {
            return new ScaleDecision(1, 1, ScaleReason.ScaleToZeroDisabled, inputs);
        }
        if (world.Replicas == 0)
        {
            _inactive ??= now;
            return new ScaleDecision(0, 0, _timedOut ? ScaleReason.ActivationTimedOut : ScaleReason.Idle, inputs);
        }
        if (_inactive is null && _activating is { } since)
        {
            _timedOut = now - since > _spec.ActivationTimeout;
            return _timedOut
                ? new ScaleDecision(0, 0, ScaleReason.ActivationTimedOut, inputs)
                : new ScaleDecision(ScaleDecision.Unknown, null, ScaleReason.Activating, inputs);
        }
        if (_inactive is null && idle < _spec.StableWindow)
        {
            return new ScaleDecision(1, 1, ScaleReason.IdleWindow, inputs);
        }
        _inactive ??= now;
        var inactive = now - _inactive.Value;
        var retention = _spec.Reachable ? _spec.PodRetention : TimeSpan.Zero;
        if (inactive < retention)
        {
            return new ScaleDecision(0, null, ScaleReason.PodRetention, inputs);
        }
        return inactive < _spec.ScaleToZeroGracePeriod && now - world.GatewaySince < _spec.ScaleToZeroGracePeriod
            ? new ScaleDecision(0, null, ScaleReason.GracePeriod, inputs)
            : new ScaleDecision(0, 0, ScaleReason.Idle, inputs);
    }

    private bool MayLeaveInitialScale(bool reached, DateTimeOffset now)
    {
        if (!reached)
        {
            _starting = true;
            return false;
        }
        if (_starting)
        {
            _starting = false;
            _started = now;
        }
        return _started is not { } started || now - started >= InitialScaleHold;
    }

    private void Observe(in ScaleObservation world, DateTimeOffset now)
    {
        if (world.Replicas == 0)
        {
            _active = null;
            _activating = _demand.Level > 0 ? _activating ?? now : null;
        }
        else if (world.Ready >= _spec.ActiveThreshold(world.Initialised))
        {
            _active ??= now;
            _activating = null;
        }
        else
        {
            _active = null;
            _activating ??= now;
        }
    }

    private TimeSpan IdleFor(DateTimeOffset now)
    {
        var since = _demand.LastDemand(now);
        since = since < _created ? _created : since;
        return now - (_active is { } active && active > since ? active : since);
    }
}
