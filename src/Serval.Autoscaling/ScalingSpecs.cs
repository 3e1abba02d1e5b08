using Serval.Api.Autoscaling;
using Serval.Api.Config;
using Serval.Api.Serving;

namespace Serval.Autoscaling;

/// <summary>Reads a revision's scaling rules from its PodAutoscaler and the cluster's settings.</summary>
public static class ScalingSpecs
{
    /// <summary>Time after the progress deadline before a revision that never became ready is given up (upstream: activationTimeoutBuffer).</summary>
    private static readonly TimeSpan s_activationBuffer = TimeSpan.FromSeconds(30);

    private static readonly string[] s_otherMetric = [AutoscalingAnnotations.MetricKey, AutoscalingAnnotations.TargetKey];

    /// <summary>The rules that hold for a PodAutoscaler.</summary>
    public static ScalingSpec From(PodAutoscaler autoscaler, ServingConfig config)
    {
        var annotations = new AutoscalingAnnotations(autoscaler.Metadata.Annotations, config.Autoscaler);
        var reachable = autoscaler.Spec.Reachability != "Unreachable";
        var (target, total) = Target(autoscaler, annotations, config);
        var (min, max) = annotations.ScaleBounds(reachable);
        return new ScalingSpec
        {
            Metric = annotations.Metric == AutoscalingAnnotations.Rps ? ScalingMetric.RequestsPerSecond : ScalingMetric.Concurrency,
            Aggregation = annotations.Algorithm == AutoscalingAnnotations.Linear ? MetricAggregation.Linear : MetricAggregation.WeightedExponential,
            Target = target,
            Total = total,
            TargetBurstCapacity = annotations.TargetBurstCapacity,
            MinScale = min,
            MaxScale = max,
            InitialScale = annotations.InitialScale,
            ActivationScale = annotations.ActivationScale,
            StableWindow = annotations.StableWindow,
            PanicWindow = annotations.PanicWindow,
            PanicThreshold = annotations.PanicThreshold,
            ScaleDownDelay = annotations.ScaleDownDelay,
            MaxScaleUpRate = config.Autoscaler.MaxScaleUpRate,
            MaxScaleDownRate = config.Autoscaler.MaxScaleDownRate,
            Reachable = reachable,
            EnableScaleToZero = config.Autoscaler.EnableScaleToZero && annotations.Class != AutoscalingAnnotations.Hpa,
            ScaleToZeroGracePeriod = config.Autoscaler.ScaleToZeroGracePeriod,
            PodRetention = annotations.ScaleToZeroPodRetention,
            ActivationTimeout = (annotations.ProgressDeadline ?? config.Deployment.ProgressDeadline) + s_activationBuffer,
        };
    }

    /// <summary>What of the PodAutoscaler this version does not honour; empty when there is nothing.</summary>
    public static string Unsupported(PodAutoscaler autoscaler, ServingConfig config)
    {
        var annotations = new AutoscalingAnnotations(autoscaler.Metadata.Annotations, config.Autoscaler);
        if (annotations.Class == AutoscalingAnnotations.Hpa)
        {
            return annotations.Metric is AutoscalingAnnotations.Cpu or AutoscalingAnnotations.Memory
                ? "" : $"metric \"{annotations.Metric}\" is not supported by class {AutoscalingAnnotations.Hpa}; cpu and memory are";
        }
        if (annotations.Metric is not (AutoscalingAnnotations.Concurrency or AutoscalingAnnotations.Rps or ""))
        {
            return $"metric \"{annotations.Metric}\" is not supported; the revision is scaled on concurrency";
        }
        return annotations.Class == AutoscalingAnnotations.Kpa
            ? ""
            : $"autoscaling class \"{annotations.Class}\" is not supported; the revision is scaled by {AutoscalingAnnotations.Kpa}";
    }

    /// <summary>A target in another metric's unit says nothing about concurrency: then the cluster's default holds.</summary>
    private static (double Target, double Total) Target(PodAutoscaler autoscaler, AutoscalingAnnotations annotations, ServingConfig config)
    {
        if (annotations.Metric is AutoscalingAnnotations.Concurrency or AutoscalingAnnotations.Rps)
        {
            return annotations.ResolveTarget(autoscaler.Spec.ContainerConcurrency);
        }
        var rest = autoscaler.Metadata.Annotations.Where(a => !s_otherMetric.Contains(a.Key)).ToDictionary()
            .Append(KeyValuePair.Create(AutoscalingAnnotations.MetricKey, AutoscalingAnnotations.Concurrency)).ToDictionary();
        return new AutoscalingAnnotations(rest, config.Autoscaler).ResolveTarget(autoscaler.Spec.ContainerConcurrency);
    }
}
