using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Serval.Api.Policy;

/// <summary>policy/v1 PodDisruptionBudget.</summary>
public sealed record PodDisruptionBudget : IKubeView<PodDisruptionBudget>
{
    public static JsonTypeInfo<PodDisruptionBudget> JsonType => ViewJson.Default.PodDisruptionBudget;
    public ObjectMeta Metadata { get; init => field = value ?? field; } = new();
    public PodDisruptionBudgetSpec Spec { get; init => field = value ?? field; } = new();
    public PodDisruptionBudgetStatus Status { get; init => field = value ?? field; } = new();
}

public sealed record PodDisruptionBudgetSpec
{
    /// <summary>A number or a percentage, as the other one; at most one of them is given.</summary>
    public JsonElement? MinAvailable { get; init; }
    public JsonElement? MaxUnavailable { get; init; }

    /// <summary>Null selects nothing.</summary>
    public LabelSelector? Selector { get; init; }

    /// <summary><c>IfHealthyBudget</c> or <c>AlwaysAllow</c>; empty is the first.</summary>
    public string UnhealthyPodEvictionPolicy { get; init => field = value ?? field; } = "";
}

public sealed record PodDisruptionBudgetStatus
{
    public long ObservedGeneration { get; init; }
    public int DisruptionsAllowed { get; init; }
    public int CurrentHealthy { get; init; }
    public int DesiredHealthy { get; init; }
    public int ExpectedPods { get; init; }

    /// <summary>Pods that may go and have not been seen going, and since when.</summary>
    public IReadOnlyDictionary<string, DateTimeOffset> DisruptedPods { get; init => field = value ?? field; } = new Dictionary<string, DateTimeOffset>();
    public IReadOnlyList<Condition> Conditions { get; init => field = value ?? field; } = [];
}
