namespace Serval.Api;

/// <summary>status.conditions[] (Knative's apis.Condition; Kubernetes' conditions read the same).</summary>
public sealed record Condition
{
    public string Type { get; init; } = "";

    /// <summary><c>True</c>, <c>False</c> or <c>Unknown</c>.</summary>
    public string Status { get; init; } = "Unknown";

    /// <summary>Empty is an error; <c>Info</c> does not hold Ready back.</summary>
    public string Severity { get; init; } = "";
    public string Reason { get; init; } = "";
    public string Message { get; init; } = "";
    public DateTimeOffset? LastTransitionTime { get; init; }
}
