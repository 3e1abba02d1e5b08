using Serval.Api;

namespace Serval.Controllers.Tests.Serving;

/// <summary>Which routes a revision and a configuration know, and the routing state that follows (knative/serving: reconciler/labeler).</summary>
public sealed class RoutingStateTests
{
    [Fact]
    public async Task NormalCreation_WritesNoLabelsLater()
    {
        await using var world = await ServingWorld.StartAsync(Some.Service("hello"));
        await world.SettleAsync();
        Assert.Equal("active: hello", State(world, "hello-00001"));
        Assert.Equal("hello", Routes(world, Kinds.Configuration, "hello"));
        Assert.DoesNotContain("patch Revision hello-00001", world.Client.TakeWrites());
    }

    [Fact]
    public async Task Update_MovesTheRoute_AndPutsTheOldRevisionInReserve()
    {
        await using var world = await ServingWorld.StartAsync(Some.Service("hello"));
        await world.SettleAsync();
        world.Client.TakeWrites();
        await UpdateAsync(world);
        Assert.Equal("reserve: ", State(world, "hello-00001"));
        Assert.Equal("active: hello", State(world, "hello-00002"));
        Assert.Equal(1, world.Client.TakeWrites().Count(w => w.StartsWith("patch Revision", StringComparison.Ordinal) && !w.EndsWith("/status", StringComparison.Ordinal)));
        Assert.Equal("2026-01-01T12:00:", world.Get(Kinds.Revision, "hello-00001").Metadata.Annotation("serving.knative.dev/routingStateModified")![..17]);
    }

    [Fact]
    public async Task TwoRoutes_OfOneConfiguration_ComeToRest()
    {
        await using var world = await ServingWorld.StartAsync(Some.Service("hello"));
        await world.SettleAsync();
        await UpdateAsync(world);
        await world.PlantAsync(Some.Route("old", Some.Pinned("hello-00001")));
        await world.SettleAsync();
        Assert.Equal("active: old", State(world, "hello-00001"));
        Assert.Equal("active: hello", State(world, "hello-00002"));
        Assert.Equal("hello,old", Routes(world, Kinds.Configuration, "hello"));
    }

    [Fact]
    public async Task TwoRoutes_ToOneRevision_AreBothNamed_AndOneGoing_LeavesTheOther()
    {
        await using var world = await ServingWorld.StartAsync(Some.Service("hello"), Some.Route("also", Some.To("hello")));
        await world.SettleAsync();
        Assert.Equal("active: also,hello", State(world, "hello-00001"));
        await world.DeleteAsync(Kinds.Route, "also");
        await world.SettleAsync();
        Assert.Equal("active: hello", State(world, "hello-00001"));
        Assert.Equal("hello", Routes(world, Kinds.Configuration, "hello"));
    }

    [Fact]
    public async Task RouteDeleted_ItsRevisionGoesInReserve()
    {
        await using var world = await ServingWorld.StartAsync(Some.Service("hello"));
        await world.SettleAsync();
        await UpdateAsync(world);
        await world.PlantAsync(Some.Route("old", Some.Pinned("hello-00001")));
        await world.SettleAsync();
        await world.DeleteAsync(Kinds.Route, "old");
        await world.SettleAsync();
        Assert.Equal("reserve: ", State(world, "hello-00001"));
        Assert.Equal("hello", Routes(world, Kinds.Configuration, "hello"));
    }

    [Fact]
    public async Task RouteDeletedWhileNobodyLooked_IsFoundAtTheStart()
    {
        var configuration = Some.Configuration("hello", "hello-00001", "hello-00001", routes: "gone");
        await using var world = await ServingWorld.StartAsync(configuration, Some.Revision(configuration, routes: "gone"));
        await world.SettleAsync();
        Assert.Equal("reserve: ", State(world, "hello-00001"));
        Assert.Null(Routes(world, Kinds.Configuration, "hello"));
    }

    [Fact]
    public async Task ServiceDeleted_NothingIsWrittenToWhatGoesWithIt()
    {
        await using var world = await ServingWorld.StartAsync(Some.Service("hello"));
        await world.SettleAsync();
        world.Client.TakeWrites();
        await world.DeleteAsync(Kinds.KService, "hello");
        await world.DeleteAsync(Kinds.Route, "hello"); // the garbage collector's next step
        await world.SettleAsync();
        Assert.DoesNotContain(world.Client.TakeWrites(), w => w.Contains(" Revision ", StringComparison.Ordinal) || w.Contains(" Configuration ", StringComparison.Ordinal));
    }

