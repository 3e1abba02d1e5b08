using System.Globalization;
using Serval.Api.Config;

namespace Serval.Api.Serving;

/// <summary>
/// The autoscaling.knative.dev annotations of a revision or PodAutoscaler, typed: the annotation's value where it is there and readable,
/// else the cluster's from config-autoscaler. Old camelCase spellings are read after the new ones.
/// </summary>
/// <param name="annotations">Annotations of the PodAutoscaler (a copy of the revision's).</param>
/// <param name="config">The cluster's settings.</param>
public sealed class AutoscalingAnnotations(IReadOnlyDictionary<string, string> annotations, AutoscalerConfig config)
{
    public const string Kpa = "kpa.autoscaling.knative.dev";
    public const string Hpa = "hpa.autoscaling.knative.dev";

    public const string Concurrency = "concurrency";
    public const string Rps = "rps";
    public const string Cpu = "cpu";
    public const string Memory = "memory";

    public const string Linear = "linear";
    public const string WeightedExponential = "weighted-exponential";

    private const string Group = KnativeNames.AutoscalingGroup;

    public const string ClassKey = Group + "/class";
    public const string MetricKey = Group + "/metric";
    public const string MinScaleKey = Group + "/min-scale";
    public const string MaxScaleKey = Group + "/max-scale";
    public const string InitialScaleKey = Group + "/initial-scale";
    public const string ActivationScaleKey = Group + "/activation-scale";
    public const string ScaleDownDelayKey = Group + "/scale-down-delay";
    public const string TargetKey = Group + "/target";
    public const string TargetUtilizationKey = Group + "/target-utilization-percentage";
    public const string TargetBurstCapacityKey = Group + "/target-burst-capacity";
    public const string WindowKey = Group + "/window";
    public const string PanicWindowKey = Group + "/panic-window-percentage";
    public const string PanicThresholdKey = Group + "/panic-threshold-percentage";
    public const string RetentionKey = Group + "/scale-to-zero-pod-retention-period";
    public const string AlgorithmKey = Group + "/metric-aggregation-algorithm";

    private static readonly TimeSpan s_bucket = TimeSpan.FromSeconds(1);

    /// <summary>The keys an annotation may have, newest first (fixed by upstream).</summary>
    internal static readonly IReadOnlyDictionary<string, string[]> Spellings = new Dictionary<string, string[]>(StringComparer.Ordinal)
    {
        [ClassKey] = [ClassKey],
        [MetricKey] = [MetricKey],
        [MinScaleKey] = [MinScaleKey, Group + "/minScale"],
        [MaxScaleKey] = [MaxScaleKey, Group + "/maxScale"],
        [InitialScaleKey] = [InitialScaleKey, Group + "/initialScale"],
        [ActivationScaleKey] = [ActivationScaleKey],
        [ScaleDownDelayKey] = [ScaleDownDelayKey, Group + "/scaleDownDelay"],
        [TargetKey] = [TargetKey],
        [TargetUtilizationKey] = [TargetUtilizationKey, Group + "/targetUtilizationPercentage"],
        [TargetBurstCapacityKey] = [TargetBurstCapacityKey, Group + "/targetBurstCapacity"],
        [WindowKey] = [WindowKey],
        [PanicWindowKey] = [PanicWindowKey, Group + "/panicWindowPercentage"],
        [PanicThresholdKey] = [PanicThresholdKey, Group + "/panicThresholdPercentage"],
        [RetentionKey] = [RetentionKey, Group + "/scaleToZeroPodRetentionPeriod"],
        [AlgorithmKey] = [AlgorithmKey, Group + "/metricAggregationAlgorithm"],
    };

    /// <summary><see cref="Kpa"/>, <see cref="Hpa"/> or a class of another controller.</summary>
    public string Class => Raw(ClassKey) ?? config.PodAutoscalerClass;

    /// <summary>What is measured: <see cref="Concurrency"/>, <see cref="Rps"/>, <see cref="Cpu"/>, <see cref="Memory"/> or a custom name.</summary>
    public string Metric => Raw(MetricKey) ?? DefaultMetric(Class);

    public int MinScale => Int(MinScaleKey) ?? config.MinScale;

    /// <summary>0 is without bound.</summary>
    public int MaxScale => Int(MaxScaleKey) ?? config.MaxScale;

