namespace Serval.Autoscaling.Tests.Simulation;

/// <summary>A simulated revision and its load. The same scenario with the same seed gives the same result.</summary>
internal sealed record Scenario
{
    public required int Seed { get; init; }
    public ScalingSpec Spec { get; init; } = ScalingSpec.Default;

    /// <summary>Simulated time.</summary>
    public required TimeSpan Length { get; init; }

    /// <summary>When requests arrive, in order of time.</summary>
    public required Func<Random, IEnumerable<TimeSpan>> Requests { get; init; }

    /// <summary>How long a request takes at an instance.</summary>
    public required Func<Random, TimeSpan> ServiceTime { get; init; }

    /// <summary>From the decision to a ready instance.</summary>
    public TimeSpan StartTime { get; init; } = TimeSpan.FromMilliseconds(50);

    /// <summary>Most requests at an instance at a time; 0 is no limit.</summary>
    public int ContainerConcurrency { get; init; }

    /// <summary>Instances that are ready at the beginning.</summary>
    public int Replicas { get; init; }

    /// <summary>The autoscaler's period.</summary>
    public TimeSpan Tick { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>The gateway's reporting period.</summary>
    public TimeSpan ReportEvery { get; init; } = TimeSpan.FromSeconds(1);
}

/// <summary>A decision of a simulation.</summary>
internal readonly record struct SimulatedDecision(TimeSpan At, ScaleDecision Decision);

/// <summary>What a simulation showed.</summary>
/// <param name="Decisions">Every decision.</param>
/// <param name="Replicas">Instances asked for, at each change.</param>
/// <param name="Finished">Requests answered.</param>
/// <param name="LongestHold">Longest wait for an instance.</param>
/// <param name="StillHeld">Requests that waited when the time was over.</param>
/// <param name="InstanceTime">Sum of instance life times: what it cost.</param>
internal sealed record SimulationResult(
    IReadOnlyList<SimulatedDecision> Decisions, IReadOnlyList<(TimeSpan At, int Count)> Replicas, int Finished, TimeSpan LongestHold,
    int StillHeld, TimeSpan InstanceTime)
{
    /// <summary>Instances asked for at a time.</summary>
    public int ReplicasAt(TimeSpan at) => Replicas.LastOrDefault(r => r.At <= at).Count;
}
