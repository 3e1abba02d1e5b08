using Serval.Api;
using Serval.Api.Networking;
using Serval.Kube;
using Serval.Routing;

namespace Serval.Controllers.Tests.Networking;

public sealed class RouteFeedTests
{
    private static readonly BackendKey s_a = BackendKey.Revision("d", "a-1");

    private static async Task<FeedWorld> StartAsync(Action<FeedWorld>? before = null)
    {
        var world = new FeedWorld();
        before?.Invoke(world);
        await world.Feed.StartAsync(CancellationToken.None);
        await world.ReconcileAsync();
        return world;
    }

    [Fact]
    public async Task Start_PresentObjects_AreOneTable()
    {
        await using var world = await StartAsync(w =>
        {
            w.CreateRevision("a-1");
            w.CreateRevision("b-1");
            w.CreateSlice("a-1-x", "a-1-private", "http", 20017, "pod-1", "pod-2");
            w.CreateIngress("a", "a.localhost", "a-1");
            w.CreateIngress("b", "b.localhost", "b-1");
        });
        Assert.Equal(("d/a-1", "d/b-1"), (world.Target("a.localhost"), world.Target("b.localhost")));
        Assert.Equal(7, world.Table.PolicyOf(s_a).ContainerConcurrency);
        Assert.Equal([20017, 20017], world.Endpoints[s_a].Endpoints.Select(e => e.Port));
        Assert.Equal(["pod-1", "pod-2"], world.Endpoints[s_a].Endpoints.Select(e => e.InstanceId));
    }

    [Fact]
    public async Task Ingress_Published_IsReady()
    {
        await using var world = await StartAsync();
        world.CreateRoute();
        await world.ReconcileAsync();
        Assert.Equal("True", world.Condition("a", "Ready"));
        var status = world.Client.Cache(Kinds.KIngress).Get(new ObjectKey("d", "a"))!.As<KIngress>().Status;
        Assert.Equal((1, "gateway.knative-serving.svc.cluster.local", "gateway-private.knative-serving.svc.cluster.local"), (status.ObservedGeneration, status.PublicLoadBalancer!.Ingress[0].DomainInternal, status.PrivateLoadBalancer!.Ingress[0].DomainInternal));
        world.Client.TakeWrites();
        var version = world.Feed.Version;
        await world.Reconciler.ReconcileAsync(new ObjectKey("d", "a"), CancellationToken.None);
        await world.ReconcileAsync();
        Assert.Empty(world.Client.TakeWrites());
        Assert.Equal(version, world.Feed.Version); // its own status is no new route
    }

    /// <summary>The mode of a ServerlessService follows its pods up and down; what it says of the protocol is routed by.</summary>
    [Fact]
    public async Task ServerlessMode_IsNoNewRoute_ButItsProtocolIs()
    {
        await using var world = await StartAsync(w => w.CreateRoute());
        await world.DeleteAsync(Kinds.Revision, "a-1");
        await world.ReconcileAsync();
        var version = world.Feed.Version;

        world.Patch(Kinds.ServerlessService, "a-1", """{"spec":{"mode":"Serve","numActivators":4}}""");
        await world.ReconcileAsync();
        Assert.Equal(version, world.Feed.Version);

        world.Patch(Kinds.ServerlessService, "a-1", """{"spec":{"protocolType":"h2c"}}""");
        await world.ReconcileAsync();
        Assert.Equal(BackendProtocol.H2c, world.Table.PolicyOf(s_a).Protocol);
    }

