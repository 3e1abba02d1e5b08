namespace Serval.Autoscaling.Tests;

public sealed class RevisionScalerTests
{
    private static readonly DateTimeOffset s_t0 = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);
    private static readonly DateTimeOffset s_longAgo = s_t0.AddHours(-1);

    private static ScaleObservation World(int ready, int? replicas = null, bool initialised = true, DateTimeOffset? gateway = null) =>
        new(ready, replicas ?? ready, initialised, gateway ?? s_longAgo);

    private static RevisionScaler Loaded(ScalingSpec spec, int ready, double concurrency, int seconds)
    {
        var scaler = new RevisionScaler(spec, 0, s_t0);
        for (var i = 0; i <= seconds; i++)
        {
            scaler.Report("g", new DemandSample((int)concurrency, 0, concurrency, 1), s_t0.AddSeconds(i));
            scaler.Decide(World(ready), s_t0.AddSeconds(i));
        }
        return scaler;
    }

    [Fact]
    public void Decide_FirstHeldRequestAtZero_WantsOneAtOnce()
    {
        var scaler = new RevisionScaler(ScalingSpec.Default, 0, s_t0);
        Assert.True(scaler.Report("g", new DemandSample(0, 1, 0, 1), s_t0));
        var decision = scaler.Decide(World(0), s_t0);
        Assert.Equal(1, decision.Replicas);
        Assert.True(decision.Changes);
    }

    [Fact]
    public void Decide_FirstHeldRequestWithActivationScale_WantsThatMany()
    {
        var scaler = new RevisionScaler(ScalingSpec.Default with { ActivationScale = 3 }, 0, s_t0);
        scaler.Report("g", new DemandSample(0, 1, 0, 1), s_t0);
        var decision = scaler.Decide(World(0), s_t0);
        Assert.Equal(3, decision.Replicas);
        Assert.Equal(ScaleReason.ActivationScale, decision.Reason);
    }

    [Theory]
    [InlineData(700, 10, 10)] // 700 / 70
    [InlineData(701, 11, 11)]
    [InlineData(1, 1, 1)]
    public void Decide_SteadyLoad_IsLoadOverTarget(int concurrency, int ready, int expected)
    {
        var scaler = Loaded(ScalingSpec.Default, ready, concurrency, 10);
        Assert.Equal(expected, scaler.Last!.Value.Desired);
    }

    [Fact]
    public void Decide_BeyondMaxScaleUpRate_IsCut()
    {
        var scaler = Loaded(ScalingSpec.Default with { MaxScaleUpRate = 1.5 }, 2, 7000, 1);
        Assert.Equal(3, scaler.Last!.Value.Desired);
        Assert.Equal(ScaleReason.ScaleUpRate, scaler.Last!.Value.Reason);
    }

    [Fact]
    public void Decide_MuchLessLoad_HalvesPerDecision()
    {
        var scaler = new RevisionScaler(ScalingSpec.Default, 0, s_t0);
        scaler.Report("g", new DemandSample(1, 0, 0, 1), s_t0);
        var decision = scaler.Decide(World(8), s_t0);
        Assert.Equal(4, decision.Desired);
        Assert.Equal(ScaleReason.ScaleDownRate, decision.Reason);
    }

    [Fact]
    public void Decide_UnreachableRevision_IgnoresMinScaleAndDownRate()
    {
        var scaler = new RevisionScaler(ScalingSpec.Default with { MinScale = 5, Reachable = false }, 0, s_t0);
        scaler.Report("g", new DemandSample(1, 0, 0, 1), s_t0);
        Assert.Equal(1, scaler.Decide(World(8), s_t0).Desired);
    }

    [Fact]
    public void Decide_Bounds_Hold()
    {
        var spec = ScalingSpec.Default with { MinScale = 2, MaxScale = 4 };
        var scaler = Loaded(spec, 4, 7000, 3);
        Assert.Equal(4, scaler.Last!.Value.Desired);
        Assert.Equal(ScaleReason.MaxScale, scaler.Last!.Value.Reason);
        var idle = new RevisionScaler(spec, 0, s_t0).Decide(World(2), s_t0.AddHours(1));
        Assert.Equal(2, idle.Desired);
        Assert.Equal(ScaleReason.MinScale, idle.Reason);
    }

    [Fact]
    public void Decide_BeforeInitialScaleIsReached_KeepsIt()
    {
        var spec = ScalingSpec.Default with { InitialScale = 3 };
        var scaler = new RevisionScaler(spec, 0, s_t0);
        Assert.Equal(3, scaler.Decide(World(1, 3, initialised: false), s_t0.AddMinutes(5)).Replicas);
        var reached = s_t0.AddMinutes(5);
        Assert.Equal(3, scaler.Decide(World(3, 3, initialised: true), reached).Replicas);
        Assert.Equal(3, scaler.Decide(World(3, 3, initialised: true), reached.AddSeconds(1.9)).Replicas);
        Assert.Equal(1, scaler.Decide(World(3, 3, initialised: true), reached.AddSeconds(2)).Replicas);
    }

    [Fact]
    public void Decide_InitialScaleReachedBefore_IsNotKept() =>
        Assert.Equal(1, new RevisionScaler(ScalingSpec.Default with { InitialScale = 3 }, 0, s_t0).Decide(World(3, 3, initialised: true), s_t0).Replicas);

    /// <summary>As applyBounds of knative/serving (pkg/reconciler/autoscaling/kpa/scaler.go): the floor wins over max-scale.</summary>
    [Theory]
    [InlineData(0, 0, 7, 7)]
    [InlineData(2, 4, 1, 2)]
    [InlineData(2, 4, 3, 3)]
    [InlineData(2, 4, 9, 4)]
    [InlineData(5, 3, 1, 5)]
    [InlineData(5, 3, 4, 5)]
    public void Bound_FloorAndMax_FloorWins(int initial, int max, int scale, int expected) =>
        Assert.Equal(expected, (ScalingSpec.Default with { InitialScale = initial, MaxScale = max }).Bound(scale, initialised: false));

    [Theory]
    [InlineData(0, 10, 5, 3, 0)]
    [InlineData(-1, 10, 5, 3, -1)]
    [InlineData(7, 10, 1, 7, -4)]
    [InlineData(7, 10, 2, 12, 1)]
    [InlineData(7, 10, 2, 12.5, 0)]
    [InlineData(211, 100, 0, 0, -211)]
    [InlineData(211, 100, 3, 0, 89)]
    public void Decide_ExcessBurst_IsCapacityLessBurstLessLoad(double burst, double total, int ready, double load, int expected)
    {
        var scaler = Loaded(ScalingSpec.Default with { TargetBurstCapacity = burst, Total = total }, ready, load, 10);
        Assert.Equal(expected, scaler.Last!.Value.Inputs.ExcessBurst);
    }

    [Fact]
    public void Decide_Burst_PanicsAndLetsNothingGoForAWindow()
    {
        var scaler = Loaded(ScalingSpec.Default, 1, 10, 60);
        for (var i = 61; i <= 66; i++)
        {
            scaler.Report("g", new DemandSample(700, 0, 700, 1), s_t0.AddSeconds(i));
            scaler.Decide(World(1), s_t0.AddSeconds(i));
        }
        Assert.Equal(10, scaler.Last!.Value.Desired);
        Assert.Equal(ScaleReason.Panic, scaler.Last!.Value.Reason);
        for (var i = 67; i <= 125; i++)
        {
            scaler.Report("g", new DemandSample(1, 0, 1, 1), s_t0.AddSeconds(i));
            Assert.Equal(10, scaler.Decide(World(10), s_t0.AddSeconds(i)).Desired);
        }
        scaler.Report("g", new DemandSample(1, 0, 1, 1), s_t0.AddSeconds(135));
        Assert.Equal(5, scaler.Decide(World(10), s_t0.AddSeconds(135)).Desired);
    }

    [Fact]
    public void Decide_RestartWithManyReady_KeepsThemForAWindow()
    {
        var scaler = new RevisionScaler(ScalingSpec.Default, 6, s_t0);
        Assert.Equal(6, scaler.Decide(World(6), s_t0.AddSeconds(30)).Desired);
        Assert.Equal(3, scaler.Decide(World(6), s_t0.AddSeconds(61)).Desired);
    }

    [Fact]
    public void Decide_ScaleDownDelay_HoldsTheHigherScale()
    {
        var spec = ScalingSpec.Default with { ScaleDownDelay = TimeSpan.FromSeconds(20), Target = 1, StableWindow = TimeSpan.FromSeconds(6) };
        var scaler = Loaded(spec with { PanicThreshold = 100 }, 4, 4, 10);
        for (var i = 11; i <= 50; i++)
        {
            scaler.Report("g", new DemandSample(1, 0, 1, 1), s_t0.AddSeconds(i));
            var decision = scaler.Decide(World(4), s_t0.AddSeconds(i));
            if (i is > 18 and < 29)
            {
                Assert.Equal((4, ScaleReason.ScaleDownDelay), (decision.Desired, decision.Reason));
            }
        }
        Assert.Equal(2, scaler.Last!.Value.Desired);
    }

    [Fact]
    public void ToZero_IdleForTheWindow_GoesAtOnceWhenTheGatewayWasAlwaysInThePath()
    {
        var scaler = Loaded(ScalingSpec.Default, 1, 1, 5);
        scaler.Report("g", default, s_t0.AddSeconds(6));
        for (var i = 7; i < 64; i++)
        {
            Assert.Equal(1, scaler.Decide(World(1), s_t0.AddSeconds(i)).Replicas);
        }
        var decision = scaler.Decide(World(1), s_t0.AddSeconds(66.1));
        Assert.Equal((0, ScaleReason.Idle), (decision.Replicas, decision.Reason));
        Assert.False(scaler.IsAtRest(World(1), s_t0.AddSeconds(66.1)));
        scaler.Decide(World(0), s_t0.AddSeconds(68));
        Assert.True(scaler.IsAtRest(World(0), s_t0.AddSeconds(68)));
    }

    [Fact]
    public void ToZero_GatewayYoungerThanTheGracePeriod_Waits()
    {
        var spec = ScalingSpec.Default with { StableWindow = TimeSpan.FromSeconds(6) };
        var scaler = new RevisionScaler(spec, 0, s_t0);
        scaler.Decide(World(1, gateway: s_t0), s_t0);
        var early = scaler.Decide(World(1, gateway: s_t0), s_t0.AddSeconds(8));
        Assert.Equal((0, null, ScaleReason.GracePeriod), (early.Desired, early.Replicas, early.Reason));
        Assert.Equal(0, scaler.Decide(World(1, gateway: s_t0), s_t0.AddSeconds(30)).Replicas);
    }

    [Fact]
    public void ToZero_PodRetention_KeepsTheLastInstance()
    {
        var spec = ScalingSpec.Default with { PodRetention = TimeSpan.FromSeconds(100) };
        var scaler = new RevisionScaler(spec, 0, s_t0);
        scaler.Decide(World(1), s_t0);
        var first = scaler.Decide(World(1), s_t0.AddSeconds(60));
        Assert.Equal((0, null, ScaleReason.PodRetention), (first.Desired, first.Replicas, first.Reason));
        Assert.Null(scaler.Decide(World(1), s_t0.AddSeconds(159)).Replicas);
        Assert.Equal(0, scaler.Decide(World(1), s_t0.AddSeconds(160)).Replicas);
    }

    [Fact]
    public void ToZero_NewDemandDuringRetention_StartsOver()
    {
        var spec = ScalingSpec.Default with { PodRetention = TimeSpan.FromSeconds(100) };
        var scaler = new RevisionScaler(spec, 0, s_t0);
        scaler.Decide(World(1), s_t0);
        scaler.Decide(World(1), s_t0.AddSeconds(60));
        scaler.Report("g", new DemandSample(1, 0, 0, 1), s_t0.AddSeconds(70));
        Assert.Equal(1, scaler.Decide(World(1), s_t0.AddSeconds(70)).Replicas);
        scaler.Report("g", default, s_t0.AddSeconds(71));
        Assert.Equal(ScaleReason.IdleWindow, scaler.Decide(World(1), s_t0.AddSeconds(130.5)).Reason);
        Assert.Equal(ScaleReason.PodRetention, scaler.Decide(World(1), s_t0.AddSeconds(132)).Reason);
    }

    [Fact]
    public void ToZero_Disabled_KeepsOneAndRests()
    {
        var scaler = new RevisionScaler(ScalingSpec.Default with { EnableScaleToZero = false }, 0, s_t0);
        scaler.Decide(World(1), s_t0);
        var decision = scaler.Decide(World(1), s_t0.AddMinutes(5));
        Assert.Equal((1, ScaleReason.ScaleToZeroDisabled), (decision.Replicas, decision.Reason));
        Assert.True(scaler.IsAtRest(World(1), s_t0.AddMinutes(5)));
    }

    [Fact]
    public void ToZero_NeverReady_TimesOut()
    {
        var scaler = new RevisionScaler(ScalingSpec.Default, 0, s_t0);
        var decision = scaler.Decide(World(0, 1, initialised: false), s_t0);
        Assert.Equal((ScaleDecision.Unknown, null, ScaleReason.Activating), (decision.Desired, decision.Replicas, decision.Reason));
        scaler.Decide(World(0, 1, initialised: false), s_t0.AddSeconds(630));
        decision = scaler.Decide(World(0, 1, initialised: false), s_t0.AddSeconds(631));
        Assert.Equal((0, ScaleReason.ActivationTimedOut), (decision.Replicas, decision.Reason));
    }

    [Fact]
    public void IsAtRest_MinScaleWithoutDemand_AfterTheWindow()
    {
        var scaler = new RevisionScaler(ScalingSpec.Default with { MinScale = 1 }, 0, s_t0);
        scaler.Decide(World(1), s_t0.AddSeconds(30));
        Assert.False(scaler.IsAtRest(World(1), s_t0.AddSeconds(30)));
        scaler.Decide(World(1), s_t0.AddSeconds(91));
        Assert.True(scaler.IsAtRest(World(1), s_t0.AddSeconds(91)));
    }

    [Fact]
    public void Report_HeldRequests_AskForADecision()
    {
        var scaler = Loaded(ScalingSpec.Default, 1, 5, 3);
        Assert.False(scaler.Report("g", new DemandSample(5, 0, 5, 1), s_t0.AddSeconds(4)));
        Assert.True(scaler.Report("g", new DemandSample(5, 2, 5, 1), s_t0.AddSeconds(5)));
    }
}
