namespace Serval.Autoscaling.Hpa;

/// <summary>How many replicas, and what held the number back.</summary>
/// <param name="Desired">Replicas wanted.</param>
/// <param name="Limit">What bounds it.</param>
/// <param name="Held">Whether a recommendation of the window's past holds it instead of the present one.</param>
public readonly record struct HpaDecision(int Desired, HpaLimit Limit, HpaHold Held);

/// <summary>What a stabilisation window keeps a decision from.</summary>
public enum HpaHold
{
    No,
    ScalingUp,
    ScalingDown,
}

/// <summary>What bounds a decision; the names are the reasons of the condition ScalingLimited (kubernetes pkg/controller/podautoscaler).</summary>
public enum HpaLimit
{
    DesiredWithinRange,
    TooFewReplicas,
    TooManyReplicas,
    ScaleUpLimit,
}