    [Fact]
    public async Task BurstCapacityOfTheCluster_IsFollowed_AndARevisionsOwnHolds()
    {
        await using var world = await StartAsync(w =>
        {
            w.CreateRoute();
            w.CreateRevision("b-1");
            w.CreateIngress("b", "b.localhost", "b-1");
            w.Patch(Kinds.Revision, "b-1", """{"metadata":{"annotations":{"autoscaling.knative.dev/target-burst-capacity":"100"}}}""");
        });
        Assert.False(world.Table.PolicyOf(s_a).QueuesAtInstances);

        world.Create(Kinds.ConfigMap, """{"metadata":{"name":"config-autoscaler","namespace":"knative-serving"},"data":{"target-burst-capacity":"0"}}""");
        await world.ReconcileAsync();

        Assert.True(world.Table.PolicyOf(s_a).QueuesAtInstances);
        Assert.False(world.Table.PolicyOf(BackendKey.Revision("d", "b-1")).QueuesAtInstances);
    }

    [Theory]
    [InlineData("config-gc", "min-non-active-revisions", false)]
    [InlineData("config-network", "domain-template", false)]
    [InlineData("config-autoscaler", "stable-window", true)]
    public async Task Settings_ThatReachNoRoute_MakeNoTable(string map, string key, bool reaches)
    {
        await using var world = await StartAsync(w => w.CreateRoute());
        var before = world.Feed.Version;
        var value = key switch { "stable-window" => "70s", "domain-template" => "{{.Name}}.{{.Domain}}", _ => "3" };

        world.Create(Kinds.ConfigMap, $$$"""{"metadata":{"name":"{{{map}}}","namespace":"knative-serving"},"data":{"{{{key}}}":"{{{value}}}"}}""");
        await world.ReconcileAsync();

        Assert.Equal(reaches, world.Feed.Version > before);
    }

    [Fact]
    public async Task Ingress_ServiceComesLater_IsCompiledThen()
    {
        await using var world = await StartAsync(w => w.CreateIngress("a", "a.localhost", "a-1"));
        Assert.StartsWith("False InvalidIngress", world.Condition("a", "Ready"), StringComparison.Ordinal);
        Assert.Contains("service d/a-1 does not exist", world.Condition("a", "NetworkConfigured"), StringComparison.Ordinal);
        world.CreateRevision("a-1");
        await world.ReconcileAsync();
        Assert.Equal("d/a-1", world.Target("a.localhost"));
        Assert.Equal("True", world.Condition("a", "Ready"));
    }

    [Fact]
    public async Task Ingress_BrokenByAnEdit_KeepsTheLastGood()
    {
        await using var world = await StartAsync(w => w.CreateRoute());
        world.Patch(Kinds.KIngress, "a", """{"spec":{"rules":[]}}""");
        await world.ReconcileAsync();
        Assert.Equal("d/a-1", world.Target("a.localhost"));
        Assert.Equal("False InvalidIngress spec.rules is empty: give at least one rule (the last good version keeps serving)", world.Condition("a", "NetworkConfigured"));
    }

    [Fact]
    public async Task Ingress_Deleted_IsGone()
    {
        await using var world = await StartAsync(w => w.CreateRoute());
        await world.DeleteAsync(Kinds.KIngress, "a");
        await world.ReconcileAsync();
        Assert.Null(world.Target("a.localhost"));
        Assert.Null(world.Feed.StateOf(new ObjectKey("d", "a")));
    }

    [Fact]
    public async Task HostConflict_IsReportedAndHealsWhenTheOlderGoes()
    {
        await using var world = await StartAsync(w =>
        {
            w.CreateRevision("a-1");
            w.CreateRevision("b-1");
            w.CreateIngress("old", "x.localhost", "a-1", "2026-01-01T00:00:00Z");
            w.CreateIngress("young", "x.localhost", "b-1", "2026-02-01T00:00:00Z");
        });
        Assert.Equal("d/a-1", world.Target("x.localhost"));
        Assert.StartsWith("False HostConflict host x.localhost belongs to the older Ingress d/old", world.Condition("young", "Ready"), StringComparison.Ordinal);
        Assert.Equal("True", world.Condition("old", "Ready"));
        await world.DeleteAsync(Kinds.KIngress, "old");
        await world.ReconcileAsync();
        Assert.Equal("d/b-1", world.Target("x.localhost"));
        Assert.Equal("True", world.Condition("young", "Ready"));
    }

