using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Networking;
using Serval.Kube;

namespace Serval.Controllers.Tests.Autoscaler;

/// <summary>Whether the activator is in the path, as Knative's objects say it; and that saying so costs a wake nothing.</summary>
public sealed class ServerlessModeTests
{
    private const string NoBurst = """{"autoscaling.knative.dev/target-burst-capacity":"0"}""";

    [Fact]
    public async Task BurstThatFits_ThePublicServiceHasThePods_AndAtZeroTheGatewayAgain()
    {
        await using var world = new AutoscalerWorld(annotations: NoBurst);
        await world.RestAsync();
        Assert.Equal("Proxy 2 127.0.0.1:8880 True", Shown(world));

        world.FollowReplicas();
        AddSlice(world);
        await world.RestAsync();
        Assert.Equal("Serve 2 10.244.0.7:8080 False", Shown(world));

        await world.PassAsync(TimeSpan.FromSeconds(90));
        await world.RestAsync();
        Assert.Equal(0, world.Replicas);
        Assert.Equal("Proxy 2 127.0.0.1:8880 True", Shown(world));
    }

    /// <summary>Whatever the mode: without a ready pod there is nobody else to name (knative/serving: reconciler/serverlessservice).</summary>
    [Fact]
    public async Task ServeWithoutReadyPods_NamesTheGateway()
    {
        await using var world = new AutoscalerWorld(annotations: NoBurst);
        await world.RestAsync();
        world.FollowReplicas();
        AddSlice(world, ready: false);
        await world.RestAsync();
        Assert.Equal("Serve 2 127.0.0.1:8880 True", Shown(world));
    }

    /// <summary>The default burst of 211 at 100 an instance, and 100 an activator.</summary>
    [Fact]
    public async Task Burst_DecidesHowManyActivators()
    {
        await using var world = new AutoscalerWorld();
        await world.RestAsync();
        Assert.Equal("Proxy 4 127.0.0.1:8880 True", Shown(world));
        world.FollowReplicas();
        await world.RestAsync();
        Assert.Equal("Proxy 4 127.0.0.1:8880 True", Shown(world));
        Assert.DoesNotContain("patch ServerlessService hello-00001", world.Client.TakeWrites().Select(w => w.ToString())); // it was created so

        for (var i = 0; i < 10; i++)
        {
            world.Report(inFlight: 140, average: 140, requests: 1);
            await world.PassAsync(TimeSpan.FromSeconds(2));
        }
        world.FollowReplicas();
        await world.RestAsync();
        Assert.Equal(2, world.Replicas);
        Assert.Equal("Proxy 5 127.0.0.1:8880 True", Shown(world));
    }

    [Theory]
    [InlineData("""{"autoscaling.knative.dev/target-burst-capacity":"-1"}""", "Proxy 2")]
    [InlineData("""{"autoscaling.knative.dev/target-burst-capacity":"7","autoscaling.knative.dev/target":"10"}""", "Serve 2")]
    public async Task Mode_FollowsTheExcess(string annotations, string expected)
    {
        await using var world = new AutoscalerWorld(annotations: annotations);
        await world.RestAsync();
        world.FollowReplicas();
        await world.RestAsync();
        Assert.StartsWith(expected, Shown(world), StringComparison.Ordinal);
    }

    /// <summary>Load changes the excess between decisions that leave the scale alone.</summary>
    [Fact]
    public async Task LoadThatTakesTheExcess_BringsTheActivatorBack()
    {
        await using var world = new AutoscalerWorld(
            annotations: """{"autoscaling.knative.dev/target-burst-capacity":"7","autoscaling.knative.dev/target":"10","autoscaling.knative.dev/max-scale":"1"}""");
        await world.RestAsync();
        world.FollowReplicas();
        await world.RestAsync();
        Assert.StartsWith("Serve 2", Shown(world), StringComparison.Ordinal);
        for (var i = 0; i < 5; i++)
        {
            world.Report(inFlight: 7, average: 7, requests: 1);
            await world.PassAsync(TimeSpan.FromSeconds(2));
        }
        await world.RestAsync();
        Assert.Equal(1, world.Replicas);
        Assert.StartsWith("Proxy 2", Shown(world), StringComparison.Ordinal);
    }

    [Fact]
    public async Task PodReady_WritesNothingOfTheModeAtOnce_AndThenSpecAndStatusOnce()
    {
        await using var world = new AutoscalerWorld(annotations: NoBurst);
        await world.RestAsync();
        world.FollowReplicas();
        world.Client.TakeWrites();
        await world.ReconcileAsync();
        Assert.DoesNotContain(world.Client.TakeWrites(), w => w.ToString().Contains("ServerlessService", StringComparison.Ordinal));
        await world.RestAsync();
        world.Time.Advance(TimeSpan.FromSeconds(2));
        await world.RestAsync();
        Assert.Equal(
            ["patch ServerlessService hello-00001", "patch ServerlessService hello-00001/status"],
            world.Client.TakeWrites().Select(w => w.ToString()).Where(w => w.Contains("ServerlessService", StringComparison.Ordinal)));
    }

    private static string Shown(AutoscalerWorld world)
    {
        var stored = world.Client.Cache(Kinds.ServerlessService).Get(AutoscalerWorld.Key)!.As<ServerlessService>();
        var subset = Assert.Single(world.Client.Cache(Kinds.Endpoints).Get(AutoscalerWorld.Key)!.ToTree()["subsets"]!.AsArray())!;
        var backed = stored.Status.Conditions.FirstOrDefault(c => c.Type == "ActivatorEndpointsPopulated")?.Status;
        return $"{stored.Spec.Mode} {stored.Spec.NumActivators} {(string)subset["addresses"]![0]!["ip"]!}:{(long)subset["ports"]![0]!["port"]!} {backed}";
    }

    private static void AddSlice(AutoscalerWorld world, bool ready = true)
    {
        var service = world.Client.Cache(Kinds.Service).Get(new ObjectKey("default", "hello-00001-private"))!;
        var slice = OwnedObjects.New(Kinds.EndpointSlice, service, "hello-00001-private-1", JsonMaps.ToJson(service.Metadata.Labels));
        slice["ports"] = new JsonArray(new JsonObject { ["name"] = "http", ["port"] = 8080 });
        slice["endpoints"] = new JsonArray(new JsonObject { ["addresses"] = new JsonArray("10.244.0.7"), ["conditions"] = new JsonObject { ["ready"] = ready } });
        world.Create(Kinds.EndpointSlice, slice);
    }
}
