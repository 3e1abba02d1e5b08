namespace Serval.Autoscaling;

/// <summary>
/// Knative's pod autoscaler (knative/serving pkg/autoscaler/scaling): average ÷ target, within the rates from the ready instances; a burst
/// in the panic window rules over the stable one and lets nothing go until it has passed into the stable window.
/// </summary>
public sealed class KpaStrategy : IScaleStrategy
{
    private DateTimeOffset? _panic; // last time the panic threshold was crossed
    private int _panicScale; // greatest scale of this panic
    private MaxWindow? _delay;
    private TimeSpan _delayLength;
    private bool _delaying;

    /// <param name="ready">Instances ready now: more than one are kept (as panic) until enough is measured to judge them.</param>
    /// <param name="now">Time of creation.</param>
    public KpaStrategy(int ready, DateTimeOffset now)
    {
        if (ready > 1)
        {
            _panic = now;
            _panicScale = ready;
        }
    }

    /// <summary>Whether panic mode holds.</summary>
    public bool InPanic => _panic is not null;

    public bool Remembers => InPanic || _delaying;

    public (int Scale, ScaleReason Reason) Decide(ScalingSpec spec, in StrategyInput input)
    {
        var ready = Math.Max(1, input.Ready);
        var up = Math.Ceiling(spec.MaxScaleUpRate * ready);
        var down = spec.Reachable ? Math.Floor(ready / spec.MaxScaleDownRate) : 0;
        var stable = Wanted(spec, input.Stable, up, down);
        var panic = Wanted(spec, input.Panic, up, down);
        UpdatePanic(spec, Math.Ceiling(input.Panic / spec.Target) / ready >= spec.PanicThreshold, input.Now);
        var decision = InPanic ? Hold(stable, panic) : stable;
        return Delay(spec, decision, input.Now);
    }

    private static (int Scale, ScaleReason Reason) Wanted(ScalingSpec spec, double observed, double up, double down)
    {
        var raw = Math.Ceiling(observed / spec.Target);
        var reason = raw > up ? ScaleReason.ScaleUpRate : raw < down ? ScaleReason.ScaleDownRate : ScaleReason.StableWindow;
        var scale = (int)Math.Min(Math.Min(Math.Max(raw, down), up), int.MaxValue);
        return raw > 0 && spec.ActivationScale > 1 && spec.ActivationScale > scale
            ? (spec.ActivationScale, ScaleReason.ActivationScale)
            : (scale, reason);
    }

    private void UpdatePanic(ScalingSpec spec, bool over, DateTimeOffset now)
    {
        if (over)
        {
            _panic = now;
        }
        else if (_panic is { } since && since + spec.StableWindow < now)
        {
            _panic = null;
            _panicScale = 0;
        }
    }

    private (int Scale, ScaleReason Reason) Hold((int Scale, ScaleReason Reason) stable, (int Scale, ScaleReason Reason) panic)
    {
        var greater = panic.Scale > stable.Scale ? panic : stable;
        if (greater.Scale >= _panicScale)
        {
            _panicScale = greater.Scale;
            return greater.Reason == ScaleReason.StableWindow ? (greater.Scale, ScaleReason.Panic) : greater;
        }
        return (_panicScale, ScaleReason.Panic);
    }

    private (int Scale, ScaleReason Reason) Delay(ScalingSpec spec, (int Scale, ScaleReason Reason) decision, DateTimeOffset now)
    {
        if (spec.ScaleDownDelay <= TimeSpan.Zero || !spec.Reachable)
        {
            _delay = null;
            _delaying = false;
            return decision;
        }
        if (_delay is null || _delayLength != spec.ScaleDownDelay)
        {
            _delay = new MaxWindow(spec.ScaleDownDelay);
            _delayLength = spec.ScaleDownDelay;
        }
        var held = _delay.Record(now, decision.Scale);
        _delaying = held > decision.Scale;
        return _delaying ? (held, ScaleReason.ScaleDownDelay) : decision;
    }
}
