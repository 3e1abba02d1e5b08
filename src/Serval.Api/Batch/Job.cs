using System.Text.Json.Serialization.Metadata;
using Serval.Api.Core;

namespace Serval.Api.Batch;

/// <summary>batch/v1 Job.</summary>
public sealed record Job : IKubeView<Job>
{
    public static JsonTypeInfo<Job> JsonType => ViewJson.Default.Job;
    public ObjectMeta Metadata { get; init => field = value ?? field; } = new();
    public JobSpec Spec { get; init => field = value ?? field; } = new();
    public JobStatus Status { get; init => field = value ?? field; } = new();
}

public sealed record JobSpec
{
    public int Parallelism { get; init; }

    /// <summary>Null: one success is enough, and then no more pods are made.</summary>
    public int? Completions { get; init; }
    public long? ActiveDeadlineSeconds { get; init; }
    public int BackoffLimit { get; init; }
    public int? TtlSecondsAfterFinished { get; init; }
    public bool Suspend { get; init; }
    public string CompletionMode { get; init => field = value ?? field; } = "NonIndexed";
    public string PodReplacementPolicy { get; init => field = value ?? field; } = "TerminatingOrFailed";
    public PodFailurePolicy PodFailurePolicy { get; init => field = value ?? field; } = new();
    public string ManagedBy { get; init => field = value ?? field; } = "";
    public PodTemplateSpec Template { get; init => field = value ?? field; } = new();
}

/// <summary>What a failed pod means: the first rule that fits decides.</summary>
public sealed record PodFailurePolicy
{
    public IReadOnlyList<PodFailurePolicyRule> Rules { get; init => field = value ?? field; } = [];
}

/// <summary>Either of its two patterns is given.</summary>
public sealed record PodFailurePolicyRule
{
    /// <summary><c>FailJob</c>, <c>Ignore</c>, <c>Count</c> or <c>FailIndex</c>.</summary>
    public string Action { get; init => field = value ?? field; } = "";
    public ExitCodePattern? OnExitCodes { get; init; }
    public IReadOnlyList<PodConditionPattern> OnPodConditions { get; init => field = value ?? field; } = [];
}

/// <summary>Exit codes of failed containers.</summary>
public sealed record ExitCodePattern
{
    /// <summary>Empty: any container.</summary>
    public string ContainerName { get; init => field = value ?? field; } = "";

    /// <summary><c>In</c> or <c>NotIn</c>.</summary>
    public string Operator { get; init => field = value ?? field; } = "";
    public IReadOnlyList<int> Values { get; init => field = value ?? field; } = [];
}

/// <summary>A condition of the pod.</summary>
public sealed record PodConditionPattern(string Type = "", string Status = "True");

public sealed record JobStatus
{
    public IReadOnlyList<Condition> Conditions { get; init => field = value ?? field; } = [];
    public DateTimeOffset? StartTime { get; init; }
    public DateTimeOffset? CompletionTime { get; init; }
    public int Active { get; init; }
    public int Succeeded { get; init; }
    public int Failed { get; init; }

    /// <summary>Indexes that succeeded, as <c>1,3-5</c>.</summary>
    public string CompletedIndexes { get; init => field = value ?? field; } = "";
}