    [Fact]
    public async Task RouteThatMovesToAnotherConfiguration_LeavesTheFirst()
    {
        var blue = Some.Configuration("blue", "blue-00001", "blue-00001");
        var green = Some.Configuration("green", "green-00001", "green-00001");
        await using var world = await ServingWorld.StartAsync(blue, green, Some.Route("r", Some.To("blue")));
        await world.SettleAsync();
        Assert.Equal(("active: r", "r"), (State(world, "blue-00001"), Routes(world, Kinds.Configuration, "blue")));
        await world.PatchAsync(Kinds.Route, "r", $$"""{"spec":{"traffic":{{Some.To("green")}} } }""");
        await world.SettleAsync();
        Assert.Equal(("reserve: ", null), (State(world, "blue-00001"), Routes(world, Kinds.Configuration, "blue")));
        Assert.Equal(("active: r", "r"), (State(world, "green-00001"), Routes(world, Kinds.Configuration, "green")));
    }

    [Fact]
    public async Task WhileTheNewTargetIsNotReady_TheOldOneStaysActive()
    {
        var blue = Some.Configuration("blue", "blue-00001", "blue-00001");
        await using var world = await ServingWorld.StartAsync(blue, Some.Configuration("green"), Some.Route("r", Some.To("blue")));
        world.Surroundings.Waiting.Add("green-00001");
        await world.SettleAsync();
        await world.PatchAsync(Kinds.Route, "r", $$"""{"spec":{"traffic":{{Some.To("green")}} } }""");
        await world.SettleAsync();
        Assert.Equal("active: r", State(world, "blue-00001"));
        Assert.Equal("active: r", State(world, "green-00001")); // may get traffic the moment it is ready
        Assert.StartsWith("traffic: [{\"latestRevision\":true,\"percent\":100,\"revisionName\":\"blue-00001\"}]", world.Status(Kinds.Route, "r").Split('\n')[2], StringComparison.Ordinal);
        world.Surroundings.Waiting.Clear();
        await world.Surroundings.ActAsync(world);
        await world.SettleAsync();
        Assert.Equal("reserve: ", State(world, "blue-00001"));
    }

    [Fact]
    public async Task PinnedTraffic_KeepsANewRevisionOutOfIt()
    {
        await using var world = await ServingWorld.StartAsync(Some.Service("hello"));
        await world.SettleAsync();
        await world.PatchAsync(Kinds.KService, "hello", """{"spec":{"traffic":[{"revisionName":"hello-00001","latestRevision":null,"percent":100}]}}""");
        await UpdateAsync(world);
        Assert.Equal("active: hello", State(world, "hello-00001"));
        Assert.Equal("reserve: ", State(world, "hello-00002"));
    }

    [Fact]
    public async Task RevisionMadeWhileAnotherRoutePinsAnOlderOne_CarriesOnlyItsOwnRoute()
    {
        await using var world = await ServingWorld.StartAsync(Some.Service("hello"));
        await world.SettleAsync();
        await world.PlantAsync(Some.Route("old", Some.Pinned("hello-00001")));
        await world.SettleAsync();
        await UpdateAsync(world);
        Assert.Equal("active: hello", State(world, "hello-00002"));
        Assert.Equal("active: old", State(world, "hello-00001"));
    }

    [Fact]
    public async Task TwoRoutesAtOnce_LoseNoName()
    {
        await using var world = await ServingWorld.StartAsync(Some.Configuration("c"), Some.Route("a", Some.To("c")));
        await world.SettleAsync();
        await world.PlantAsync(Some.Route("b", Some.To("c")));
        world.Client.Meanwhile = async write =>
        {
            if (write == "patch Revision c-00001" && world.Find(Kinds.Route, "z") is null)
            {
                await world.PlantAsync(Some.Route("z", Some.To("c")));
                await world.PatchAsync(Kinds.Revision, "c-00001", """{"metadata":{"annotations":{"serving.knative.dev/routes":"a,z"}}}""");
            }
        };
        await world.SettleAsync();
        Assert.Equal("active: a,b,z", State(world, "c-00001"));
    }

    private static async Task UpdateAsync(ServingWorld world)
    {
        await world.PatchAsync(Kinds.KService, "hello", """{"spec":{"template":{"metadata":{"annotations":{"try":"2"}}}}}""");
        await world.SettleAsync();
    }

    private static string State(ServingWorld world, string revision) =>
        $"{world.Get(Kinds.Revision, revision).Metadata.Label("serving.knative.dev/routingState")}: {Routes(world, Kinds.Revision, revision)}";

    private static string? Routes(ServingWorld world, ResourceKind kind, string name) => world.Get(kind, name).Metadata.Annotation("serving.knative.dev/routes");
}
