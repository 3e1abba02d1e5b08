using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Serval.Api.Core;

namespace Serval.Api.Apps;

/// <summary>apps/v1 Deployment.</summary>
public sealed record Deployment : IKubeView<Deployment>
{
    public static JsonTypeInfo<Deployment> JsonType => ViewJson.Default.Deployment;
    public ObjectMeta Metadata { get; init => field = value ?? field; } = new();
    public DeploymentSpec Spec { get; init => field = value ?? field; } = new();
    public DeploymentStatus Status { get; init => field = value ?? field; } = new();
}

public sealed record DeploymentSpec
{
    public int? Replicas { get; init; }
    public LabelSelector Selector { get; init => field = value ?? field; } = new();
    public PodTemplateSpec Template { get; init => field = value ?? field; } = new();
    public DeploymentStrategy Strategy { get; init => field = value ?? field; } = new();
    public int MinReadySeconds { get; init; }
    public int? RevisionHistoryLimit { get; init; }
    public int? ProgressDeadlineSeconds { get; init; }
    public bool Paused { get; init; }
}

public sealed record DeploymentStrategy
{
    public string Type { get; init => field = value ?? field; } = "RollingUpdate";
    public RollingUpdate? RollingUpdate { get; init; }
}

/// <summary>Each value is a number or a percentage such as <c>25%</c>.</summary>
public sealed record RollingUpdate
{
    public JsonElement? MaxSurge { get; init; }
    public JsonElement? MaxUnavailable { get; init; }
}

public sealed record DeploymentStatus
{
    public long ObservedGeneration { get; init; }
    public int Replicas { get; init; }
    public int UpdatedReplicas { get; init; }
    public int ReadyReplicas { get; init; }
    public int AvailableReplicas { get; init; }
    public int UnavailableReplicas { get; init; }
    public IReadOnlyList<Condition> Conditions { get; init => field = value ?? field; } = [];
}

/// <summary>apps/v1 ReplicaSet.</summary>
public sealed record ReplicaSet : IKubeView<ReplicaSet>
{
    public static JsonTypeInfo<ReplicaSet> JsonType => ViewJson.Default.ReplicaSet;
    public ObjectMeta Metadata { get; init => field = value ?? field; } = new();
    public ReplicaSetSpec Spec { get; init => field = value ?? field; } = new();
    public ReplicaSetStatus Status { get; init => field = value ?? field; } = new();
}

public sealed record ReplicaSetSpec
{
    public int? Replicas { get; init; }
    public int MinReadySeconds { get; init; }
    public LabelSelector Selector { get; init => field = value ?? field; } = new();
    public PodTemplateSpec Template { get; init => field = value ?? field; } = new();
}

public sealed record ReplicaSetStatus
{
    public long ObservedGeneration { get; init; }
    public int Replicas { get; init; }
    public int FullyLabeledReplicas { get; init; }
    public int ReadyReplicas { get; init; }
    public int AvailableReplicas { get; init; }
    public IReadOnlyList<Condition> Conditions { get; init => field = value ?? field; } = [];
}
