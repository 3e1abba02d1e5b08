namespace Serval.Autoscaling.Tests;

public sealed class DemandWindowTests
{
    private static readonly DateTimeOffset s_t0 = new(2026, 1, 1, 12, 0, 0, 300, TimeSpan.Zero);
    private static readonly TimeSpan s_window = TimeSpan.FromSeconds(60);

    [Fact]
    public void Average_AtTheFirstHeldRequest_IsTheLevel()
    {
        var demand = new DemandWindow(s_window, ScalingMetric.Concurrency);
        demand.Report("a", new DemandSample(0, 3, 0, 3), s_t0);
        Assert.Equal(3, demand.Average(s_t0, s_window));
        Assert.Equal(3, demand.Average(s_t0.AddMilliseconds(400), s_window), 6);
    }

    [Fact]
    public void Average_OfSteadyLoad_IsTheLoadAtAnyPhase()
    {
        var demand = new DemandWindow(s_window, ScalingMetric.Concurrency);
        demand.Report("a", new DemandSample(5, 0, 0, 5), s_t0);
        for (var i = 1; i <= 200; i++)
        {
            var now = s_t0.AddMilliseconds(i * 970);
            demand.Report("a", new DemandSample(5, 0, 5, 10), now);
            Assert.Equal(5, demand.Average(now.AddMilliseconds(i * 7 % 900), s_window), 6);
            Assert.Equal(5, demand.Average(now, TimeSpan.FromSeconds(6)), 6);
        }
    }

    /// <summary>Knative's shortest windows have a panic window of one second, shorter than the time between two reports.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Average_OverLessThanAReportsTime_IsTheLoadAtAnyPhase(int seconds)
    {
        var window = TimeSpan.FromSeconds(10);
        var demand = new DemandWindow(window, ScalingMetric.Concurrency);
        demand.Report("a", new DemandSample(2, 0, 0, 2), s_t0);
        for (var i = 1; i <= 200; i++)
        {
            var now = s_t0.AddMilliseconds(i * 990);
            for (var later = 0; later <= 980; later += 70)
            {
                Assert.Equal(2, demand.Average(now.AddMilliseconds(later - 980), TimeSpan.FromSeconds(seconds)), 6);
            }
            demand.Report("a", new DemandSample(2, 0, 2, 4), now);
        }
    }

    [Fact]
    public void Average_OfTwoGateways_IsTheirSum()
    {
        var demand = new DemandWindow(s_window, ScalingMetric.Concurrency);
        for (var i = 0; i < 20; i++)
        {
            demand.Report("a", new DemandSample(2, 0, 2, 1), s_t0.AddSeconds(i));
            demand.Report("b", new DemandSample(1, 1, 2, 1), s_t0.AddSeconds(i));
        }
        Assert.Equal(4, demand.Average(s_t0.AddSeconds(19), s_window), 6);
        Assert.Equal(1, demand.Held);
        Assert.Equal(4, demand.Level);
    }

    [Fact]
    public void Average_AfterTheLoadEnds_FallsToZeroOverTheWindow()
    {
        var demand = new DemandWindow(s_window, ScalingMetric.Concurrency);
        for (var i = 0; i <= 60; i++)
        {
            demand.Report("a", new DemandSample(4, 0, 4, 1), s_t0.AddSeconds(i));
        }
        demand.Report("a", default, s_t0.AddSeconds(61));
        Assert.InRange(demand.Average(s_t0.AddSeconds(91), s_window), 1.9, 2.1);
        Assert.False(demand.IsEmpty(s_t0.AddSeconds(119)));
        Assert.Equal(0, demand.Average(s_t0.AddSeconds(122), s_window));
        Assert.True(demand.IsEmpty(s_t0.AddSeconds(122)));
    }

    [Fact]
    public void Average_AfterAWindowOfSilence_CountsOnlyNewSeconds()
    {
        var demand = new DemandWindow(s_window, ScalingMetric.Concurrency);
        demand.Report("a", new DemandSample(4, 0, 0, 1), s_t0);
        demand.Report("a", default, s_t0.AddSeconds(1));
        var later = s_t0.AddSeconds(300);
        demand.Report("a", new DemandSample(7, 0, 0, 1), later);
        demand.Report("a", new DemandSample(7, 0, 7, 1), later.AddSeconds(1));
        Assert.Equal(7, demand.Average(later.AddSeconds(1), s_window), 6);
    }

