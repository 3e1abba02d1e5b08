namespace Serval.Bench;

/// <summary>Order statistics over samples, and an interval for the median from a seeded bootstrap.</summary>
internal static class Statistics
{
    internal static double Percentile(IReadOnlyCollection<double> samples, double fraction)
    {
        var sorted = samples.Order().ToArray();
        var position = fraction * (sorted.Length - 1);
        var low = (int)Math.Floor(position);
        var high = (int)Math.Ceiling(position);
        return sorted[low] + (sorted[high] - sorted[low]) * (position - low);
    }

    internal static double Median(IReadOnlyCollection<double> samples) => Percentile(samples, 0.5);

    /// <summary>The 90 % interval of the median.</summary>
    internal static (double Low, double High) MedianInterval(IReadOnlyList<double> samples)
    {
        var random = new Random(1);
        var medians = new double[1000];
        for (var i = 0; i < medians.Length; i++)
        {
            var draw = new double[samples.Count];
            for (var j = 0; j < draw.Length; j++)
            {
                draw[j] = samples[random.Next(samples.Count)];
            }
            medians[i] = Median(draw);
        }
        return (Percentile(medians, 0.05), Percentile(medians, 0.95));
    }
}
