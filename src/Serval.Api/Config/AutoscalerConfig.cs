using Serval.Api.Serving;

namespace Serval.Api.Config;

/// <summary>config-autoscaler.</summary>
public sealed record AutoscalerConfig
{
    public const string MapName = "config-autoscaler";

    /// <summary>The least target and stable window allowed, and the longest window.</summary>
    public const double TargetMin = 0.01;
    public static readonly TimeSpan WindowMin = TimeSpan.FromSeconds(6);
    public static readonly TimeSpan WindowMax = TimeSpan.FromHours(1);

    public static AutoscalerConfig Default { get; } = new();

    /// <summary>container-concurrency-target-percentage as a fraction: the share of the target the autoscaler aims for.</summary>
    public double ContainerConcurrencyTargetFraction { get; init; } = 0.7;

    /// <summary>container-concurrency-target-default: target of a revision that sets neither a limit nor a target.</summary>
    public double ContainerConcurrencyTargetDefault { get; init; } = 100;

    /// <summary>Share of the target aimed for when scaling by requests per second; upstream has no key for it.</summary>
    public double TargetUtilization { get; init; } = 0.7;
    public double RequestsPerSecondTargetDefault { get; init; } = 200;

    /// <summary>-1 is without bound.</summary>
    public double TargetBurstCapacity { get; init; } = 211;
    public TimeSpan StableWindow { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Percent of the stable window.</summary>
    public double PanicWindowPercentage { get; init; } = 10;

    /// <summary>Percent of what the ready pods can take.</summary>
    public double PanicThresholdPercentage { get; init; } = 200;
    public double MaxScaleUpRate { get; init; } = 1000;
    public double MaxScaleDownRate { get; init; } = 2;
    public bool EnableScaleToZero { get; init; } = true;
    public TimeSpan ScaleToZeroGracePeriod { get; init; } = TimeSpan.FromSeconds(30);
    public TimeSpan ScaleToZeroPodRetentionPeriod { get; init; }
    public TimeSpan ScaleDownDelay { get; init; }
    public string PodAutoscalerClass { get; init; } = AutoscalingAnnotations.Kpa;
    public double ActivatorCapacity { get; init; } = 100;
    public int InitialScale { get; init; } = 1;
    public bool AllowZeroInitialScale { get; init; }
    public int MinScale { get; init; }

    /// <summary>0 is without bound.</summary>
    public int MaxScale { get; init; }

    /// <summary>The highest max-scale a revision may ask for; 0 is without bound.</summary>
    public int MaxScaleLimit { get; init; }

    internal static AutoscalerConfig Read(ConfigReader r)
    {
        var d = Default;
        var fraction = r.Number("container-concurrency-target-percentage", d.ContainerConcurrencyTargetFraction);
        var config = new AutoscalerConfig
        {
            // Values up to 1 are read as a fraction: they were once written so.
            ContainerConcurrencyTargetFraction = fraction > 1 ? fraction / 100 : fraction,
            ContainerConcurrencyTargetDefault = r.Number("container-concurrency-target-default", d.ContainerConcurrencyTargetDefault),
            RequestsPerSecondTargetDefault = r.Number("requests-per-second-target-default", d.RequestsPerSecondTargetDefault),
            TargetBurstCapacity = r.Number("target-burst-capacity", d.TargetBurstCapacity),
            StableWindow = r.Duration("stable-window", d.StableWindow),
            PanicWindowPercentage = r.Number("panic-window-percentage", d.PanicWindowPercentage),
            PanicThresholdPercentage = r.Number("panic-threshold-percentage", d.PanicThresholdPercentage),
            MaxScaleUpRate = r.Number("max-scale-up-rate", d.MaxScaleUpRate),
            MaxScaleDownRate = r.Number("max-scale-down-rate", d.MaxScaleDownRate),
            EnableScaleToZero = r.Bool("enable-scale-to-zero", d.EnableScaleToZero),
            ScaleToZeroGracePeriod = r.Duration("scale-to-zero-grace-period", d.ScaleToZeroGracePeriod),
            ScaleToZeroPodRetentionPeriod = r.Duration("scale-to-zero-pod-retention-period", d.ScaleToZeroPodRetentionPeriod),
            ScaleDownDelay = r.Duration("scale-down-delay", d.ScaleDownDelay),
            PodAutoscalerClass = r.Text("pod-autoscaler-class", d.PodAutoscalerClass),
            ActivatorCapacity = r.Number("activator-capacity", d.ActivatorCapacity),
            InitialScale = r.Int32("initial-scale", d.InitialScale),
            AllowZeroInitialScale = r.Bool("allow-zero-initial-scale", d.AllowZeroInitialScale),
            MinScale = r.Int32("min-scale", d.MinScale),
            MaxScale = r.Int32("max-scale", d.MaxScale),
            MaxScaleLimit = r.Int32("max-scale-limit", d.MaxScaleLimit),
        };
        config.CheckTargets(r);
        config.CheckWindows(r);
        config.CheckScales(r);
        return config;
    }

    private void CheckTargets(ConfigReader r)
    {
        r.Require(TargetBurstCapacity is >= 0 or -1, "target-burst-capacity", "must be 0 or more, or -1 for unlimited");
        r.Require(ContainerConcurrencyTargetFraction is > 0 and <= 1, "container-concurrency-target-percentage", "must be above 0 and at most 100");
        r.Require(ContainerConcurrencyTargetFraction * ContainerConcurrencyTargetDefault >= TargetMin, "container-concurrency-target-default",
            $"times container-concurrency-target-percentage must be at least {TargetMin}");
        r.Require(RequestsPerSecondTargetDefault >= TargetMin, "requests-per-second-target-default", $"must be at least {TargetMin}");
        r.Require(ActivatorCapacity >= 1, "activator-capacity", "must be at least 1");
        r.Require(MaxScaleUpRate > 1, "max-scale-up-rate", "must be greater than 1.0");
        r.Require(MaxScaleDownRate > 1, "max-scale-down-rate", "must be greater than 1.0");
        r.Require(PanicWindowPercentage is >= 1 and <= 100, "panic-window-percentage", "must be between 1 and 100");
    }

    private void CheckWindows(ConfigReader r)
    {
        r.Require(ScaleToZeroGracePeriod > TimeSpan.Zero, "scale-to-zero-grace-period", "must be positive");
        r.Require(ScaleDownDelay >= TimeSpan.Zero, "scale-down-delay", "must not be negative");
        r.Require(ScaleDownDelay.Ticks % TimeSpan.TicksPerSecond == 0, "scale-down-delay", "must be whole seconds");
        r.Require(ScaleToZeroPodRetentionPeriod >= TimeSpan.Zero, "scale-to-zero-pod-retention-period", "must not be negative");
        r.Require(StableWindow >= WindowMin && StableWindow <= WindowMax, "stable-window",
            $"must be between {GoDuration.Format(WindowMin)} and {GoDuration.Format(WindowMax)}");
        r.Require(StableWindow.Ticks % TimeSpan.TicksPerSecond == 0, "stable-window", "must be whole seconds");
    }

    private void CheckScales(ConfigReader r)
    {
        r.Require(InitialScale > 0 || (InitialScale == 0 && AllowZeroInitialScale), "initial-scale",
            "must be at least 1 (0 is allowed when allow-zero-initial-scale is true)");
        r.Require(MinScale >= 0, "min-scale", "must be at least 0");
        r.Require(MaxScaleLimit >= 0, "max-scale-limit", "must be at least 0");
        var least = MaxScaleLimit > 0 ? 1 : 0;
        r.Require(MaxScale >= least && (MaxScaleLimit <= 0 || MaxScale <= MaxScaleLimit), "max-scale",
            MaxScaleLimit > 0 ? $"must be between 1 and max-scale-limit ({MaxScaleLimit})" : "must be at least 0");
        r.Require(MaxScale <= 0 || MinScale <= MaxScale, "min-scale", $"must be at most max-scale ({MaxScale})");
    }
}
