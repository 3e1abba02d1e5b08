using Serval.Api.Config;
using Serval.Api.Serving;

namespace Serval.Api.Tests.Serving;

public sealed class ServingNamesTests
{
    [Theory]
    [InlineData("hello-00001", "-deployment", "hello-00001-deployment")]
    [InlineData("a", "", "a")]
    public void ChildName_Short_IsTheConcatenation(string parent, string suffix, string name) => Assert.Equal(name, ChildNames.Of(parent, suffix));

    // The expected names are kmeta.ChildName's own (they are stored in clusters, so they must not differ).
    [Theory]
    [InlineData("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "-deployment", "aaaaaaaaaaaaaaaaaaaab06521f39153d618550606be297466d5-deployment")]
    public void ChildName_LongParent_KeepsHeadHashAndSuffix(string parent, string suffix, string expected)
    {
        var name = ChildNames.Of(parent, suffix);
        Assert.Equal(63, name.Length);
        Assert.Equal(expected, name);
    }

    [Fact]
    public void ChildName_LongSuffix_HashesBothAndEndsAlphanumeric()
    {
        var suffix = "-" + new string('b', 40);
        Assert.Equal(63, ChildNames.Of(new string('a', 63), suffix).Length);
        var name = ChildNames.Of("abcdefghijklmnopqrstuvwxyz1234", suffix);
        Assert.StartsWith("abcdefghijklmnopqrstuvwxyz1234", name, StringComparison.Ordinal);
        Assert.True(char.IsAsciiLetterOrDigit(name[^1]));
        Assert.Equal(62, name.Length);
    }

    [Fact]
    public void Annotations_Absent_FollowTheCluster()
    {
        var read = Read(new AutoscalerConfig { MinScale = 2, MaxScale = 9, ScaleDownDelay = TimeSpan.FromSeconds(3) });
        Assert.Equal(AutoscalingAnnotations.Kpa, read.Class);
        Assert.Equal("concurrency", read.Metric);
        Assert.Equal((2, 9), read.ScaleBounds(reachable: true));
        Assert.Equal((0, 9), read.ScaleBounds(reachable: false));
        Assert.Equal(TimeSpan.FromSeconds(60), read.StableWindow);
        Assert.Equal(TimeSpan.FromSeconds(6), read.PanicWindow);
        Assert.Equal(2.0, read.PanicThreshold);
        Assert.Equal(211, read.TargetBurstCapacity);
        Assert.Equal(1, read.ActivationScale);
        Assert.Equal(TimeSpan.FromSeconds(3), read.ScaleDownDelay);
        Assert.Equal("linear", read.Algorithm);
        Assert.Null(read.ProgressDeadline);
    }

    [Fact]
    public void Annotations_NewSpelling_WinsOverOld()
    {
        var read = Read(AutoscalerConfig.Default, ("autoscaling.knative.dev/minScale", "1"), ("autoscaling.knative.dev/min-scale", "3"),
            ("autoscaling.knative.dev/maxScale", "7"), ("autoscaling.knative.dev/panicWindowPercentage", "1"),
            ("autoscaling.knative.dev/scaleToZeroPodRetentionPeriod", "1m"), ("serving.knative.dev/progress-deadline", "90s"));
        Assert.Equal((3, 7), read.ScaleBounds(reachable: true));
        Assert.Equal(TimeSpan.FromSeconds(1), read.PanicWindow);
        Assert.Equal(TimeSpan.FromMinutes(1), read.ScaleToZeroPodRetention);
        Assert.Equal(TimeSpan.FromSeconds(90), read.ProgressDeadline);
    }

    [Theory]
    [InlineData(0, "concurrency", null, null, 70, 100)]
    [InlineData(10, "concurrency", null, null, 7, 10)]
    [InlineData(10, "concurrency", "20", null, 7, 10)]
    [InlineData(10, "concurrency", "5", "100", 5, 5)]
    [InlineData(0, "rps", null, null, 140, 200)]
    [InlineData(0, "rps", "50", "50", 25, 50)]
    [InlineData(0, "concurrency", "0.01", null, 0.01, 0.01)]
    public void ResolveTarget_LimitAndAnnotations_GiveTargetAndTotal(long limit, string metric, string? target, string? percentage, double aim, double total)
    {
        List<(string, string)> pairs = [(AutoscalingAnnotations.MetricKey, metric)];
        if (target is not null)
        {
            pairs.Add((AutoscalingAnnotations.TargetKey, target));
        }
        if (percentage is not null)
        {
            pairs.Add((AutoscalingAnnotations.TargetUtilizationKey, percentage));
        }
        var (actualAim, actualTotal) = Read(AutoscalerConfig.Default, [.. pairs]).ResolveTarget(limit);
        Assert.Equal(aim, actualAim, 9);
        Assert.Equal(total, actualTotal, 9);
    }

    [Fact]
    public void InitialScale_Zero_NeedsTheClustersLeave()
    {
        (string, string) zero = (AutoscalingAnnotations.InitialScaleKey, "0");
        Assert.Equal(1, Read(AutoscalerConfig.Default, zero).InitialScale);
        Assert.Equal(0, Read(new AutoscalerConfig { AllowZeroInitialScale = true }, zero).InitialScale);
        Assert.Equal(4, Read(AutoscalerConfig.Default, (AutoscalingAnnotations.InitialScaleKey, "4")).InitialScale);
    }

    private static AutoscalingAnnotations Read(AutoscalerConfig config, params (string Key, string Value)[] pairs) =>
        new(pairs.ToDictionary(p => p.Key, p => p.Value), config);
}
