using Serval.Routing;

namespace Serval.Proxy.Tests.Routing;

/// <summary>Shares of a rule over many seeded picks.</summary>
public sealed class SplitTests
{
    private const int Picks = 100_000;
    private readonly ManualTime _time = new();

    /// <summary>
    /// Any split in whole percents: every pick is a share that has traffic, and each share has its part within five standard deviations
    /// (for one percent of 100,000 picks: 1,000 ± 157).
    /// </summary>
    [Theory]
    [InlineData(1, 2)]
    [InlineData(2, 3)]
    [InlineData(3, 5)]
    [InlineData(4, 10)]
    [InlineData(5, 100)]
    public void AnySplit_IsKeptWithinBounds(int seed, int shares)
    {
        var random = new Random(seed);
        var weights = Weights(random, shares);
        Assert.Equal(100, weights.Sum());
        var counts = Count(weights, seed);
        Assert.Equal(Picks, counts.Sum());
        for (var i = 0; i < shares; i++)
        {
            var part = weights[i] / 100.0;
            var bound = 5 * Math.Sqrt(Picks * part * (1 - part));
            Assert.True(
                Math.Abs(counts[i] - Picks * part) <= bound, $"seed {seed}: share {i} has weight {weights[i]} and {counts[i]} of {Picks} picks, bound ±{bound:F0}");
        }
    }

    [Theory]
    [InlineData(99, 1)]
    [InlineData(1, 99)]
    [InlineData(100, 0)]
    [InlineData(0, 100)]
    public void Edges_AreKept(int first, int second)
    {
        var counts = Count([first, second], seed: 7);
        Assert.InRange(counts[0], Picks * first / 100 - 160, Picks * first / 100 + 160);
        Assert.Equal(first == 0 || second == 0, counts.Contains(0)); // nothing goes where no traffic is wanted, and 1 % is some
    }

    private static int[] Weights(Random random, int shares)
    {
        var weights = new int[shares];
        for (var percent = 0; percent < 100; percent++)
        {
            weights[random.Next(shares)]++;
        }
        return weights;
    }

    private int[] Count(int[] weights, int seed)
    {
        var picker = new Picker(new Random(seed));
        var state = new RoutingState(new GateServices(
            _time, picker, new DemandReporter(null, _time), 100, _ => new UpstreamPool(_time, TimeSpan.FromMinutes(1))));
        var rule = new RouteRule { Backends = [.. weights.Select((w, i) => new WeightedBackend { Backend = Key(i), Weight = w })] };
        state.Publish(new RouteTableBuilder().Add("h", rule).Build(1));
        var gates = Enumerable.Range(0, weights.Length).Where(i => weights[i] > 0).ToDictionary(i => state.Find(Key(i))!);
        var compiled = new CompiledRule(rule, key => state.Find(key)!);
        var counts = new int[weights.Length];
        for (var i = 0; i < Picks; i++)
        {
            counts[gates[compiled.Pick(picker)!.Gate]]++;
        }
        return counts;
    }

    private static BackendKey Key(int i) => BackendKey.Revision("n", $"r{i}");
}
