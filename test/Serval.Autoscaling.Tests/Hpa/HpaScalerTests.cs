using System.Globalization;
using Serval.Autoscaling.Hpa;

namespace Serval.Autoscaling.Tests.Hpa;

public sealed class HpaScalerTests
{
    private static readonly HpaLimits s_limits = new(1, 100, TimeSpan.Zero, TimeSpan.FromMinutes(5));

    /// <summary>As kubernetes' replica_calculator: pods' use over target, ceil, tolerance 0.1, and who is not measured or not ready adds nothing.</summary>
    [Theory]
    [InlineData(1, "1", 0, 1)]
    [InlineData(1, "1.1", 0, 1)] // within the tolerance
    [InlineData(1, "1.11", 0, 2)]
    [InlineData(4, "0.9 0.9 0.9 0.9", 0, 4)]
    [InlineData(4, "0.89 0.89 0.89 0.89", 0, 4)] // ceil(3.56)
    [InlineData(4, "0.5 0.5 0.5 0.5", 0, 2)]
    [InlineData(4, "0 0 0 0", 0, 0)]
    [InlineData(2, "3 5", 0, 8)]
    [InlineData(3, "3 ? 3", 0, 6)] // up: the one not measured is idle
    [InlineData(3, "1.5 ? 1.5", 0, 3)] // ... and with it there is enough
    [InlineData(4, "0.2 0.2 ? ?", 0, 3)] // down: they are at their target
    [InlineData(2, "0.8 ?", 0, 2)] // ... which is within the tolerance
    [InlineData(3, "3", 2, 3)] // up: who is not ready is idle
    [InlineData(3, "6", 2, 6)]
    [InlineData(3, "0.3", 2, 1)] // down: they do not count
    [InlineData(2, "4 4 4", 0, 12)] // more pods than there are to be
    [InlineData(9, "2", 0, 9)] // up never takes away
    [InlineData(1, "0.5 0.5 0.5 0.5", 0, 1)] // down never adds
    [InlineData(2, "? ?", 0, null)]
    [InlineData(2, "", 2, null)]
    [InlineData(1, "1e300", 0, int.MaxValue)]
    public void Propose_BringsPodsToTheirTarget(int current, string loads, int unready, int? replicas) =>
        Assert.Equal(replicas, HpaScaler.Propose(current, Loads(loads), unready));

    [Fact]
    public void Propose_WhoWasNotMeasured_IsTakenToUseItsRequest_WhenFewerAreWanted()
    {
        Assert.Equal(2, HpaScaler.Propose(3, Loads("0.2 0.2 ?")));
        Assert.Equal(3, HpaScaler.Propose(3, Loads("0.2 0.2 ?"), missing: 2)); // a target of 50 %: twice its target
    }

    [Fact]
    public void Decide_Down_WaitsUntilNothingInTheWindowWantedMore()
    {
        var scaler = new HpaScaler();
        Assert.Equal(new HpaDecision(8, HpaLimit.DesiredWithinRange, HpaHold.No), scaler.Decide(s_limits, 8, 8, default));
        for (var second = 15; second < 300; second += 15)
        {
            Assert.Equal(new HpaDecision(8, HpaLimit.DesiredWithinRange, HpaHold.ScalingDown), scaler.Decide(s_limits, 8, second < 60 ? 2 : 3, TimeSpan.FromSeconds(second)));
        }
        Assert.Equal(new HpaDecision(3, HpaLimit.DesiredWithinRange, HpaHold.No), scaler.Decide(s_limits, 8, 3, TimeSpan.FromSeconds(300)));
    }

    [Fact]
    public void Decide_FirstOfAll_TakesWhatThereIsAsWanted() =>
        Assert.Equal(8, new HpaScaler().Decide(s_limits, 8, 1, TimeSpan.FromHours(7)).Desired);

    [Fact]
    public void Decide_Up_WithAWindow_TakesTheLeastOfIt()
    {
        var limits = s_limits with { UpWindow = TimeSpan.FromSeconds(20) };
        var scaler = new HpaScaler();
        Assert.Equal(new HpaDecision(1, HpaLimit.DesiredWithinRange, HpaHold.ScalingUp), scaler.Decide(limits, 1, 4, default));
        Assert.Equal(1, scaler.Decide(limits, 1, 4, TimeSpan.FromSeconds(15)).Desired);
        Assert.Equal(3, scaler.Decide(limits, 1, 3, TimeSpan.FromSeconds(30)).Desired);
    }

    /// <summary>The most of four pods and the double in 15 s.</summary>
    [Theory]
    [InlineData(1, 50, 5)]
    [InlineData(3, 50, 7)]
    [InlineData(4, 50, 8)]
    [InlineData(20, 50, 40)]
    [InlineData(60, 500, 100)] // the bound, not the rate
    public void Decide_Up_IsBounded(int current, int proposed, int desired)
    {
        var decision = new HpaScaler().Decide(s_limits, current, proposed, default);
        Assert.Equal((desired, desired == 100 ? HpaLimit.TooManyReplicas : HpaLimit.ScaleUpLimit), (decision.Desired, decision.Limit));
    }

    [Fact]
    public void Decide_TwiceInAPeriod_GrowsOnce()
    {
        var scaler = new HpaScaler();
        Assert.Equal(5, scaler.Decide(s_limits, 1, 50, default).Desired);
        Assert.Equal((5, HpaLimit.ScaleUpLimit), (scaler.Decide(s_limits, 5, 50, TimeSpan.FromSeconds(14)) is var d ? d.Desired : 0, d.Limit));
        Assert.Equal(10, scaler.Decide(s_limits, 5, 50, TimeSpan.FromSeconds(15)).Desired);
    }

    [Theory]
    [InlineData(0, 0, 2, HpaLimit.TooFewReplicas)]
    [InlineData(9, 9, 6, HpaLimit.TooManyReplicas)] // at once, whatever was wanted
    [InlineData(2, 0, 2, HpaLimit.TooFewReplicas)]
    [InlineData(4, 4, 4, HpaLimit.DesiredWithinRange)]
    public void Decide_StaysWithinItsBounds(int current, int proposed, int desired, HpaLimit limit)
    {
        var scaler = new HpaScaler();
        var limits = new HpaLimits(2, 6, TimeSpan.Zero, TimeSpan.Zero);
        Assert.Equal((desired, limit), (scaler.Decide(limits, current, proposed, default) is var d ? d.Desired : 0, d.Limit));
    }

    private static double?[] Loads(string text) =>
        [.. text.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(l => l == "?" ? (double?)null : double.Parse(l, CultureInfo.InvariantCulture))];
}
