using System.Text.Json.Serialization;

namespace Serval.Controllers.Serving;

/// <summary>How the share of one configuration's latest revision on one host is divided while it moves. Percent is always of the host's whole traffic.</summary>
internal sealed record ConfigurationRollout
{
    public required string ConfigurationName { get; init; }

    /// <summary>Whose host; null is the default one.</summary>
    public string? Tag { get; init; }

    /// <summary>What the configuration gets in all.</summary>
    public required int Percent { get; init; }

    /// <summary>Oldest first, all above 0; together they are <see cref="Percent"/>. More than one: the rollout goes on.</summary>
    public required IReadOnlyList<RevisionShare> Revisions { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public RolloutSteps StepParams { get; init; }

    [JsonIgnore]
    internal bool IsDone => Revisions.Count < 2;

    /// <summary>Whether a state that somebody may have edited can be gone on from.</summary>
    internal bool IsSound => ConfigurationName.Length > 0 && Percent is > 0 and <= 100 && StepParams.IsSound && StepParams.StepSize <= Percent
        && Revisions.All(r => r is { RevisionName.Length: > 0, Percent: > 0 and <= 100 })
        && Revisions.Sum(r => r.Percent) == Percent && Revisions.DistinctBy(r => r.RevisionName).Count() == Revisions.Count;
}

/// <summary>A revision's part of the traffic.</summary>
internal readonly record struct RevisionShare(string RevisionName, int Percent);

/// <summary>The pace of a rollout. Times are nanoseconds, since 1970 where they are moments.</summary>
internal readonly record struct RolloutSteps
{
    internal const long LongestStep = 10L * 365 * 24 * 3600 * 1_000_000_000;

    [JsonPropertyName("starttime")]
    public long StartTime { get; init; }

    public long NextStepTime { get; init; }

    public long StepDuration { get; init; }

    /// <summary>Percent that move with each step; 0 while the first percent is on its way.</summary>
    public int StepSize { get; init; }

    internal bool IsSound => StartTime >= 0 && NextStepTime >= 0 && StepSize >= 0 && StepDuration is >= 0 and <= LongestStep;
}
