using Serval.Routing;

namespace Serval.Proxy.Tests.Routing;

/// <summary>Shares of a rule over many seeded picks.</summary>
public sealed class SplitTests
{
    private const int Picks = 100_000;
    private readonly ManualTime _time = new();

    /// <summary>
    /// Any split in whole percents: every pick is a share that has traffic, and each share has its part of any 40 picks in a row within two or three, and of all within ten. Dice
    /// would give 31 of 40 to one half now and then, and a user would take that for a fault.
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
        var picks = Pick(weights, seed);
        AssertShared(picks, weights, 10, $"seed {seed}");
        foreach (var (run, at) in picks.Chunk(40).Select(static (r, i) => (r, i)))
        {
            AssertShared(run, weights, 3, $"seed {seed}, run {at}");
        }
    }

    /// <summary>A client that takes turns, read and write, or one page and its two pictures, is shared out by each of them.</summary>
    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void TurnsOfAClient_AreKeptWithinBounds(int period)
    {
        var picks = Pick([50, 30, 20], seed: period);
        for (var turn = 0; turn < period; turn++)
        {
            AssertShared([.. picks.Skip(turn).Where((_, i) => i % period == 0).Take(1000)], [50, 30, 20], 8, $"period {period}, turn {turn}");
        }
    }

    /// <summary>Tables change often while services wake: what begins anew must not favour a share.</summary>
    [Fact]
    public void FirstPicks_OfRulesThatAreMadeAnew_AreKeptWithinBounds()
    {
        var picker = new Picker(new Random(11));
        var (rule, state) = Compile([50, 50], picker);
        var first = Enumerable.Range(0, 10_000).Count(_ => new CompiledRule(rule, key => state.Find(key)!).Pick(picker)!.Gate == state.Find(Key(0)));
        Assert.InRange(first, 4_750, 5_250); // five standard deviations
    }

    [Theory]
    [InlineData(99, 1)]
    [InlineData(1, 99)]
    [InlineData(100, 0)]
    [InlineData(0, 100)]
    public void Edges_AreKept(int first, int second)
    {
        var picks = Pick([first, second], seed: 7);
        AssertShared(picks, [first, second], first is 0 or 100 ? 0 : 10, "seed 7"); // nothing goes where no traffic is wanted, and 1 % is some
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

    private static void AssertShared(int[] picks, int[] weights, int bound, string what)
    {
        for (var i = 0; i < weights.Length; i++)
        {
            var count = picks.Count(p => p == i);
            Assert.True(Math.Abs(count - picks.Length * weights[i] / 100.0) <= bound, $"{what}: share {i} has weight {weights[i]} and {count} of {picks.Length} picks, bound ±{bound}");
        }
    }

    private int[] Pick(int[] weights, int seed)
    {
        var picker = new Picker(new Random(seed));
        var (rule, state) = Compile(weights, picker);
        var gates = Enumerable.Range(0, weights.Length).Where(i => weights[i] > 0).ToDictionary(i => state.Find(Key(i))!);
        var compiled = new CompiledRule(rule, key => state.Find(key)!);
        return [.. Enumerable.Range(0, Picks).Select(_ => gates[compiled.Pick(picker)!.Gate])];
    }

    private (RouteRule Rule, RoutingState State) Compile(int[] weights, Picker picker)
    {
        var state = new RoutingState(new GateServices(
            _time, picker, new DemandReporter(null, _time), 100, _ => new UpstreamPool(_time, TimeSpan.FromMinutes(1))));
        var rule = new RouteRule { Backends = [.. weights.Select((w, i) => new WeightedBackend { Backend = Key(i), Weight = w })] };
        state.Publish(new RouteTableBuilder().Add("h", rule).Build(1));
        return (rule, state);
    }

    private static BackendKey Key(int i) => BackendKey.Revision("n", $"r{i}");
}
