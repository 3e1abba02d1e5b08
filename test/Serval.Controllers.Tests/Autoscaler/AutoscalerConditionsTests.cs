using Serval.Api;
using Serval.Controllers.Autoscaler;
using Serval.Kube;

namespace Serval.Controllers.Tests.Autoscaler;

public sealed class AutoscalerConditionsTests
{
    /// <summary>The table of computeActiveCondition (knative/serving pkg/reconciler/autoscaling/kpa/kpa.go), row by row.</summary>
    [Theory]
    [InlineData(0, 0, 1, "True", "False NoTraffic")]
    [InlineData(0, 1, 1, "True", "False NoTraffic")]
    [InlineData(0, 3, 2, "False", "False NoTraffic")]
    [InlineData(0, 0, 1, "Unknown", "False TimedOut")] // zero while activating: it did not come up in time
    [InlineData(0, 0, 0, "Unknown", "False NoTraffic")] // initial-scale 0
    [InlineData(1, 0, 1, "False", "Unknown Queued")]
    [InlineData(1, 0, 1, "True", "Unknown Queued")]
    [InlineData(3, 1, 2, "Unknown", "Unknown Queued")]
    [InlineData(1, 1, 1, "False", "True")]
    [InlineData(3, 2, 2, "Unknown", "True")]
    [InlineData(1, 1, 1, "True", "True")]
    [InlineData(-1, 0, 1, "False", "False NoTraffic")]
    [InlineData(-1, 0, 1, "Unknown", "Unknown Queued")]
    [InlineData(-1, 0, 1, "True", "Unknown Queued")]
    [InlineData(-1, 1, 1, "False", "False NoTraffic")]
    [InlineData(-1, 0, 0, "Unknown", "False NoTraffic")]
    [InlineData(-1, 1, 0, "True", "False NoTraffic")]
    [InlineData(-1, 1, 1, "Unknown", "True")]
    [InlineData(-1, 1, 1, "True", "True")]
    public void Active_FollowsUpstreamsTable(int want, int ready, int threshold, string before, string after)
    {
        var conditions = Conditions(new Condition { Type = AutoscalerConditions.Active, Status = before, Reason = before == "True" ? "" : "Before" });
        AutoscalerConditions.MarkTarget(conditions, ready, threshold, reachable: true);
        AutoscalerConditions.MarkActive(conditions, want, ready, threshold);
        var active = conditions[AutoscalerConditions.Active]!;
        Assert.Equal(after, $"{active.Status} {active.Reason}".Trim());
        Assert.Equal(ready >= threshold, conditions.IsTrue(AutoscalerConditions.Initialised));
    }

    [Fact]
    public void Active_TimedOut_IsSaidUntilThereIsDemand()
    {
        var conditions = Conditions(new Condition { Type = AutoscalerConditions.Active, Status = "False", Reason = "TimedOut" });
        AutoscalerConditions.MarkActive(conditions, 0, 0, 1);
        Assert.Equal("TimedOut", conditions[AutoscalerConditions.Active]!.Reason);
        AutoscalerConditions.MarkActive(conditions, 1, 0, 1);
        Assert.Equal("Queued", conditions[AutoscalerConditions.Active]!.Reason);
    }

    private static ConditionSet Conditions(Condition active) =>
        new([active], DateTimeOffset.UnixEpoch, AutoscalerConditions.Active, AutoscalerConditions.Initialised, AutoscalerConditions.ServiceReady);
}
