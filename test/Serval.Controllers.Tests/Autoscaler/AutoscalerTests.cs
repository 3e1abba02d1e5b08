using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Core;
using Serval.Api.Networking;
using Serval.Autoscaling;
using Serval.Kube;

namespace Serval.Controllers.Tests.Autoscaler;

public sealed class AutoscalerTests
{
    private static readonly TimeSpan s_window = TimeSpan.FromSeconds(64);

    private static async Task<AutoscalerWorld> ReadyAsync(string annotations = "{}", int replicas = 1)
    {
        var world = new AutoscalerWorld(replicas, annotations);
        world.FollowReplicas();
        await world.RestAsync();
        return world;
    }

    private static async Task<AutoscalerWorld> AtZeroAsync(string annotations = "{}")
    {
        var world = await ReadyAsync(annotations);
        await world.PassAsync(s_window);
        await world.RestAsync();
        world.Client.TakeWrites();
        return world;
    }

    [Fact]
    public async Task NewRevision_GetsItsObjectsAndIsActivating()
    {
        await using var world = new AutoscalerWorld();
        world.Client.TakeWrites();
        await world.ReconcileAsync();
        Assert.Equal(
        [
            "create ServerlessService hello-00001", "create Metric hello-00001",
            "create Service hello-00001-private", "create Service hello-00001", "create Endpoints hello-00001",
            "patch ServerlessService hello-00001/status",
        ], world.Client.TakeWrites().Select(w => w.ToString()));
        await world.RestAsync();
        Assert.Equal("Unknown Queued", world.Condition("Active"));
        Assert.Equal("Unknown NotReady", world.Condition("SKSReady"));
        Assert.Equal(("hello-00001", "hello-00001-private"), (world.Status.ServiceName, world.Status.MetricsServiceName));
        var service = world.Client.Cache(Kinds.Service).Get(new ObjectKey("default", "hello-00001-private"))!.As<Service>();
        Assert.Equal("rev-uid", service.Spec.Selector["serving.knative.dev/revisionUID"]);
        Assert.Equal(("http", 80, "user-port"), (service.Spec.Ports[0].Name, service.Spec.Ports[0].Port, service.Spec.Ports[0].TargetPort!.Value.GetString()));
    }

    [Fact]
    public async Task NewRevision_PodReady_IsReadyInOneWrite()
    {
        await using var world = new AutoscalerWorld();
        await world.ReconcileAsync();
        world.FollowReplicas();
        world.Client.TakeWrites();
        await world.ReconcileAsync();
        Assert.Equal(["patch PodAutoscaler hello-00001/status", "patch Metric hello-00001/status"], world.Client.TakeWrites().Select(w => w.ToString()));
        foreach (var type in (string[])["Ready", "Active", "ScaleTargetInitialized", "SKSReady"])
        {
            Assert.Equal("True", world.Condition(type));
        }
        Assert.Equal((1, 1), (world.Status.ActualScale, world.Status.DesiredScale));
        await world.RestAsync();
        var sks = world.Client.Cache(Kinds.ServerlessService).Get(AutoscalerWorld.Key)!.As<ServerlessService>();
        Assert.All(sks.Status.Conditions, c => Assert.Equal("True", c.Status));
    }

    [Fact]
    public async Task SecondRun_WritesNothing()
    {
        await using var world = await ReadyAsync();
        await world.RestAsync(); // the ServerlessService's spec trails the pods, and its status that
        world.Client.TakeWrites();
        await world.RestAsync();
        Assert.Empty(world.Client.TakeWrites());
    }

    [Fact]
    public async Task Idle_GoesToZeroAndCostsNothing()
    {
        await using var world = await ReadyAsync();
        await world.PassAsync(TimeSpan.FromSeconds(58));
        Assert.Equal(1, world.Replicas);
        await world.PassAsync(TimeSpan.FromSeconds(6));
        Assert.Equal(0, world.Replicas);
        await world.RestAsync();
        Assert.Equal("False NoTraffic", world.Condition("Active"));
        Assert.Equal("False NoTraffic", world.Condition("Ready"));
        Assert.Equal("True", world.Condition("ScaleTargetInitialized"));
        await world.PassAsync(TimeSpan.FromSeconds(4));
        Assert.Equal((0, 0), (world.Host.ActiveCount, world.Time.Armed));
        world.Client.TakeWrites();
        await world.ReconcileAsync();
        Assert.Equal((0, 0), (world.Host.ActiveCount, world.Time.Armed));
        Assert.Empty(world.Client.TakeWrites());
    }

    [Fact]
    public async Task Wake_WritesTheScaleAndNothingElseUntilThePodIsReady()
    {
        await using var world = await AtZeroAsync();
        world.Report(0, held: 1);
        await world.Host.SettledAsync();
        await world.ReconcileAsync();
        Assert.Equal(["patch Deployment hello-00001-deployment/scale"], world.Client.TakeWrites().Select(w => w.ToString()));
        Assert.Equal(1, world.Replicas);
        world.FollowReplicas();
        world.Client.TakeWrites();
        await world.ReconcileAsync();
        Assert.Equal(["patch PodAutoscaler hello-00001/status"], world.Client.TakeWrites().Select(w => w.ToString()));
        Assert.Equal("True", world.Condition("Ready"));
    }

