using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Autoscaling;
using Serval.Api.Networking;
using Serval.Controllers.Autoscaler;
using Serval.Controllers.Tests.TestServices;
using Serval.Kube;

namespace Serval.Controllers.Tests.Autoscaler;

/// <summary>A revision of class hpa: its HorizontalPodAutoscaler, and what that makes of the use of its pods.</summary>
public sealed class HpaTests : IPodUsage, IAsyncDisposable
{
    private static readonly TimeSpan s_period = TimeSpan.FromSeconds(15);

    private AutoscalerWorld _world = null!;
    private HpaReconciler _scaler = null!;
    private RecordedEvents _events = null!;
    private double _cores;
    private TimeSpan _spent;
    private long _bytes = 1 << 20;
    private int _asked;

    PodUsage? IPodUsage.UsageOf(string uid)
    {
        _asked++;
        return new PodUsage(_spent, _bytes);
    }

    public ValueTask DisposeAsync() => _world.DisposeAsync();

    [Theory]
    [InlineData("", """{"maxReplicas":2147483647,"metrics":[{"resource":{"name":"cpu","target":{"averageUtilization":80,"type":"Utilization"}},"type":"Resource"}],"minReplicas":1,""")]
    [InlineData("metric=cpu target=74.5 min-scale=2 max-scale=7", """{"maxReplicas":7,"metrics":[{"resource":{"name":"cpu","target":{"averageUtilization":75,"type":"Utilization"}},"type":"Resource"}],"minReplicas":2,""")]
    [InlineData("metric=memory target=200 window=20s", """{"behavior":{"scaleDown":{"policies":[{"periodSeconds":15,"type":"Percent","value":100}],"selectPolicy":"Max","stabilizationWindowSeconds":20},"scaleUp":{"policies":[{"periodSeconds":15,"type":"Pods","value":4},{"periodSeconds":15,"type":"Percent","value":100}],"selectPolicy":"Max","stabilizationWindowSeconds":20}},"maxReplicas":2147483647,"metrics":[{"resource":{"name":"memory","target":{"averageValue":"200Mi","type":"AverageValue"}},"type":"Resource"}],"minReplicas":1,""")]
    [InlineData("metric=jobs target=5", """{"maxReplicas":2147483647,"metrics":[{"pods":{"metric":{"name":"jobs"},"target":{"averageValue":"5","type":"AverageValue"}},"type":"Pods"}],"minReplicas":1,""")]
    public async Task Revision_HasTheAutoscalerItsAnnotationsSay(string annotations, string spec)
    {
        await StartAsync(annotations);
        var made = Autoscaler;
        Assert.Equal(
            spec + "\"scaleTargetRef\":{\"apiVersion\":\"apps/v1\",\"kind\":\"Deployment\",\"name\":\"hello-00001-deployment\"}}",
            CanonicalText(made.ToTree()["spec"]!));
        Assert.Equal(("PodAutoscaler", "hello-00001"), (made.Metadata.ControllerRef!.Kind, made.Metadata.ControllerRef.Name));
        Assert.Equal("hello-00001", made.Metadata.Label("serving.knative.dev/revision"));
        Assert.Null(_world.Client.Cache(Kinds.Metric).Get(AutoscalerWorld.Key));
        var sks = _world.Client.Cache(Kinds.ServerlessService).Get(AutoscalerWorld.Key)!.As<ServerlessService>();
        Assert.Equal(("Serve", 0), (sks.Spec.Mode, sks.Spec.NumActivators));
        _world.Client.TakeWrites();
        await _world.RestAsync();
        Assert.Empty(_world.Client.TakeWrites());
    }

    [Fact]
    public async Task Revision_IsActiveFromTheFirst_ReadyWithItsPods_AndNeverGoesToZero()
    {
        await StartAsync("metric=cpu target=50 min-scale=2");
        Assert.Equal(("True", "Unknown", "Unknown NotReady"), (_world.Condition("Active"), _world.Condition("ScaleTargetInitialized"), _world.Condition("SKSReady")));
        await RunAsync();
        Assert.Equal(2, _world.Replicas); // the least there may be
        _world.FollowReplicas();
        await _world.RestAsync();
        Assert.Equal(("True", "True"), (_world.Condition("Ready"), _world.Condition("ScaleTargetInitialized")));
        await PassAsync(60);
        Assert.Equal((2, 2, 2), (_world.Replicas, _world.Status.ActualScale, _world.Status.DesiredScale));
        Assert.Equal(("True", "True TooFewReplicas"), (_world.Condition("Active"), Condition("ScalingLimited")));
        _world.Report(50, held: 3);
        Assert.Equal(0, _world.Host.ActiveCount);
    }

