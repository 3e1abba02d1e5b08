using System.Text.Json.Serialization.Metadata;

namespace Serval.Api.Autoscaling;

/// <summary>autoscaling.internal.knative.dev/v1alpha1 PodAutoscaler.</summary>
public sealed record PodAutoscaler : IKubeView<PodAutoscaler>
{
    public static JsonTypeInfo<PodAutoscaler> JsonType => ViewJson.Default.PodAutoscaler;
    public ObjectMeta Metadata { get; init => field = value ?? field; } = new();
    public PodAutoscalerSpec Spec { get; init => field = value ?? field; } = new();
    public PodAutoscalerStatus Status { get; init => field = value ?? field; } = new();
}

public sealed record PodAutoscalerSpec
{
    public ObjectReference ScaleTargetRef { get; init => field = value ?? field; } = new();

    /// <summary>The revision's hard limit a container; 0 is none.</summary>
    public long ContainerConcurrency { get; init; }

    /// <summary><c>Reachable</c>, <c>Unreachable</c> or empty (unknown).</summary>
    public string Reachability { get; init => field = value ?? field; } = "";

    /// <summary><c>http1</c> or <c>h2c</c>.</summary>
    public string ProtocolType { get; init => field = value ?? field; } = "";
}

public sealed record ObjectReference
{
    public string ApiVersion { get; init => field = value ?? field; } = "";
    public string Kind { get; init => field = value ?? field; } = "";
    public string Namespace { get; init => field = value ?? field; } = "";
    public string Name { get; init => field = value ?? field; } = "";
    public string Uid { get; init => field = value ?? field; } = "";
}

public sealed record PodAutoscalerStatus
{
    public long ObservedGeneration { get; init; }
    public string ServiceName { get; init => field = value ?? field; } = "";
    public string MetricsServiceName { get; init => field = value ?? field; } = "";
    public int? DesiredScale { get; init; }
    public int? ActualScale { get; init; }
    public IReadOnlyList<Condition> Conditions { get; init => field = value ?? field; } = [];
}

/// <summary>autoscaling.internal.knative.dev/v1alpha1 Metric.</summary>
public sealed record Metric : IKubeView<Metric>
{
    public static JsonTypeInfo<Metric> JsonType => ViewJson.Default.Metric;
    public ObjectMeta Metadata { get; init => field = value ?? field; } = new();
    public MetricStatus Status { get; init => field = value ?? field; } = new();
}

public sealed record MetricStatus
{
    public long ObservedGeneration { get; init; }
    public IReadOnlyList<Condition> Conditions { get; init => field = value ?? field; } = [];
}
