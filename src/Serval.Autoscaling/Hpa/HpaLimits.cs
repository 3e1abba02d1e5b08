namespace Serval.Autoscaling.Hpa;

/// <summary>What a HorizontalPodAutoscaler's spec allows (autoscaling/v2).</summary>
/// <param name="Min">Fewest replicas.</param>
/// <param name="Max">Most replicas.</param>
/// <param name="UpWindow">It scales up to no more than the least recommendation of this time.</param>
/// <param name="DownWindow">It scales down to no fewer than the greatest recommendation of this time.</param>
public sealed record HpaLimits(int Min, int Max, TimeSpan UpWindow, TimeSpan DownWindow);
