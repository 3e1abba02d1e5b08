namespace Serval.Autoscaling;

/// <summary>
/// What one revision's scaling obeys: Knative's config-autoscaler with the revision's annotations on top. The defaults are Knative's.
/// </summary>
public sealed record ScalingSpec
{
    public static readonly ScalingSpec Default = new();

    /// <summary>Knative never has fewer activators in a path.</summary>
    public const int FewestActivators = 2;

    /// <summary>What is measured and compared with <see cref="Target"/>.</summary>
    public ScalingMetric Metric { get; init; }

    /// <summary>How what is measured is averaged, over both windows.</summary>
    public MetricAggregation Aggregation { get; init; }

    /// <summary>Load an instance should carry, in units of <see cref="Metric"/>: what it can carry × utilisation.</summary>
    public double Target { get; init; } = 70;

    /// <summary>Load an instance can carry, in units of <see cref="Metric"/>.</summary>
    public double Total { get; init; } = 100;

    /// <summary>Load beyond the present one that ready instances should be able to take; -1 is any.</summary>
    public double TargetBurstCapacity { get; init; } = 211;

    /// <summary>Fewest instances while reachable.</summary>
    public int MinScale { get; init; }

    /// <summary>Most instances; 0 is no limit.</summary>
    public int MaxScale { get; init; }

    /// <summary>Instances a new revision must reach before it counts as initialised.</summary>
    public int InitialScale { get; init; } = 1;

    /// <summary>Fewest instances while there is demand; below 2 it says nothing.</summary>
    public int ActivationScale { get; init; }

    /// <summary>How far back the load is averaged, and how long a revision is idle before it may go to zero.</summary>
    public TimeSpan StableWindow { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>The shorter window that detects bursts.</summary>
    public TimeSpan PanicWindow { get; init; } = TimeSpan.FromSeconds(6);

    /// <summary>Panic starts when the panic window wants this many times the ready instances.</summary>
    public double PanicThreshold { get; init; } = 2;

    /// <summary>A lower scale counts only after it was wanted for this long.</summary>
    public TimeSpan ScaleDownDelay { get; init; }

    /// <summary>Most that ready instances may be multiplied by in one decision.</summary>
    public double MaxScaleUpRate { get; init; } = 1000;

    /// <summary>Most that ready instances may be divided by in one decision.</summary>
    public double MaxScaleDownRate { get; init; } = 2;

    /// <summary>False: no route leads to the revision, so min-scale, initial-scale, retention and delays do not count.</summary>
    public bool Reachable { get; init; } = true;

    public bool EnableScaleToZero { get; init; } = true;

    /// <summary>How long the gateway must have been in the path before the last instance goes.</summary>
    public TimeSpan ScaleToZeroGracePeriod { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long the last instance stays after the revision became inactive.</summary>
    public TimeSpan PodRetention { get; init; }

    /// <summary>How long instances may take to become ready before the revision is given up and scaled to zero.</summary>
    public TimeSpan ActivationTimeout { get; init; } = TimeSpan.FromSeconds(630);

    /// <summary>Fewest instances that hold now.</summary>
    public int Floor(bool initialised)
    {
        if (!Reachable)
        {
            return 0;
        }
        return initialised || InitialScale <= 1 ? MinScale : Math.Max(MinScale, InitialScale);
    }

    /// <summary>Ready instances from which on the revision counts as active (upstream: activeThreshold).</summary>
    public int ActiveThreshold(bool initialised)
    {
        var min = Reachable ? MinScale : 0;
        return Math.Max(min, initialised ? 1 : InitialScale);
    }

    /// <summary>
    /// How much more than the wanted burst the ready instances can take; negative when they cannot (knative/serving pkg/autoscaler/scaling: Scale).
    /// </summary>
    /// <param name="ready">Instances ready.</param>
    /// <param name="panic">Average load over the panic window.</param>
    public int ExcessBurstCapacity(int ready, double panic) => TargetBurstCapacity switch
    {
        0 => 0,
        < 0 => -1,
        _ => (int)Math.Clamp(Math.Floor(ready * Total - TargetBurstCapacity - panic), int.MinValue, int.MaxValue),
    };

    /// <summary>How many activators the revision is to have in its path (knative/serving pkg/reconciler/autoscaling/kpa: computeNumActivators).</summary>
    /// <param name="ready">Instances ready.</param>
    /// <param name="capacity">Load one activator takes.</param>
    public int Activators(int ready, double capacity) => TargetBurstCapacity == 0
        ? FewestActivators
        : (int)Math.Clamp(Math.Ceiling(((ready * Total) + Math.Max(TargetBurstCapacity, 0)) / capacity), FewestActivators, int.MaxValue);

    /// <summary>A scale within min and max. The floor wins: an initial-scale above max-scale is reached, else the revision would never be initialised (upstream: applyBounds).</summary>
    public int Bound(int scale, bool initialised)
    {
        var floor = Floor(initialised);
        return Math.Clamp(scale, floor, MaxScale > 0 ? Math.Max(MaxScale, floor) : int.MaxValue);
    }
}
