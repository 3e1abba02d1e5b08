namespace Serval.Autoscaling.Tests.Simulation;

/// <summary>Arrival times of requests, drawn from a seeded source.</summary>
internal static class Arrivals
{
    /// <summary>Independent arrivals at a mean rate per second, from one time to another.</summary>
    public static IEnumerable<TimeSpan> Poisson(Random random, double perSecond, TimeSpan from, TimeSpan to)
    {
        for (var at = from + Next(); at < to; at += Next())
        {
            yield return at;
        }

        TimeSpan Next() => TimeSpan.FromSeconds(-Math.Log(1 - random.NextDouble()) / perSecond);
    }

    /// <summary>Evenly spaced arrivals.</summary>
    public static IEnumerable<TimeSpan> Even(double perSecond, TimeSpan from, TimeSpan to)
    {
        for (var index = 0; ; index++)
        {
            var at = from + TimeSpan.FromSeconds(index / perSecond);
            if (at >= to)
            {
                yield break;
            }
            yield return at;
        }
    }

    /// <summary>Many at once.</summary>
    public static IEnumerable<TimeSpan> Burst(int count, TimeSpan at) => Enumerable.Repeat(at, count);
}
