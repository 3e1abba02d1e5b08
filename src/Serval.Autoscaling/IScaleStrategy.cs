namespace Serval.Autoscaling;

/// <summary>What a strategy sees.</summary>
/// <param name="Stable">Average over the stable window.</param>
/// <param name="Panic">Average over the panic window.</param>
/// <param name="Ready">Instances ready.</param>
/// <param name="Now">Time of the decision.</param>
public readonly record struct StrategyInput(double Stable, double Panic, int Ready, DateTimeOffset Now);

/// <summary>Turns what was measured into a number of instances, before bounds and scale to zero. Holds what one revision's past demands.</summary>
public interface IScaleStrategy
{
    /// <summary>The number of instances that the measurement asks for.</summary>
    (int Scale, ScaleReason Reason) Decide(ScalingSpec spec, in StrategyInput input);

    /// <summary>Whether its past still influences decisions, so that it must not be dropped.</summary>
    bool Remembers { get; }
}