    [Fact]
    public void Report_FromAPush_DoesNotCountTheIdleTimeBefore()
    {
        var demand = new DemandWindow(s_window, ScalingMetric.Concurrency);
        demand.Report("a", new DemandSample(1, 0, 0, 1), s_t0);
        demand.Report("a", default, s_t0.AddSeconds(1));
        demand.Report("a", new DemandSample(1, 0, 1, 1), s_t0.AddSeconds(20));
        Assert.Equal(1, demand.Average(s_t0.AddSeconds(20), s_window));
    }

    [Fact]
    public void Level_WhenAGatewayFallsSilent_IsForgotten()
    {
        var demand = new DemandWindow(s_window, ScalingMetric.Concurrency);
        demand.Report("a", new DemandSample(9, 0, 0, 1), s_t0);
        demand.Forget(s_t0.AddSeconds(2.9));
        Assert.Equal(9, demand.Level);
        demand.Forget(s_t0.AddSeconds(3.1));
        Assert.Equal(0, demand.Level);
    }

    [Fact]
    public void Rate_FirstRequests_AreOverASecond()
    {
        var demand = new DemandWindow(s_window, ScalingMetric.RequestsPerSecond);
        demand.Report("a", new DemandSample(0, 3, 0, 3), s_t0);
        Assert.Equal(3, demand.Average(s_t0, s_window));
        demand.Report("a", new DemandSample(0, 5, 4, 2), s_t0.AddMilliseconds(5));
        Assert.Equal(5, demand.Average(s_t0.AddMilliseconds(5), TimeSpan.FromSeconds(1)), 6);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(300)]
    [InlineData(950)]
    public void Rate_OfSteadyLoad_IsTheLoadAtAnyPhase(int phase)
    {
        var demand = new DemandWindow(s_window, ScalingMetric.RequestsPerSecond);
        var begin = s_t0.AddMilliseconds(phase);
        demand.Report("a", new DemandSample(0, 0, 0, 1), begin);
        for (var i = 1; i <= 200; i++)
        {
            demand.Report("a", new DemandSample(1, 0, 0.5, 20), begin.AddSeconds(i));
            Assert.Equal(20, demand.Average(begin.AddSeconds(i), s_window), 0.1 + 1d / i);
            Assert.Equal(20, demand.Average(begin.AddSeconds(i + 0.9), s_window), 0.1 + 1d / i); // the last report is what is known
            if (i >= 6)
            {
                Assert.Equal(20, demand.Average(begin.AddSeconds(i), TimeSpan.FromSeconds(6)), 0.2);
                Assert.Equal(20, demand.Average(begin.AddSeconds(i), TimeSpan.FromSeconds(1)), 1d);
            }
        }
    }

    [Fact]
    public void Rate_ReportsAtOddTimes_CountEachRequestOnce()
    {
        var demand = new DemandWindow(s_window, ScalingMetric.RequestsPerSecond);
        demand.Report("a", new DemandSample(1, 0, 0, 1), s_t0);
        foreach (var (at, requests) in new (double, long)[] { (0.001, 5), (0.9, 4), (1, 7), (1, 3), (2.4, 10) })
        {
            demand.Report("a", new DemandSample(1, 0, 1, requests), s_t0.AddSeconds(at));
        }
        Assert.Equal(30 / 2.4, demand.Average(s_t0.AddSeconds(2.4), s_window), 4);
    }

    [Fact]
    public void Rate_WithoutNewRequests_FallsToZeroThoughOneIsInFlight()
    {
        var demand = new DemandWindow(s_window, ScalingMetric.RequestsPerSecond);
        for (var i = 0; i <= 60; i++)
        {
            demand.Report("a", new DemandSample(1, 0, 1, 8), s_t0.AddSeconds(i));
        }
        for (var i = 61; i <= 121; i++)
        {
            demand.Report("a", new DemandSample(1, 0, 1, 0), s_t0.AddSeconds(i));
        }
        Assert.Equal(0, demand.Average(s_t0.AddSeconds(121), s_window));
        Assert.False(demand.IsEmpty(s_t0.AddSeconds(121)));
    }

    [Theory]
    [InlineData(1, 0.9999)]
    [InlineData(6, 0.784557)]
    [InlineData(30, 0.264358)]
    [InlineData(60, 0.2)]
    [InlineData(3600, 0.2)]
    public void Smoothing_IsKnatives(int seconds, double expected) => Assert.Equal(expected, LoadWindow.Smoothing(seconds), 6);

