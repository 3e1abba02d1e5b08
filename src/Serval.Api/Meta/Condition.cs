namespace Serval.Api;

/// <summary>status.conditions[] (Knative's apis.Condition; Kubernetes' conditions read the same).</summary>
public sealed record Condition
{
    public string Type { get; init => field = value ?? field; } = "";

    /// <summary><c>True</c>, <c>False</c> or <c>Unknown</c>.</summary>
    public string Status { get; init => field = value ?? field; } = "Unknown";

    /// <summary>Empty is an error; <c>Info</c> does not hold Ready back.</summary>
    public string Severity { get; init => field = value ?? field; } = "";
    public string Reason { get; init => field = value ?? field; } = "";
    public string Message { get; init => field = value ?? field; } = "";
    public DateTimeOffset? LastTransitionTime { get; init; }

    /// <summary>The <c>metadata.generation</c> it is about, where it says so (core/v1 PodCondition, meta/v1 Condition); 0 otherwise.</summary>
    public long ObservedGeneration { get; init; }

    /// <summary>Only Deployments keep it (apps/v1 DeploymentCondition).</summary>
    public DateTimeOffset? LastUpdateTime { get; init; }
}
