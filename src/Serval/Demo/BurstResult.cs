namespace Serval.Demo;

/// <summary>Many requests at once.</summary>
internal sealed record BurstResult(int Requests, int Failed, double P50Ms, double P99Ms)
{
    /// <summary>Nearest-rank percentiles over the answered requests.</summary>
    public static BurstResult From(IReadOnlyList<double> answeredMs, int failed)
    {
        var sorted = answeredMs.Order().ToArray();
        return new BurstResult(sorted.Length + failed, failed, Rank(sorted, 0.50), Rank(sorted, 0.99));
    }

    private static double Rank(double[] sorted, double share) => sorted.Length == 0 ? 0 : sorted[Math.Max(0, (int)Math.Ceiling(share * sorted.Length) - 1)];
}
