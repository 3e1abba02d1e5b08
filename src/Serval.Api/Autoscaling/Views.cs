using System.Text.Json.Serialization.Metadata;

namespace Serval.Api.Autoscaling;

/// <summary>autoscaling.internal.knative.dev/v1alpha1 PodAutoscaler.</summary>
public sealed record PodAutoscaler : IKubeView<PodAutoscaler>
{
    public static JsonTypeInfo<PodAutoscaler> JsonType => ViewJson.Default.PodAutoscaler;
    public ObjectMeta Metadata { get; init; } = new();
    public PodAutoscalerSpec Spec { get; init; } = new();
    public PodAutoscalerStatus Status { get; init; } = new();
}

public sealed record PodAutoscalerSpec
{
    public ObjectReference ScaleTargetRef { get; init; } = new();

    /// <summary>The revision's hard limit a container; 0 is none.</summary>
    public long ContainerConcurrency { get; init; }

    /// <summary><c>Reachable</c>, <c>Unreachable</c> or empty (unknown).</summary>
    public string Reachability { get; init; } = "";

    /// <summary><c>http1</c> or <c>h2c</c>.</summary>
    public string ProtocolType { get; init; } = "";
}

public sealed record ObjectReference
{
    public string ApiVersion { get; init; } = "";
    public string Kind { get; init; } = "";
    public string Namespace { get; init; } = "";
    public string Name { get; init; } = "";
    public string Uid { get; init; } = "";
}

public sealed record PodAutoscalerStatus
{
    public long ObservedGeneration { get; init; }
    public string ServiceName { get; init; } = "";
    public string MetricsServiceName { get; init; } = "";
    public int? DesiredScale { get; init; }
    public int? ActualScale { get; init; }
    public IReadOnlyList<Condition> Conditions { get; init; } = [];
}
