namespace Serval.Autoscaling.Hpa;

/// <summary>How many replicas, and what held the number back.</summary>
/// <param name="Desired">Replicas wanted.</param>
/// <param name="Limit">What bounds it.</param>
/// <param name="Stabilised">A recommendation of the window's past holds it, not the present one.</param>
public readonly record struct HpaDecision(int Desired, HpaLimit Limit, bool Stabilised);

/// <summary>What bounds a decision; the names are the reasons of the condition ScalingLimited (kubernetes pkg/controller/podautoscaler).</summary>
public enum HpaLimit
{
    DesiredWithinRange,
    TooFewReplicas,
    TooManyReplicas,
    ScaleUpLimit,
}