    /// <summary>At whole seconds it is upstream's sum over buckets.</summary>
    [Theory]
    [InlineData(60)]
    [InlineData(30)]
    [InlineData(6)]
    [InlineData(1)]
    public void Weighted_RandomLoad_AgreesWithTheSumOverBuckets(int seconds)
    {
        const int Seed = 4242;
        var random = new Random(Seed);
        var demand = new DemandWindow(s_window, ScalingMetric.Concurrency);
        var begin = s_t0.AddMilliseconds(-300);
        var loads = new List<double>();
        demand.Report("a", new DemandSample(1, 0, 0, 1), begin);
        for (var i = 1; i <= 200; i++)
        {
            loads.Insert(0, random.Next(3) == 0 ? 0 : random.Next(100));
            demand.Report("a", new DemandSample(1, 0, loads[0], 1), begin.AddSeconds(i));
            var weight = LoadWindow.Smoothing(seconds);
            var naive = loads.Take(seconds).Select((load, age) => load * weight * Math.Pow(1 - weight, age)).Sum();
            var actual = demand.Average(begin.AddSeconds(i), TimeSpan.FromSeconds(seconds), MetricAggregation.WeightedExponential);
            Assert.True(Math.Abs(naive - actual) < 1e-6, $"seed {Seed}, second {i}: {actual}, not {naive}");
        }
    }

    [Theory]
    [InlineData(ScalingMetric.Concurrency)]
    [InlineData(ScalingMetric.RequestsPerSecond)]
    public void Weighted_OfSteadyLoad_IsTheLoadAtAnyPhase(ScalingMetric metric)
    {
        var demand = new DemandWindow(s_window, metric);
        demand.Report("a", new DemandSample(97, 0, 0, 97), s_t0);
        for (var i = 1; i <= 200; i++)
        {
            var now = s_t0.AddMilliseconds(i * 970);
            demand.Report("a", new DemandSample(100, 0, 100, 97), now);
            if (i > 70)
            {
                Assert.Equal(100, demand.Average(now.AddMilliseconds(i * 7 % 900), s_window, MetricAggregation.WeightedExponential), 0.02);
                Assert.Equal(100, demand.Average(now, TimeSpan.FromSeconds(6), MetricAggregation.WeightedExponential), 0.02);
            }
        }
    }

    [Fact]
    public void Weighted_FirstDemand_CountsAtOnceWithTheNewestsWeight()
    {
        var demand = new DemandWindow(s_window, ScalingMetric.Concurrency);
        demand.Report("a", new DemandSample(0, 50, 0, 50), s_t0);
        Assert.Equal(10, demand.Average(s_t0, s_window, MetricAggregation.WeightedExponential), 6);
        demand.Report("a", new DemandSample(0, 50, 50, 0), s_t0.AddMilliseconds(400));
        Assert.Equal(10, demand.Average(s_t0.AddMilliseconds(400), s_window, MetricAggregation.WeightedExponential), 6);
    }

    [Fact]
    public void Weighted_AfterTheLoadEnds_DecaysAndIsZeroAfterTheWindow()
    {
        var begin = s_t0.AddMilliseconds(-300);
        var demand = new DemandWindow(s_window, ScalingMetric.Concurrency);
        for (var i = 0; i <= 60; i++)
        {
            demand.Report("a", new DemandSample(100, 0, 100, 1), begin.AddSeconds(i));
        }
        demand.Report("a", default, begin.AddSeconds(60));
        Assert.Equal(100 * Math.Pow(0.8, 10), demand.Average(begin.AddSeconds(70), s_window, MetricAggregation.WeightedExponential), 0.01);
        Assert.Equal(0, demand.Average(begin.AddSeconds(122), s_window, MetricAggregation.WeightedExponential));
    }

    [Fact]
    public void MaxWindow_RandomValues_AgreesWithTheNaiveMaximum()
    {
        const int Seed = 7711;
        var random = new Random(Seed);
        var window = new MaxWindow(TimeSpan.FromSeconds(20));
        var all = new List<(DateTimeOffset At, int Value)>();
        var now = s_t0;
        for (var i = 0; i < 2000; i++)
        {
            now = now.AddMilliseconds(random.Next(0, 4000));
            var value = random.Next(0, 50);
            all.Add((now, value));
            var naive = all.Where(e => now - e.At < TimeSpan.FromSeconds(20)).Max(e => e.Value);
            Assert.True(naive == window.Record(now, value), $"seed {Seed}, step {i}");
        }
    }
}
