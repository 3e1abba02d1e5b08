using Serval.Node.Agent;

namespace Serval.Node.Tests;

public sealed class RestartBackOffTests
{
    [Fact]
    public void Ended_AgainAndAgain_DoublesToFiveMinutes()
    {
        var time = new ManualTime();
        var backOff = new RestartBackOff();
        foreach (var seconds in (int[])[0, 10, 20, 40, 80, 160, 300, 300])
        {
            Assert.Equal(TimeSpan.FromSeconds(seconds), backOff.Ended(time));
            time.Advance(backOff.Current);
            backOff.Restarted(time);
        }
    }

    /// <summary>What is forgotten depends on how long the container ran, not on what the wall clock says.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(-24)]
    [InlineData(24)]
    public void Ended_WallClockSteps_ForgetsAfterTenMinutesOfRunning(int hours)
    {
        var time = new ManualTime();
        var backOff = new RestartBackOff();
        backOff.Restarted(time);
        time.StepWallClock(TimeSpan.FromHours(hours));
        time.Advance(TimeSpan.FromMinutes(10));
        Assert.Equal(TimeSpan.FromSeconds(10), backOff.Ended(time));
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(TimeSpan.Zero, backOff.Ended(time));
        backOff.Restarted(time);
        Assert.Equal(TimeSpan.FromSeconds(10), backOff.Current);
    }
}