    [Fact]
    public async Task Use_ScalesUpBySteps_AndDownWhenTheWindowHasPassed()
    {
        await StartAsync("metric=cpu target=50 max-scale=10");
        _world.FollowReplicas();
        await _world.RestAsync();
        _cores = 0.05;
        await RunAsync();
        Assert.Equal("False FailedGetResourceMetric", Condition("ScalingActive")); // the first look has no second to compare with
        await PassAsync(1);
        Assert.Equal(("True ValidMetricFound", "True ReadyForNewScale", "False DesiredWithinRange"), (Condition("ScalingActive"), Condition("AbleToScale"), Condition("ScalingLimited")));
        Assert.Equal("""[{"resource":{"current":{"averageUtilization":50,"averageValue":"50m"},"name":"cpu"},"type":"Resource"}]""", CanonicalText(Autoscaler.ToTree()["status"]!["currentMetrics"]!));
        _cores = 0.4;
        await PassAsync(1);
        Assert.Equal((5, "True ScaleUpLimit"), (_world.Replicas, Condition("ScalingLimited")));
        Assert.Contains("Normal SuccessfulRescale HorizontalPodAutoscaler/hello-00001: New size: 5; reason: cpu resource utilization (percentage of request) above target", _events.Take());
        await PassAsync(2);
        Assert.Equal((10, 10), (_world.Replicas, _world.Status.DesiredScale));
        var rescaled = (string?)Autoscaler.ToTree()["status"]!["lastScaleTime"];
        _cores = 0;
        await PassAsync(19);
        Assert.Equal((10, "True ScaleDownStabilized", rescaled), (_world.Replicas, Condition("AbleToScale"), (string?)Autoscaler.ToTree()["status"]!["lastScaleTime"]));
        await PassAsync(2);
        Assert.Equal((1, "True TooFewReplicas"), (_world.Replicas, Condition("ScalingLimited")));
        Assert.Contains("Normal SuccessfulRescale HorizontalPodAutoscaler/hello-00001: New size: 1; reason: All metrics below target", _events.Take());
    }

    [Fact]
    public async Task Memory_IsMeasuredAtOnce()
    {
        await StartAsync("metric=memory target=100 max-scale=4");
        _world.FollowReplicas();
        _bytes = 250 << 20;
        await RunAsync();
        Assert.Equal(3, _world.Replicas);
    }

    [Fact]
    public async Task WallClock_SetForwardsAndBack_ChangesNothing()
    {
        await StartAsync("metric=memory target=100 max-scale=4");
        _world.FollowReplicas();
        _bytes = 250 << 20;
        await RunAsync();
        _bytes = 10 << 20;
        foreach (var hours in (int[])[1, -2])
        {
            _world.Time.StepWallClock(TimeSpan.FromHours(hours));
            await PassAsync(3);
            Assert.Equal((3, "True ScaleDownStabilized"), (_world.Replicas, Condition("AbleToScale")));
        }
        await PassAsync(15);
        Assert.Equal(1, _world.Replicas);
    }

    [Theory]
    [InlineData("metric=jobs target=5", "False InvalidMetricSourceType", "cpu and memory of the pods are", "False NotSupported")]
    [InlineData("metric=cpu target=50", "False FailedGetResourceMetric", "missing request for cpu in Pod pod-", "absent")]
    public async Task WhatCannotBeMeasured_ChangesNothingAndIsSaid(string annotations, string condition, string message, string supported)
    {
        await StartAsync(annotations + " max-scale=9");
        _world.FollowReplicas();
        foreach (var pod in _world.Client.Cache(Kinds.Pod).List())
        {
            await PatchAsync(Kinds.Pod, pod.Key, """{"spec":{"containers":null}}""");
        }
        await _world.RestAsync();
        await RunAsync();
        await PassAsync(3);
        Assert.Equal((1, condition, supported), (_world.Replicas, Condition("ScalingActive"), _world.Condition("MetricSupported")));
        Assert.Contains(message, Autoscaler.As<HorizontalPodAutoscaler>().Status.Conditions.First(c => c.Type == "ScalingActive").Message, StringComparison.Ordinal);
        Assert.Equal("True", _world.Condition("Ready"));
    }

