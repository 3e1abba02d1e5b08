using Serval.Autoscaling.Tests.Simulation;

namespace Serval.Autoscaling.Tests;

public sealed class SimulatorTests
{
    private static TimeSpan S(double seconds) => TimeSpan.FromSeconds(seconds);

    [Theory]
    [InlineData(1, MetricAggregation.Linear, 1)]
    [InlineData(7, MetricAggregation.Linear, 1)]
    [InlineData(10, MetricAggregation.Linear, 2)]
    [InlineData(35, MetricAggregation.Linear, 5)]
    [InlineData(100, MetricAggregation.Linear, 15)]
    [InlineData(1, MetricAggregation.WeightedExponential, 1)]
    [InlineData(10, MetricAggregation.WeightedExponential, 2)]
    [InlineData(36, MetricAggregation.WeightedExponential, 6)]
    [InlineData(100, MetricAggregation.WeightedExponential, 15)]
    public void ConstantLoad_ConvergesToLoadOverTargetAndStays(int concurrency, MetricAggregation aggregation, int expected)
    {
        // One request starts each (1 s ÷ concurrency) and takes 1 s, so concurrency is constant; the target is 7.
        var result = Simulator.Run(new Scenario
        {
            Seed = 1,
            Spec = ScalingSpec.Default with { Target = 7, Aggregation = aggregation },
            Length = S(600),
            Requests = _ => Arrivals.Even(concurrency, S(1.3), S(600)),
            ServiceTime = _ => S(1),
        });
        Assert.All(result.Replicas.Where(r => r.At > S(70)), r => Assert.Fail($"moved to {r.Count} at {r.At}"));
        Assert.Equal(expected, result.ReplicasAt(S(599)));
    }

    /// <summary>Requests per second decide, however long the requests take.</summary>
    [Theory]
    [InlineData(20, 0.5, 3)]
    [InlineData(30, 0.5, 5)]
    [InlineData(40, 0.5, 6)]
    [InlineData(40, 0.001, 6)]
    [InlineData(3, 5, 1)]
    public void ConstantRate_ConvergesToRateOverTargetAndStays(int rate, double takes, int expected)
    {
        var result = Simulator.Run(new Scenario
        {
            Seed = 1,
            Spec = ScalingSpec.Default with { Metric = ScalingMetric.RequestsPerSecond, Target = 7 },
            Length = S(600),
            Requests = _ => Arrivals.Even(rate, S(1.3), S(600)),
            ServiceTime = _ => S(takes),
        });
        Assert.All(result.Replicas.Where(r => r.At > S(70)), r => Assert.Fail($"moved to {r.Count} at {r.At}"));
        Assert.Equal(expected, result.ReplicasAt(S(599)));
    }

    [Fact]
    public void OneRequest_WakesAtOnceAndReturnsToZeroAfterTheWindow()
    {
        var result = Simulator.Run(new Scenario
        {
            Seed = 1, Length = S(200), Requests = _ => [S(10.7)], ServiceTime = _ => S(0.2), StartTime = S(0.3),
        });
        Assert.Equal([(S(0), 0), (S(10.7), 1)], result.Replicas.Take(2));
        Assert.Equal(0, result.ReplicasAt(S(199)));
        Assert.InRange(result.Replicas[^1].At, S(70.7), S(76));
        Assert.Equal(S(0.3), result.LongestHold);
    }

    [Fact]
    public void BurstAtZero_WithOneRequestAnInstance_ScalesOutWithinAReport()
    {
        var result = Simulator.Run(new Scenario
        {
            Seed = 1,
            Spec = ScalingSpec.Default with { Target = 0.7 },
            ContainerConcurrency = 1,
            Length = S(30),
            Requests = _ => Arrivals.Burst(50, S(5.5)),
            ServiceTime = _ => S(4),
        });
        Assert.True(result.ReplicasAt(S(6.6)) >= 50, $"only {result.ReplicasAt(S(6.6))} instances");
        Assert.Equal(0, result.StillHeld);
        Assert.True(result.LongestHold < S(2), $"held for {result.LongestHold}");
    }