    /// <summary>
    /// Pods a new revision must reach once before it may be ready. A 0 the cluster does not allow is the cluster's default; of class
    /// <see cref="Hpa"/> it is at least 1, for nothing would wake it.
    /// </summary>
    public int InitialScale => Math.Max(
        Class == Hpa ? 1 : 0, Int(InitialScaleKey) is { } scale && (scale != 0 || config.AllowZeroInitialScale) ? scale : config.InitialScale);

    /// <summary>The least scale above zero.</summary>
    public int ActivationScale => Int(ActivationScaleKey) ?? 1;

    public TimeSpan ScaleDownDelay => Span(ScaleDownDelayKey) ?? config.ScaleDownDelay;

    /// <summary>How long the last pod stays after traffic ended.</summary>
    public TimeSpan ScaleToZeroPodRetention => Span(RetentionKey) ?? config.ScaleToZeroPodRetentionPeriod;

    public TimeSpan StableWindow => Span(WindowKey) ?? config.StableWindow;

    /// <summary>The stable window's share, in whole seconds, at least one.</summary>
    public TimeSpan PanicWindow
    {
        get
        {
            var share = StableWindow.TotalSeconds * (Number(PanicWindowKey) ?? config.PanicWindowPercentage) / 100;
            var seconds = TimeSpan.FromSeconds(Math.Round(share, MidpointRounding.AwayFromZero));
            return seconds < s_bucket ? s_bucket : seconds;
        }
    }

    /// <summary>Desired over ready pods at which panic begins (percentage / 100).</summary>
    public double PanicThreshold => (Number(PanicThresholdKey) ?? config.PanicThresholdPercentage) / 100;

    /// <summary>The target as written, in units of <see cref="Metric"/>: cpu in percent of the request, memory in MiB; null when absent.</summary>
    public double? WrittenTarget => Number(TargetKey);

    /// <summary>The window as written; null when absent.</summary>
    public TimeSpan? WrittenWindow => Span(WindowKey);

    /// <summary>-1 is without bound.</summary>
    public double TargetBurstCapacity => Number(TargetBurstCapacityKey) ?? config.TargetBurstCapacity;

    /// <summary><see cref="Linear"/> or <see cref="WeightedExponential"/>.</summary>
    public string Algorithm => Raw(AlgorithmKey) is "weighted-exponential" or "weightedExponential" ? WeightedExponential : Linear;

    /// <summary>How long a first roll-out may take; null is the cluster's (config-deployment).</summary>
    public TimeSpan? ProgressDeadline =>
        annotations.TryGetValue(KnativeNames.ProgressDeadlineAnnotation, out var text) && GoDuration.TryParse(text, out var span) ? span : null;

    /// <summary>The annotation as written, under whichever spelling; null when absent.</summary>
    public string? Raw(string key) => KnativeNames.First(annotations, Spellings[key]);

    /// <summary>
    /// What one pod is aimed at (<c>Target</c>) and what it can take (<c>Total</c>), in units of <see cref="Metric"/>.
    /// </summary>
    /// <param name="containerConcurrency">The revision's hard limit; 0 is none.</param>
    public (double Target, double Total) ResolveTarget(long containerConcurrency)
    {
        var metric = Metric;
        var total = metric == Rps ? config.RequestsPerSecondTargetDefault
            : containerConcurrency == 0 ? config.ContainerConcurrencyTargetDefault
            : containerConcurrency;
        var utilization = metric == Rps ? config.TargetUtilization : config.ContainerConcurrencyTargetFraction;
        if (Number(TargetKey) is { } wanted)
        {
            total = metric == Concurrency && containerConcurrency != 0 ? Math.Min(wanted, containerConcurrency) : wanted;
        }
        utilization = Number(TargetUtilizationKey) / 100 ?? utilization;
        return (Math.Max(AutoscalerConfig.TargetMin, total * utilization), total);
    }

    /// <summary>Least and most pods. A revision no route can reach has no least.</summary>
    public (int Min, int Max) ScaleBounds(bool reachable) => (reachable ? MinScale : 0, MaxScale);

    internal static string DefaultMetric(string autoscalerClass) => autoscalerClass switch { Kpa => Concurrency, Hpa => Cpu, _ => "" };

    private int? Int(string key) =>
        Raw(key) is { } text && int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value) ? value : null;

    private double? Number(string key) => Raw(key) is { } text && ConfigReader.TryNumber(text, out var value) ? value : null;

    private TimeSpan? Span(string key) => Raw(key) is { } text && GoDuration.TryParse(text, out var value) ? value : null;
}
