using Serval.Api;
using Serval.Api.Networking;
using Serval.Api.Serving;

namespace Serval.Controllers.Tests.Serving;

/// <summary>A Route whose latest revision takes over step by step (knative/serving: reconciler/route, reconcileRollout).</summary>
public sealed class RouteRolloutTests
{
    private const string Annotation = "networking.internal.knative.dev/rollout";
    private const string NextTemplate = """{"spec":{"template":{"metadata":{"annotations":{"try":"2"}}}}}""";

    [Fact]
    public async Task NewRevision_TakesOverStepByStep()
    {
        await using var world = await StartAsync(Some.Service("s").Annotated("serving.knative.dev/rollout-duration", "10s"));
        using var seen = new Seen(world);
        await world.PatchAsync(Kinds.KService, "s", NextTemplate);
        await world.SettleAsync();
        Assert.Contains("\nRoutesReady=Unknown RolloutInProgress: A gradual rollout of the latest revision(s) is in progress.", world.Status(Kinds.KService, "s"), StringComparison.Ordinal);
        Assert.Contains("IngressReady=Unknown RolloutInProgress", world.Status(Kinds.Route, "s"), StringComparison.Ordinal);
        Assert.Equal("active", State(world, "s-00001"));
        Assert.Equal("active", State(world, "s-00002"));
        await UntilReadyAsync(world);
        Assert.Equal(
            ["s-00001:100", .. Enumerable.Range(0, 9).Select(i => $"s-00001:{99 - (11 * i)} s-00002:{1 + (11 * i)}"), "s-00002:100"], seen.Splits.Distinct());
        Assert.Equal(seen.Splits.Distinct().Intersect(seen.Traffic), seen.Traffic.Distinct()); // the status trails, and may leave a step out
        Assert.Equal("reserve", State(world, "s-00001"));
        await world.PatchAsync(Kinds.Route, "s", """{"metadata":{"labels":{"touched":"yes"}}}""");
        await world.SettleAsync();
        Assert.Equal("s-00002:100", seen.Splits[^1]);
    }