    [Fact]
    public async Task OwnWrites_DoNotMakeItLookAgain()
    {
        await StartAsync("metric=memory target=100");
        _world.FollowReplicas();
        await RunAsync();
        var asked = _asked;
        var result = await _scaler.ReconcileAsync(AutoscalerWorld.Key, CancellationToken.None);
        Assert.Equal((asked, s_period), (_asked, result.RequeueAfter));
        await PatchAsync(Kinds.HorizontalPodAutoscaler, AutoscalerWorld.Key, """{"spec":{"maxReplicas":1}}""");
        await _scaler.ReconcileAsync(AutoscalerWorld.Key, CancellationToken.None);
        Assert.True(_asked > asked);
    }

    [Fact]
    public async Task Target_Missing_IsSaidOnce_AtZero_IsLeftAlone()
    {
        await StartAsync("metric=memory target=100");
        var deployment = _world.Client.Cache(Kinds.Deployment).List().Single();
        await PatchAsync(Kinds.Deployment, deployment.Key, """{"spec":{"replicas":0}}""");
        await RunAsync();
        Assert.Equal((0, "False ScalingDisabled"), (_world.Replicas, Condition("ScalingActive")));
        await _world.Client.DeleteAsync(Kinds.Deployment, deployment.Key, DeleteOptions.Background);
        await PassAsync(3);
        Assert.Equal("False FailedGetScale", Condition("AbleToScale"));
        Assert.Single(_events.Take(), l => l.Contains("FailedGetScale", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Class_Changed_LeavesNothingOfTheOtherBehind()
    {
        await StartAsync("metric=cpu target=50");
        _world.FollowReplicas();
        await _world.RestAsync();
        await SetClassAsync("kpa", "concurrency");
        Assert.Null(_world.Client.Cache(Kinds.HorizontalPodAutoscaler).Get(AutoscalerWorld.Key));
        Assert.NotNull(_world.Client.Cache(Kinds.Metric).Get(AutoscalerWorld.Key));
        Assert.Equal(ReconcileResult.Done, await _scaler.ReconcileAsync(AutoscalerWorld.Key, CancellationToken.None));
        await SetClassAsync("hpa", "cpu");
        Assert.Null(_world.Client.Cache(Kinds.Metric).Get(AutoscalerWorld.Key));
        Assert.Equal((0, 0), (_world.Host.ActiveCount, await AfterATickAsync()));
    }

    private KubeObject Autoscaler => _world.Client.Cache(Kinds.HorizontalPodAutoscaler).Get(AutoscalerWorld.Key)!;

    private string Condition(string type) =>
        Autoscaler.As<HorizontalPodAutoscaler>().Status.Conditions.FirstOrDefault(c => c.Type == type) is { } c ? $"{c.Status} {c.Reason}" : "absent";

    private async Task StartAsync(string annotations)
    {
        var all = new JsonObject { ["autoscaling.knative.dev/class"] = "hpa.autoscaling.knative.dev" };
        foreach (var pair in annotations.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(a => a.Split('=')))
        {
            all["autoscaling.knative.dev/" + pair[0]] = pair[1];
        }
        _world = new AutoscalerWorld(1, all.ToJsonString());
        _events = new RecordedEvents();
        _scaler = new HpaReconciler(_world.Client, this, _events, _world.Time);
        await _world.RestAsync();
    }

    private Task SetClassAsync(string name, string metric) => PatchAsync(
        Kinds.PodAutoscaler, AutoscalerWorld.Key,
        $$$"""{"metadata":{"annotations":{"autoscaling.knative.dev/class":"{{{name}}}.autoscaling.knative.dev","autoscaling.knative.dev/metric":"{{{metric}}}"} } }""");

    private async Task PatchAsync(ResourceKind kind, ObjectKey key, string patch)
    {
        await _world.Client.PatchAsync(kind, key, new KubePatch(PatchType.Merge, System.Text.Encoding.UTF8.GetBytes(patch)), WriteOptions.By("test"));
        await _world.RestAsync();
    }

    private async Task RunAsync()
    {
        await _scaler.ReconcileAsync(AutoscalerWorld.Key, CancellationToken.None);
        await _world.ReconcileAsync();
    }

    /// <summary>Lets periods pass, with pods following.</summary>
    private async Task PassAsync(int periods)
    {
        for (var i = 0; i < periods; i++)
        {
            _world.Time.Advance(s_period);
            _spent += s_period * _cores;
            await RunAsync();
            _world.FollowReplicas();
            await _world.ReconcileAsync();
        }
    }

    private async Task<int> AfterATickAsync()
    {
        _world.Time.Advance(AutoscalerHost.TickInterval);
        await _world.ReconcileAsync();
        return _world.Time.Armed;
    }

    private static string CanonicalText(JsonNode node) => System.Text.Encoding.UTF8.GetString(CanonicalJson.Serialize((JsonNode?)node));
}
