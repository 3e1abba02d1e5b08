using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Autoscaling;
using Serval.Api.Config;

namespace Serval.Autoscaling.Tests;

public sealed class ScalingSpecsTests
{
    private static PodAutoscaler Autoscaler(string annotations, int limit = 0) => KubeObject.From(new JsonObject
    {
        ["apiVersion"] = "autoscaling.internal.knative.dev/v1alpha1",
        ["kind"] = "PodAutoscaler",
        ["metadata"] = new JsonObject
        {
            ["name"] = "a",
            ["annotations"] = new JsonObject(annotations.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(a => a.Split('='))
                .Select(a => KeyValuePair.Create("autoscaling.knative.dev/" + a[0], (JsonNode?)a[1]))),
        },
        ["spec"] = new JsonObject { ["containerConcurrency"] = limit },
    }).As<PodAutoscaler>();

    /// <summary>As ResolveMetricTarget of knative/serving (pkg/reconciler/autoscaling/resources/target.go).</summary>
    [Theory]
    [InlineData("", 0, ScalingMetric.Concurrency, 70)]
    [InlineData("", 10, ScalingMetric.Concurrency, 7)]
    [InlineData("metric=concurrency target=20", 10, ScalingMetric.Concurrency, 7)]
    [InlineData("metric=rps", 0, ScalingMetric.RequestsPerSecond, 140)]
    [InlineData("metric=rps", 10, ScalingMetric.RequestsPerSecond, 140)]
    [InlineData("metric=rps target=10", 5, ScalingMetric.RequestsPerSecond, 7)]
    [InlineData("metric=rps target=10 target-utilization-percentage=50", 0, ScalingMetric.RequestsPerSecond, 5)]
    [InlineData("metric=rps target=0.01 target-utilization-percentage=1", 0, ScalingMetric.RequestsPerSecond, 0.01)]
    [InlineData("class=hpa.autoscaling.knative.dev metric=cpu target=80", 0, ScalingMetric.Concurrency, 70)]
    public void From_MetricAndTarget_AreKnatives(string annotations, int limit, ScalingMetric metric, double target)
    {
        var spec = ScalingSpecs.From(Autoscaler(annotations, limit), ServingConfig.Default);
        Assert.Equal(metric, spec.Metric);
        Assert.Equal(target, spec.Target, 9);
    }

    [Theory]
    [InlineData("", 0, 100, 211)]
    [InlineData("target=10 target-burst-capacity=7", 0, 10, 7)]
    [InlineData("target=10 target-burst-capacity=-1", 4, 4, -1)]
    [InlineData("metric=rps target-burst-capacity=0", 4, 200, 0)]
    public void From_BurstCapacity_IsCountedInTotals(string annotations, int limit, double total, double burst)
    {
        var spec = ScalingSpecs.From(Autoscaler(annotations, limit), ServingConfig.Default);
        Assert.Equal((total, burst), (spec.Total, spec.TargetBurstCapacity));
    }

    [Theory]
    [InlineData("", MetricAggregation.Linear)]
    [InlineData("metric-aggregation-algorithm=linear", MetricAggregation.Linear)]
    [InlineData("metric-aggregation-algorithm=weighted-exponential", MetricAggregation.WeightedExponential)]
    public void From_Algorithm_IsTheAnnotations(string annotations, MetricAggregation aggregation) =>
        Assert.Equal(aggregation, ScalingSpecs.From(Autoscaler(annotations), ServingConfig.Default).Aggregation);

    [Theory]
    [InlineData("", "")]
    [InlineData("metric-aggregation-algorithm=weighted-exponential", "")]
    [InlineData("metric=rps", "")]
    [InlineData("metric=queue-length", "metric \"queue-length\"")]
    [InlineData("class=hpa.autoscaling.knative.dev", "")]
    [InlineData("class=hpa.autoscaling.knative.dev metric=memory", "")]
    [InlineData("class=hpa.autoscaling.knative.dev metric=jobs", "metric \"jobs\"")]
    [InlineData("class=other.example.com", "class \"other.example.com\"")]
    public void Unsupported_WhatIsNotHonoured_IsNamed(string annotations, string named)
    {
        var what = ScalingSpecs.Unsupported(Autoscaler(annotations), ServingConfig.Default);
        Assert.Equal(named.Length == 0, what.Length == 0);
        Assert.Contains(named, what, StringComparison.Ordinal);
    }
}