    [Fact]
    public async Task PlainService_IsFedOnlyWhileReferenced()
    {
        await using var world = await StartAsync(w =>
        {
            w.Create(Kinds.Service, """{"metadata":{"name":"web","namespace":"d"},"spec":{"ports":[{"name":"main","port":80}]}}""");
            w.CreateSlice("web-x", "web", "main", 3000, "pod-9");
        });
        var backend = BackendKey.Service("d", "web", "80");
        Assert.Empty(world.Endpoints);
        world.CreateIngress("a", "a.localhost", "web");
        await world.ReconcileAsync();
        Assert.Equal(new BackendEndpoint("127.0.0.1", 3000, "pod-9"), Assert.Single(world.Endpoints[backend].Endpoints));
        world.Patch(Kinds.EndpointSlice, "web-x", """{"endpoints":[]}""");
        await world.ReconcileAsync();
        Assert.Empty(world.Endpoints[backend].Endpoints);
        await world.DeleteAsync(Kinds.KIngress, "a");
        await world.ReconcileAsync();
        Assert.Empty(world.Endpoints);
    }

    [Fact]
    public async Task ExternalName_IsItsHost()
    {
        await using var world = await StartAsync(w =>
        {
            w.Create(Kinds.Service, """{"metadata":{"name":"web","namespace":"d"},"spec":{"type":"ExternalName","externalName":"example.test","ports":[{"port":80}]}}""");
            w.CreateIngress("a", "a.localhost", "web");
        });
        Assert.Equal("example.test", world.Endpoints[BackendKey.Service("d", "web", "80")].Endpoints[0].Host);
    }

    [Fact]
    public async Task Slices_NotReadyIsDraining_GoneIsEmpty()
    {
        await using var world = await StartAsync(w =>
        {
            w.CreateRevision("a-1");
            w.CreateSlice("s", "a-1-private", "http", 20017, "pod-1");
        });
        world.Patch(Kinds.EndpointSlice, "s", """{"endpoints":[{"addresses":["127.0.0.1"],"conditions":{"ready":false},"targetRef":{"uid":"pod-1"}}]}""");
        await world.ReconcileAsync();
        Assert.Equal(EndpointState.Draining, world.Endpoints[s_a].Endpoints[0].State);
        await world.DeleteAsync(Kinds.EndpointSlice, "s");
        await world.ReconcileAsync();
        Assert.Empty(world.Endpoints[s_a].Endpoints);
        await world.DeleteAsync(Kinds.ServerlessService, "a-1");
        await world.ReconcileAsync();
        Assert.Empty(world.Endpoints);
    }

    [Fact]
    public async Task Revision_GoneBeforeItsService_IsNotFedAgain()
    {
        await using var world = await StartAsync(w =>
        {
            w.CreateRevision("a-1");
            w.CreateSlice("s", "a-1-private", "http", 20017, "pod-1");
        });
        await world.DeleteAsync(Kinds.ServerlessService, "a-1");
        await world.ReconcileAsync();
        world.Patch(Kinds.EndpointSlice, "s", """{"endpoints":[]}""");
        await world.ReconcileAsync();
        Assert.Empty(world.Endpoints);
    }

    [Fact]
    public async Task Revision_SeenAfterItsSlices_IsFed()
    {
        await using var world = await StartAsync();
        world.CreateRevision("a-1");
        await world.DeleteAsync(Kinds.ServerlessService, "a-1");
        world.CreateSlice("s", "a-1-private", "http", 20017, "pod-1");
        await world.ReconcileAsync();
        Assert.Empty(world.Endpoints);
        world.Create(Kinds.ServerlessService, """{"metadata":{"name":"a-1","namespace":"d"},"spec":{"mode":"Proxy"}}""");
        await world.ReconcileAsync();
        Assert.Equal("pod-1", world.Endpoints[s_a].Endpoints.Single().InstanceId);
    }