    [Fact]
    public async Task SettingOfTheCluster_CountsWhereTheServiceSaysNothing_AndTakenAwayItEndsTheRollout()
    {
        await using var world = await StartAsync(Some.Service("s"));
        await world.ConfigureAsync("config-network", """{"rollout-duration":"120"}""");
        await world.SettleAsync();
        using var seen = new Seen(world);
        await world.PatchAsync(Kinds.KService, "s", NextTemplate);
        await world.SettleAsync();
        Assert.Equal(["s-00001:100", "s-00001:99 s-00002:1"], seen.Splits.Distinct().Take(2));
        Assert.DoesNotContain("s-00002:100", seen.Splits);
        await world.DeleteSettingsAsync("config-network");
        await world.SettleAsync();
        Assert.Equal("s-00002:100", seen.Splits[^1]);
        Assert.Contains("\nReady=True\n", world.Status(Kinds.KService, "s"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("\"nonsense\"")]
    [InlineData("null")]
    public async Task StateThatIsLost_LetsTheNewestRevisionHaveAll(string annotation)
    {
        await using var world = await StartAsync(Some.Service("s").Annotated("serving.knative.dev/rollout-duration", "60s"));
        await world.PatchAsync(Kinds.KService, "s", NextTemplate);
        await world.SettleAsync();
        await world.PatchAsync(Kinds.KIngress, "s", $$"""{"metadata":{"annotations":{"{{Annotation}}":{{annotation}}} } }""");
        await world.SettleAsync();
        Assert.Equal("s-00002:100", Splits(world.Get(Kinds.KIngress, "s")));
        Assert.Contains("\nReady=True\n", world.Status(Kinds.KService, "s"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task TagsAndShares_AlwaysAddUpToAHundred()
    {
        await using var world = await StartAsync(Some.Service("s", """
            [{"latestRevision":true,"percent":30,"tag":"now"},{"latestRevision":true,"percent":21},{"revisionName":"s-00001","percent":49},{"latestRevision":true,"percent":0,"tag":"none"}]
            """).Annotated("serving.knative.dev/rollout-duration", "4s"));
        using var seen = new Seen(world);
        await world.PatchAsync(Kinds.KService, "s", NextTemplate);
        await world.SettleAsync();
        await UntilReadyAsync(world);
        Assert.Contains("s-00001:19 s-00002:11 s-00001:13 s-00002:8 s-00001:49 s-00001:0 s-00002:0", seen.Traffic);
        Assert.All(seen.Traffic.Concat(seen.Splits), shares => Assert.Equal(100, shares.Split(' ').Sum(s => int.Parse(s.Split(':')[1]))));
        Assert.Equal("s-00002:30 s-00002:21 s-00001:49 s-00002:0", seen.Traffic[^1]);
        Assert.Equal("s-00002:51 s-00001:49", seen.Splits[^1]);
    }

    [Fact]
    public async Task OldRevision_DeletedOnTheWay_LosesItsShareToTheNew()
    {
        await using var world = await StartAsync(Some.Service("s").Annotated("serving.knative.dev/rollout-duration", "600s"));
        await world.PatchAsync(Kinds.KService, "s", NextTemplate);
        await world.SettleAsync();
        await world.DeleteAsync(Kinds.Revision, "s-00001");
        await world.SettleAsync();
        Assert.Equal("s-00002:100", Splits(world.Get(Kinds.KIngress, "s")));
        Assert.Contains("\nReady=True\n", world.Status(Kinds.KService, "s"), StringComparison.Ordinal);
    }

    private static async Task<ServingWorld> StartAsync(Seed service)
    {
        var world = await ServingWorld.StartAsync(service);
        await world.SettleAsync();
        Assert.Contains("s-00001", world.Get(Kinds.KIngress, "s").Metadata.Annotation(Annotation), StringComparison.Ordinal); // the first revision has all at once
        return world;
    }

    private static async Task UntilReadyAsync(ServingWorld world)
    {
        for (var i = 0; i < 20 && !world.Status(Kinds.KService, "s").Contains("\nReady=True", StringComparison.Ordinal); i++)
        {
            await world.SettleAsync();
        }
        Assert.Contains("\nReady=True\n", world.Status(Kinds.KService, "s"), StringComparison.Ordinal);
    }

    private static string? State(ServingWorld world, string revision) => world.Get(Kinds.Revision, revision).Metadata.Label("serving.knative.dev/routingState");

    /// <summary>Of the default host.</summary>
    private static string Splits(KubeObject ingress) =>
        string.Join(' ', ingress.As<KIngress>().Spec.Rules[0].Http!.Paths[^1].Splits.Select(s => $"{s.ServiceName}:{s.Percent}"));

    /// <summary>Every state of Ingress and Route on the way.</summary>
    private sealed class Seen : IDisposable
    {
        private readonly List<string> _splits = []; // guarded by itself, as the next one is
        private readonly List<string> _traffic = [];
        private readonly IDisposable _ingress;
        private readonly IDisposable _route;

        public Seen(ServingWorld world)
        {
            _ingress = world.Client.Cache(Kinds.KIngress).Subscribe(change => Note(_splits, RouteRolloutTests.Splits(change.New)));
            _route = world.Client.Cache(Kinds.Route).Subscribe(change =>
                Note(_traffic, string.Join(' ', change.New.As<Route>().Status.Traffic.Select(t => $"{t.RevisionName}:{t.Percent}"))));
        }

        public IReadOnlyList<string> Splits => Of(_splits);

        public IReadOnlyList<string> Traffic => Of(_traffic);

        public void Dispose()
        {
            _ingress.Dispose();
            _route.Dispose();
        }

        private static IReadOnlyList<string> Of(List<string> seen)
        {
            lock (seen)
            {
                return [.. seen];
            }
        }

        private static void Note(List<string> seen, string shares)
        {
            lock (seen)
            {
                seen.Add(shares);
            }
        }
    }
}
