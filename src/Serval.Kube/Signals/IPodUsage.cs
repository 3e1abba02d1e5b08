namespace Serval.Kube;

/// <summary>What a pod's processes have used.</summary>
/// <param name="Cpu">Processor time since they began.</param>
/// <param name="Memory">Resident bytes now.</param>
public readonly record struct PodUsage(TimeSpan Cpu, long Memory)
{
    /// <summary>How long ago that was so.</summary>
    public TimeSpan Age { get; init; }
}

/// <summary>Node → autoscaler: what pods use.</summary>
public interface IPodUsage
{
    /// <summary>What the pod with this uid uses; null when it does not run here.</summary>
    PodUsage? UsageOf(string uid);
}