    /// <summary>Those who were told that a revision of this name is gone are held again, though it has no pod and no slice yet.</summary>
    [Fact]
    public async Task Revision_MadeAgain_IsThereBeforeItsSlices()
    {
        await using var world = await StartAsync(w => w.CreateRevision("a-1"));
        Assert.Empty(world.Endpoints[s_a].Endpoints);
        await world.DeleteAsync(Kinds.ServerlessService, "a-1");
        await world.ReconcileAsync();
        Assert.Empty(world.Endpoints);
        world.Create(Kinds.ServerlessService, """{"metadata":{"name":"a-1","namespace":"d"},"spec":{"mode":"Proxy"}}""");
        await world.ReconcileAsync();
        Assert.Empty(world.Endpoints[s_a].Endpoints);
    }

    /// <summary>The mirror of a public Service names the gateway: a request that followed it would come back for ever.</summary>
    [Fact]
    public async Task SliceOfAPublicService_IsNobodysBackend()
    {
        await using var world = await StartAsync(w =>
        {
            w.CreateRoute();
            w.CreateSlice("s", "a-1-private", "http", 20017, "pod-1");
            w.Create(Kinds.Service, """{"metadata":{"name":"a-1","namespace":"d","labels":{"networking.internal.knative.dev/serviceType":"Public"}},"spec":{"ports":[{"name":"http","port":80}]}}""");
        });
        world.Create(Kinds.EndpointSlice, """
            {"metadata":{"name":"m","namespace":"d","labels":{"kubernetes.io/service-name":"a-1","networking.internal.knative.dev/serviceType":"Public"}},
             "ports":[{"name":"http","port":8880}],"endpoints":[{"addresses":["127.0.0.1"],"conditions":{"ready":true}}]}
            """);
        await world.DeleteAsync(Kinds.ServerlessService, "a-1"); // then the name is a plain Service's for a moment
        await world.ReconcileAsync();
        Assert.DoesNotContain(world.Endpoints.Values.SelectMany(e => e.Endpoints), e => e.Port == 8880);
    }

    [Fact]
    public async Task Capacity_IsPassedOnAtOnceWithTheServingPort()
    {
        await using var world = await StartAsync(w => w.CreateRevision("a-1"));
        var pod = new ObjectKey("d", "p");
        var revision = new ObjectKey("d", "a-1");
        world.Capacity.Publish(new InstanceCapacity(pod, "u1", revision, "127.0.0.1", new Dictionary<int, int> { [8080] = 20017 }, InstanceState.Ready));
        world.Capacity.Publish(new InstanceCapacity(pod, "u1", revision, "127.0.0.1", new Dictionary<int, int> { [9090] = 20018, [8080] = 20017 }, InstanceState.Draining));
        world.Capacity.Publish(new InstanceCapacity(pod, "u2", new ObjectKey("d", ""), "127.0.0.1", new Dictionary<int, int>(), InstanceState.Ready));
        world.Create(Kinds.Pod, """{"metadata":{"name":"p","namespace":"d","labels":{"serving.knative.dev/revision":"a-1"}}}""");
        await world.Client.DeleteAsync(Kinds.Pod, pod, DeleteOptions.Background);
        Assert.Equal(["d/a-1 127.0.0.1:20017 u1 Ready", "d/a-1 127.0.0.1:20017 u1 Draining", "d/a-1 :0 uid-pods-p Gone"], world.Signals);
    }

    [Fact]
    public async Task Burst_IsFewTables()
    {
        await using var world = await StartAsync(w => w.CreateRevision("a-1"));
        for (var i = 0; i < 300; i++)
        {
            world.CreateIngress($"i{i}", $"h{i}.localhost", "a-1");
        }
        await world.ReconcileAsync();
        Assert.Equal(300, world.Table.Hosts.Count);
        Assert.InRange(world.Feed.Version, 1, 300);
    }
}
