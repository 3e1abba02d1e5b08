using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Serval.Api.Autoscaling;

/// <summary>autoscaling/v2 HorizontalPodAutoscaler.</summary>
public sealed record HorizontalPodAutoscaler : IKubeView<HorizontalPodAutoscaler>
{
    public static JsonTypeInfo<HorizontalPodAutoscaler> JsonType => ViewJson.Default.HorizontalPodAutoscaler;
    public ObjectMeta Metadata { get; init => field = value ?? field; } = new();
    public HorizontalPodAutoscalerSpec Spec { get; init => field = value ?? field; } = new();
    public HorizontalPodAutoscalerStatus Status { get; init => field = value ?? field; } = new();
}

public sealed record HorizontalPodAutoscalerSpec
{
    public HpaTarget ScaleTargetRef { get; init => field = value ?? field; } = new();

    /// <summary>Absent is 1.</summary>
    public int? MinReplicas { get; init; }
    public int MaxReplicas { get; init; }
    public IReadOnlyList<HpaMetric> Metrics { get; init => field = value ?? field; } = [];
    public HpaBehavior Behavior { get; init => field = value ?? field; } = new();
}

/// <summary>autoscaling/v2 CrossVersionObjectReference.</summary>
public sealed record HpaTarget
{
    public string ApiVersion { get; init => field = value ?? field; } = "";
    public string Kind { get; init => field = value ?? field; } = "";
    public string Name { get; init => field = value ?? field; } = "";
}

/// <summary>autoscaling/v2 MetricSpec; <see cref="Resource"/> is set when <see cref="Type"/> is <c>Resource</c>.</summary>
public sealed record HpaMetric
{
    public string Type { get; init => field = value ?? field; } = "";
    public HpaResource? Resource { get; init; }
}

/// <summary>autoscaling/v2 ResourceMetricSource: <c>cpu</c> or <c>memory</c> of a pod.</summary>
public sealed record HpaResource
{
    public string Name { get; init => field = value ?? field; } = "";
    public HpaAim Target { get; init => field = value ?? field; } = new();
}

/// <summary>autoscaling/v2 MetricTarget.</summary>
public sealed record HpaAim
{
    /// <summary><c>Utilization</c> or <c>AverageValue</c>.</summary>
    public string Type { get; init => field = value ?? field; } = "";

    /// <summary>Percent of the request.</summary>
    public int? AverageUtilization { get; init; }
    public JsonElement? AverageValue { get; init; }
}

public sealed record HpaBehavior
{
    public HpaScalingRules ScaleUp { get; init => field = value ?? field; } = new();
    public HpaScalingRules ScaleDown { get; init => field = value ?? field; } = new();
}

public sealed record HpaScalingRules
{
    /// <summary>Absent is 0 up, 300 down.</summary>
    public int? StabilizationWindowSeconds { get; init; }
}

public sealed record HorizontalPodAutoscalerStatus
{
    public int CurrentReplicas { get; init; }
    public int DesiredReplicas { get; init; }
    public IReadOnlyList<Condition> Conditions { get; init => field = value ?? field; } = [];
}