    [Fact]
    public async Task Wake_PodSlow_SaysQueued()
    {
        await using var world = await AtZeroAsync();
        world.Report(0, held: 1);
        await world.RestAsync();
        Assert.Equal("Unknown Queued", world.Condition("Active"));
        Assert.Equal((1, 0), (world.Status.DesiredScale, world.Status.ActualScale));
    }

    [Fact]
    public async Task Wake_ReportedAgainWhileTheWriteIsUnderWay_WritesOnce()
    {
        await using var world = await AtZeroAsync();
        for (var i = 0; i < 100; i++)
        {
            world.Report(0, held: 1 + i % 50); // one instance is enough for all of them
        }
        await world.Host.SettledAsync();
        Assert.Single(world.Client.TakeWrites());
    }

    [Fact]
    public async Task Wake_WriteFails_IsTriedAgainAtTheNextTick()
    {
        await using var world = await AtZeroAsync();
        world.Client.Failure = ApiException.BadRequest("no");
        world.Report(0, held: 1);
        await world.Host.SettledAsync();
        Assert.Equal(0, world.Replicas);
        world.Client.Failure = null;
        world.Time.Advance(TimeSpan.FromSeconds(2));
        await world.Host.SettledAsync();
        Assert.Equal(1, world.Replicas);
    }

    [Fact]
    public async Task Load_ScalesOutAndIn()
    {
        await using var world = await ReadyAsync("""{"autoscaling.knative.dev/target":"10","autoscaling.knative.dev/target-utilization-percentage":"100"}""");
        for (var i = 0; i < 70; i++)
        {
            world.Report(45, average: 45, requests: 45);
            world.Time.Advance(TimeSpan.FromSeconds(1));
            await world.Host.SettledAsync();
            world.FollowReplicas();
        }
        Assert.Equal(5, world.Replicas);
        world.Report(0);
        await world.PassAsync(TimeSpan.FromSeconds(200));
        Assert.Equal(0, world.Replicas);
    }

    [Fact]
    public async Task Rate_ScalesOutAndIn()
    {
        await using var world = await ReadyAsync(
            """{"autoscaling.knative.dev/metric":"rps","autoscaling.knative.dev/target":"10","autoscaling.knative.dev/target-utilization-percentage":"100"}""");
        for (var i = 0; i < 70; i++)
        {
            world.Report(1, average: 0.5, requests: 35);
            world.Time.Advance(TimeSpan.FromSeconds(1));
            await world.Host.SettledAsync();
            world.FollowReplicas();
        }
        Assert.Equal(4, world.Replicas);
        Assert.Equal("absent", world.Condition("MetricSupported"));
        world.Report(0);
        await world.PassAsync(TimeSpan.FromSeconds(200));
        Assert.Equal(0, world.Replicas);
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(1)]
    public async Task Load_WallClockSteps_KeepsTheScale(int hours)
    {
        await using var world = await ReadyAsync("""{"autoscaling.knative.dev/target":"10","autoscaling.knative.dev/target-utilization-percentage":"100"}""");
        for (var i = 0; i < 200; i++)
        {
            if (i is 75 or 130)
            {
                world.Time.StepWallClock(TimeSpan.FromHours(i == 75 ? hours : -2 * hours));
            }
            world.Report(45, average: 45, requests: 45);
            world.Time.Advance(TimeSpan.FromSeconds(1));
            await world.Host.SettledAsync();
            world.FollowReplicas();
            Assert.True(i < 70 || world.Replicas == 5, $"{world.Replicas} instances at {i} s");
        }
    }

    [Theory]
    [InlineData("{}", 20, 38, 6)] // idle: zero after the window
    [InlineData("""{"autoscaling.knative.dev/window":"6s"}""", 2, 20, 10)] // in its grace period
    public async Task WallClockSteps_OnTheWayToZero_ChangeNothing(string annotations, int before, int still, int gone)
    {
        foreach (var hours in (int[])[-1, 1])
        {
            await using var world = await ReadyAsync(annotations);
            await world.PassAsync(TimeSpan.FromSeconds(before));
            world.Time.StepWallClock(TimeSpan.FromHours(hours));
            await world.PassAsync(TimeSpan.FromSeconds(still));
            Assert.Equal(1, world.Replicas);
            await world.PassAsync(TimeSpan.FromSeconds(gone));
            Assert.Equal(0, world.Replicas);
        }
    }

