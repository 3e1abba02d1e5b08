using Serval.Demo;

namespace Serval.Tests.Demo;

public sealed class DemoReportTests
{
    [Fact]
    public void From_HundredValues_GivesNearestRanks()
    {
        var burst = BurstResult.From([.. Enumerable.Range(1, 100).Select(i => (double)i).Reverse()], failed: 3);

        Assert.Equal(new BurstResult(103, 3, 50, 99), burst);
        Assert.Equal(new BurstResult(2, 2, 0, 0), BurstResult.From([], failed: 2));
    }

    [Fact]
    public void ToJson_Keys_AreTheDocumentedOnes()
    {
        var json = new DemoReport { ApplyToReadyMs = 1.23456 }.ToJson();

        Assert.Equal(
            ["revision", "buildMs", "startMs", "applyToReadyMs", "firstByteMs", "burst", "scaleToZeroMs", "wakeMs", "failedRequests"], json.Select(p => p.Key));
        Assert.Equal(["requests", "failed", "p50Ms", "p99Ms"], json["burst"]!.AsObject().Select(p => p.Key));
        Assert.Equal(1.23, (double)json["applyToReadyMs"]!);
    }
}
