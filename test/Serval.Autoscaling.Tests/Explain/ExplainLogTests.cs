using Serval.Api;

namespace Serval.Autoscaling.Tests;

public sealed class ExplainLogTests
{
    private static readonly DateTimeOffset s_t0 = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);

    private static ScaleDecision Decision(int desired) => new(desired, desired, ScaleReason.StableWindow, default);

    [Fact]
    public void Record_SameDecision_CountsUp()
    {
        var log = new ExplainLog(8);
        var key = new ObjectKey("d", "a");
        log.Record(key, Decision(1), s_t0);
        log.Record(key, Decision(1), s_t0.AddSeconds(2));
        log.Record(key, Decision(2), s_t0.AddSeconds(4));
        var lines = log.Read(key);
        Assert.Equal([2, 1], lines.Select(l => l.Times));
        Assert.Contains("→ 2 (StableWindow)", lines[1].ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Record_MoreThanItsCapacity_KeepsTheLatest()
    {
        var log = new ExplainLog(4);
        for (var i = 0; i < 100; i++)
        {
            log.Record(new ObjectKey("d", "r" + i % 7), Decision(i), s_t0.AddSeconds(i));
        }
        Assert.Equal([96, 97, 98, 99], log.Read().Select(l => l.Decision.Desired));
        Assert.DoesNotContain(log.Read(new ObjectKey("d", "r0")), l => l.Decision.Desired < 96);
    }
}