    [Fact]
    public async Task MinScale_IsRaisedWithoutDemandAndThenRests()
    {
        await using var world = await ReadyAsync("""{"autoscaling.knative.dev/min-scale":"2"}""");
        Assert.Equal(2, world.Replicas);
        await world.PassAsync(TimeSpan.FromSeconds(130));
        Assert.Equal(2, world.Replicas);
        Assert.Equal((0, 0), (world.Host.ActiveCount, world.Time.Armed));
        Assert.Equal("True", world.Condition("Ready"));
        Assert.Equal(2, world.Status.DesiredScale);
    }

    [Fact]
    public async Task Unreachable_IgnoresMinScale()
    {
        await using var world = new AutoscalerWorld(1, """{"autoscaling.knative.dev/min-scale":"2"}""", "Unreachable");
        world.FollowReplicas();
        await world.RestAsync();
        await world.PassAsync(s_window);
        Assert.Equal(0, world.Replicas);
    }

    [Fact]
    public async Task InitialScaleZero_IsInitialisedAtZero()
    {
        await using var world = new AutoscalerWorld(
            0, """{"autoscaling.knative.dev/initial-scale":"0"}""", settings: new Dictionary<string, string> { ["allow-zero-initial-scale"] = "true" });
        await world.RestAsync();
        Assert.Equal("False NoTraffic", world.Condition("Active"));
        Assert.Equal("True", world.Condition("ScaleTargetInitialized"));
        Assert.Equal(0, world.Host.ActiveCount);
    }

    [Fact]
    public async Task NeverReady_TimesOutToZero()
    {
        await using var world = new AutoscalerWorld();
        world.FollowReplicas(ready: false);
        await world.RestAsync();
        for (var i = 0; i < 330; i++)
        {
            world.Time.Advance(TimeSpan.FromSeconds(2));
        }
        await world.Host.SettledAsync();
        Assert.Equal(0, world.Replicas);
        await world.RestAsync();
        Assert.Equal("False TimedOut", world.Condition("Active"));
        await world.PassAsync(TimeSpan.FromSeconds(4));
        Assert.Equal("False TimedOut", world.Condition("Active"));
        Assert.Equal("Unknown", world.Condition("ScaleTargetInitialized"));
    }

    [Fact]
    public async Task Restart_ManyInstances_KeepsThemForAWindow()
    {
        await using var world = await ReadyAsync(replicas: 4);
        world.Host.Forget(AutoscalerWorld.Key);
        await world.ReconcileAsync();
        await world.PassAsync(TimeSpan.FromSeconds(50));
        Assert.Equal(4, world.Replicas);
        await world.PassAsync(TimeSpan.FromSeconds(100));
        Assert.Equal(0, world.Replicas);
    }

    [Fact]
    public async Task PodRetention_IsInactiveWithItsPod()
    {
        await using var world = await ReadyAsync("""{"autoscaling.knative.dev/scale-to-zero-pod-retention-period":"1m"}""");
        await world.PassAsync(s_window);
        await world.RestAsync();
        Assert.Equal(1, world.Replicas);
        Assert.Equal("False NoTraffic", world.Condition("Active"));
        Assert.Equal((0, 1), (world.Status.DesiredScale, world.Status.ActualScale));
        await world.PassAsync(s_window);
        Assert.Equal(0, world.Replicas);
    }

    [Fact]
    public async Task ForeignServerlessService_IsLeftAloneAndNamed()
    {
        await using var world = new AutoscalerWorld();
        world.Create(Kinds.ServerlessService, JsonNode.Parse("""{"metadata":{"name":"hello-00001","namespace":"default"}}""")!.AsObject());
        await world.ReconcileAsync();
        Assert.Equal("False NotOwned", world.Condition("Active"));
        // The definition requires both: an API server that holds a status to it would refuse all of it.
        var status = world.Stored.ToTree()["status"]!;
        Assert.Equal(("", ""), ((string?)status["serviceName"], (string?)status["metricsServiceName"]));
    }

    [Fact]
    public async Task UnsupportedMetric_IsSaid()
    {
        await using var world = await ReadyAsync("""{"autoscaling.knative.dev/metric":"queue-length"}""");
        Assert.Equal("False NotSupported", world.Condition("MetricSupported"));
        Assert.Equal("True", world.Condition("Ready"));
    }

    [Fact]
    public async Task DeletedAutoscaler_IsForgotten()
    {
        await using var world = await ReadyAsync();
        await world.Client.DeleteAsync(Kinds.PodAutoscaler, AutoscalerWorld.Key, DeleteOptions.Background);
        await world.ReconcileAsync();
        Assert.Equal(0, world.Host.ActiveCount);
        world.Report(1);
        Assert.Equal(0, world.Host.ActiveCount);
    }

    [Fact]
    public async Task Decisions_AreLoggedWithReasonAndInputs()
    {
        await using var world = await AtZeroAsync();
        var last = world.Log.Lines.Last(l => l.Contains(nameof(ScaleDecision), StringComparison.Ordinal));
        Assert.StartsWith("Debug: default/hello-00001: ScaleDecision { Desired = 0, Replicas = 0, Reason = Idle, Inputs = ScaleInputs { Stable = 0,", last, StringComparison.Ordinal);
    }
}