    /// <summary>Whatever the load: bounds hold, nothing waits for ever, and it ends at rest.</summary>
    [Fact]
    public void AnyLoad_KeepsTheInvariants()
    {
        for (var seed = 1; seed <= 60; seed++)
        {
            var random = new Random(seed);
            var spec = AnySpec(random);
            var (from, to) = (S(random.Next(0, 30)), S(random.Next(31, 200)));
            var rate = random.NextDouble() * 40 + 0.2;
            var mean = random.NextDouble() * 2 + 0.005;
            var limit = random.Next(2) == 0 ? 0 : random.Next(1, 5);
            var bursts = Enumerable.Range(0, random.Next(0, 4)).Select(_ => (S(random.NextDouble() * 200), random.Next(1, 60))).ToArray();
            var result = Simulator.Run(new Scenario
            {
                Seed = seed,
                Spec = limit == 0 ? spec : spec with { Metric = ScalingMetric.Concurrency, Target = limit * 0.7 }, // a rate says nothing about a limit
                ContainerConcurrency = limit,
                Length = S(1500),
                Requests = r => Arrivals.Poisson(r, rate, from, to).Concat(bursts.SelectMany(b => Arrivals.Burst(b.Item2, b.Item1))),
                ServiceTime = r => S(-Math.Log(1 - r.NextDouble()) * mean),
                StartTime = S(random.NextDouble() * 5),
            });
            Check(result, spec, seed);
        }
    }

    private static ScalingSpec AnySpec(Random random)
    {
        var min = random.Next(0, 3);
        return ScalingSpec.Default with
        {
            MinScale = min,
            MaxScale = random.Next(2) == 0 ? 0 : min + random.Next(1, 12),
            ActivationScale = random.Next(0, 4),
            Target = random.NextDouble() * 20 + 0.1,
            StableWindow = S(random.Next(6, 90)),
            PanicWindow = S(random.Next(1, 6)),
            ScaleDownDelay = S(random.Next(3) == 0 ? random.Next(1, 60) : 0),
            PodRetention = S(random.Next(3) == 0 ? random.Next(1, 60) : 0),
            EnableScaleToZero = random.Next(5) != 0,
            Metric = (ScalingMetric)random.Next(2),
            Aggregation = (MetricAggregation)random.Next(2),
        };
    }

    private static void Check(SimulationResult result, ScalingSpec spec, int seed)
    {
        var floor = Math.Max(spec.MinScale, spec.EnableScaleToZero ? 0 : 1);
        foreach (var (at, decision) in result.Decisions)
        {
            Assert.True(decision.Desired >= spec.MinScale || decision.Desired == ScaleDecision.Unknown, $"seed {seed}, {at}: {decision} below min");
            Assert.True(spec.MaxScale == 0 || decision.Desired <= spec.MaxScale, $"seed {seed}, {at}: {decision} above max");
            Assert.True(decision.Inputs.Now == 0 || decision.Desired > 0, $"seed {seed}, {at}: {decision} zero with demand");
        }
        Assert.True(result.StillHeld == 0, $"seed {seed}: {result.StillHeld} requests wait for ever");
        Assert.True(result.Replicas[^1].Count == floor, $"seed {seed}: ends with {result.Replicas[^1].Count} instances, not {floor}");
    }

    [Fact]
    public void SameSeed_GivesTheSameResult()
    {
        Assert.Equal(Once().Replicas, Once().Replicas);

        static SimulationResult Once() => Simulator.Run(new Scenario
        {
            Seed = 99, Length = S(300), Requests = r => Arrivals.Poisson(r, 20, S(0), S(200)), ServiceTime = r => S(r.NextDouble()),
        });
    }
}
