namespace Serval.Autoscaling;

/// <summary>What a revision is scaled on (annotation <c>autoscaling.knative.dev/metric</c>).</summary>
public enum ScalingMetric
{
    /// <summary>Requests at instances and held, on average.</summary>
    Concurrency,

    /// <summary>Requests that begin per second.</summary>
    RequestsPerSecond,
}
