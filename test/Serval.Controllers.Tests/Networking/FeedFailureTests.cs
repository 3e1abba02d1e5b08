using Serval.Api;
using Serval.Controllers.Networking;
using Serval.Kube;
using Serval.Routing;

namespace Serval.Controllers.Tests.Networking;

/// <summary>What fails in the feed is its own key's matter; what is deleted leaves nothing behind.</summary>
public sealed class FeedFailureTests
{
    private static readonly ObjectKey s_a = new("d", "a");

    [Fact]
    public async Task OneServiceFails_TheOthersAreFed_AndItComesAgain()
    {
        await using var world = new FeedWorld();
        await world.Feed.StartAsync(CancellationToken.None);
        CreateWeb(world, "bad");
        CreateWeb(world, "good");
        await world.Feed.IdleAsync();
        world.Fails = step => step.StartsWith("set d/bad", StringComparison.Ordinal);
        world.CreateIngress("a", "a.localhost", "bad");
        world.CreateIngress("b", "b.localhost", "good");
        await world.ReconcileAsync();
        Assert.Equal(("d/bad:80", "d/good:80"), (world.Target("a.localhost"), world.Target("b.localhost")));
        Assert.Equal("True", world.Condition("b", "Ready"));
        Assert.Single(world.Endpoints[BackendKey.Service("d", "good", "80")].Endpoints);
        Assert.Equal(["Error: Endpoints d/bad could not be fed to the gateway; it is tried again, the rest goes on: set d/bad:80"], world.Log.Lines);

        world.Fails = _ => false;
        world.Time.Advance(WorkOutcome.FirstRetry);
        await world.Feed.IdleAsync();
        Assert.Single(world.Endpoints[BackendKey.Service("d", "bad", "80")].Endpoints);
    }

    [Fact]
    public async Task KeyThatKeepsFailing_IsLoggedOnce_AndComesLessAndLessOften()
    {
        await using var world = new FeedWorld();
        await world.Feed.StartAsync(CancellationToken.None);
        var tries = 0;
        world.Fails = step => step.StartsWith("set", StringComparison.Ordinal) && ++tries > 0;
        CreateWeb(world, "web");
        world.CreateIngress("a", "a.localhost", "web");
        await world.Feed.IdleAsync();
        var before = tries;
        var waited = TimeSpan.Zero;
        for (var failures = 1; failures <= 16; failures++)
        {
            var delay = WorkOutcome.Backoff(failures);
            world.Time.Advance(delay - TimeSpan.FromTicks(1));
            await world.Feed.IdleAsync();
            Assert.Equal(before + failures - 1, tries);
            world.Time.Advance(TimeSpan.FromTicks(1));
            await world.Feed.IdleAsync();
            Assert.Equal(before + failures, tries);
            waited = delay;
        }
        Assert.Equal(WorkOutcome.LongestRetry, waited);
        Assert.Single(world.Log.Lines);
    }

    [Fact]
    public async Task TableThatCannotBePublished_IsPublishedLater_AndNothingIsReadyBefore()
    {
        await using var world = new FeedWorld { Fails = step => step == "publish" };
        await world.Feed.StartAsync(CancellationToken.None);
        world.CreateRoute();
        await world.ReconcileAsync();
        Assert.Equal((null, "absent"), (world.Target("a.localhost"), world.Condition("a", "Ready")));
        world.Fails = _ => false;
        world.Time.Advance(WorkOutcome.LongestRetry);
        await world.ReconcileAsync();
        Assert.Equal(("d/a-1", "True"), (world.Target("a.localhost"), world.Condition("a", "Ready")));
        Assert.Single(world.Log.Lines);
    }

    [Fact]
    public async Task RemovedIngress_WhoseTableCannotBePublished_GoesLater()
    {
        await using var world = new FeedWorld();
        CreateWeb(world, "web");
        world.CreateIngress("a", "a.localhost", "web");
        await world.Feed.StartAsync(CancellationToken.None);
        world.Fails = step => step == "publish";
        await world.DeleteAsync(Kinds.KIngress, "a");
        await world.Feed.IdleAsync();
        Assert.Single(world.Endpoints); // while the old table is in force its endpoints are there
        world.Fails = _ => false;
        world.Time.Advance(WorkOutcome.LongestRetry);
        await world.Feed.IdleAsync();
        Assert.Null(world.Target("a.localhost"));
        Assert.Empty(world.Endpoints);
    }

    [Fact]
    public async Task IngressMadeAgain_IsNotReadyByTheStateOfTheOldOne()
    {
        await using var world = new FeedWorld();
        world.CreateRoute();
        await world.Feed.StartAsync(CancellationToken.None);
        await world.ReconcileAsync();
        Assert.Equal("True", world.Condition("a", "Ready"));

        world.Open.Reset(); // the feed is busy with something else
        world.CreateIngress("b", "b.localhost", "a-1");
        await world.DeleteAsync(Kinds.KIngress, "a");
        world.CreateIngress("a", "other.localhost", "a-1");
        await world.Reconciler.ReconcileAsync(s_a, CancellationToken.None);
        Assert.Equal("absent", world.Condition("a", "Ready"));
        world.Open.Set();
        await world.ReconcileAsync();
        Assert.Equal(("True", "d/a-1", null), (world.Condition("a", "Ready"), world.Target("other.localhost"), world.Target("a.localhost")));
    }

    [Fact]
    public async Task IngressMadeAgain_AndBad_DoesNotInheritTheOldOnesTraffic()
    {
        await using var world = new FeedWorld();
        world.CreateRoute();
        await world.Feed.StartAsync(CancellationToken.None);
        world.Open.Reset();
        world.CreateIngress("b", "b.localhost", "a-1");
        await world.DeleteAsync(Kinds.KIngress, "a");
        world.CreateIngress("a", "a.localhost", "nobody");
        world.Open.Set();
        await world.ReconcileAsync();
        Assert.Null(world.Target("a.localhost"));
        Assert.DoesNotContain("keeps serving", world.Condition("a", "NetworkConfigured"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task DeletedService_LeavesNothingBehind()
    {
        await using var world = new FeedWorld();
        var feed = new EndpointFeed(world.Client, world);
        var index = world.Client.Cache(Kinds.EndpointSlice).Subscribe(change => feed.Index(change));
        foreach (var sliceFirst in (bool[])[true, false])
        {
            CreateWeb(world, "web");
            feed.Publish(new ObjectKey("d", "web"));
            Assert.Equal(1, feed.Known);
            ResourceKind[] order = sliceFirst ? [Kinds.EndpointSlice, Kinds.Service] : [Kinds.Service, Kinds.EndpointSlice];
            foreach (var kind in order)
            {
                await world.DeleteAsync(kind, "web");
                feed.Publish(new ObjectKey("d", "web"));
            }
            Assert.Equal(0, feed.Known);
        }
        index.Dispose();
    }

    private static void CreateWeb(FeedWorld world, string name)
    {
        world.Create(Kinds.Service, $$"""{"metadata":{"name":"{{name}}","namespace":"d"},"spec":{"ports":[{"name":"main","port":80}]} }""");
        world.CreateSlice(name, name, "main", 3000, "pod-" + name);
    }
}
