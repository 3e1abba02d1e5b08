namespace Serval.Autoscaling;

/// <summary>How a load over time becomes one number (annotation <c>autoscaling.knative.dev/metric-aggregation-algorithm</c>).</summary>
public enum MetricAggregation
{
    /// <summary>Every second of the window weighs the same.</summary>
    Linear,

    /// <summary>Recent seconds weigh more.</summary>
    WeightedExponential,
}
