using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Networking;
using Serval.Controllers.Tests.Autoscaler;
using Serval.Controllers.Workloads;
using Serval.Kube;

namespace Serval.Controllers.Tests.Workloads;

public sealed class EndpointsTests
{
    private readonly FakeKubeClient _client = new(new ManualTime());

    /// <summary>Maps run on the thread that publishes every write: what one pod costs there must not grow with the Services beside it.</summary>
    [Fact]
    public async Task PodEvent_AmongManyServices_CostsWhatItCostsAmongFew()
    {
        await CreateServicesAsync(0, 10);
        var few = CostOfAPodEvent("r5", "s5");
        await CreateServicesAsync(10, 1500);
        var many = CostOfAPodEvent("r1234", "s1234");
        Assert.True(many <= few + 1024, $"a pod's event allocates {few} bytes among 10 Services and {many} among 1500");
    }

    /// <summary><c>kubectl label pod x app-</c> takes the pod out of traffic.</summary>
    [Fact]
    public async Task Pod_ThatLosesTheLabel_LeavesTheSlice()
    {
        var world = new WorkloadWorld();
        world.Create(Kinds.Service, """{"metadata":{"name":"s"},"spec":{"selector":{"app":"d"},"ports":[{"port":80,"targetPort":8080}]}}""");
        await world.DeployReadyAsync(2);
        Assert.Equal(world.Pods.Select(p => p.Metadata.Name), Addressed(world, ready: true));

        var odd = world.Pods[0].Metadata.Name;
        await world.PatchAsync(Kinds.Pod, odd, """{"metadata":{"labels":{"app":null}}}""");
        Assert.DoesNotContain(odd, Addressed(world, ready: true));
        Assert.DoesNotContain(odd, Addressed(world, ready: false));

        await world.PatchAsync(Kinds.Pod, odd, """{"metadata":{"labels":{"app":"d"}}}""");
        Assert.Contains(odd, Addressed(world, ready: true));
    }

    /// <summary>Nobody may be sent to an address that is gone.</summary>
    [Fact]
    public async Task LastPod_ThatGoes_LeavesNoAddress()
    {
        var world = new WorkloadWorld();
        world.Create(Kinds.Service, """{"metadata":{"name":"s"},"spec":{"selector":{"app":"d"},"ports":[{"port":80}]}}""");
        await world.DeployReadyAsync(2);
        var key = new ObjectKey(WorkloadWorld.Namespace, "s");
        Assert.NotEmpty(world.Client.Cache(Kinds.Endpoints).Get(key)!.ToTree()["subsets"]!.AsArray());
        foreach (var pod in world.Pods)
        {
            await world.PatchAsync(Kinds.Pod, pod.Metadata.Name, """{"metadata":{"labels":{"app":null}}}""");
        }
        await world.PatchAsync(Kinds.Service, "s", """{"spec":{"selector":{"app":"nobody"}}}""");
        Assert.True(world.Client.Cache(Kinds.Endpoints).Get(key)!.ToTree()["subsets"] is null or JsonArray { Count: 0 });
    }

    [Theory]
    [InlineData("true", true)]
    [InlineData("false", false)]
    public async Task PublishNotReadyAddresses_MakesEveryPodAnAddress(string publish, bool expected)
    {
        var world = new WorkloadWorld();
        world.Create(Kinds.Service, $$"""{"metadata":{"name":"s"},"spec":{"publishNotReadyAddresses":{{publish}},"selector":{"app":"d"},"ports":[{"port":80}]} }""");
        await world.DeployAsync(1);
        await world.ReadyAsync(world.Pods[0], ready: false);
        Assert.Equal(expected, Addressed(world, ready: true).Any());
        var subset = world.Client.Cache(Kinds.Endpoints).Get(new ObjectKey(WorkloadWorld.Namespace, "s"))!.ToTree()["subsets"]![0]!.AsObject();
        Assert.Equal(expected, subset.ContainsKey("addresses"));
        Assert.Equal(!expected, subset.ContainsKey("notReadyAddresses"));
    }

    private static IEnumerable<string> Addressed(WorkloadWorld world, bool ready) => world.Client.Cache(Kinds.EndpointSlice).List()
        .SelectMany(s => s.As<EndpointSlice>().Endpoints).Where(e => (e.Conditions.Ready ?? true) == ready).Select(e => e.TargetRef!.Name).Order(StringComparer.Ordinal);

    private long CostOfAPodEvent(string revision, string service)
    {
        var reconciler = new EndpointsReconciler(_client);
        var watches = reconciler.Watches.ToList();
        foreach (var watch in watches.Where(w => w.Kind == Kinds.Service))
        {
            foreach (var stored in _client.Cache(Kinds.Service).List())
            {
                Assert.Empty(watch.Map(new CacheChange(WatchEventType.Added, stored, null)));
            }
        }
        var map = watches.Single(w => w.Kind == Kinds.Pod).Map;
        var pod = KubeObject.From(JsonNode.Parse($$"""
            {"apiVersion":"v1","kind":"Pod","metadata":{"name":"p","namespace":"n1","labels":{"app":"a","revision":"{{revision}}"} } }
            """)!.AsObject());
        Assert.Equal([service], map(new CacheChange(WatchEventType.Added, pod, null)).Select(k => k.Name));
        var before = GC.GetAllocatedBytesForCurrentThread();
        _ = map(new CacheChange(WatchEventType.Added, pod, null)).Count();
        return GC.GetAllocatedBytesForCurrentThread() - before;
    }

    private async Task CreateServicesAsync(int from, int to)
    {
        for (var i = from; i < to; i++)
        {
            await _client.CreateAsync(Kinds.Service, KubeObject.From(JsonNode.Parse($$"""
                {"apiVersion":"v1","kind":"Service","metadata":{"name":"s{{i}}","namespace":"n1"},"spec":{"selector":{"app":"a","revision":"r{{i}}"} } }
                """)!.AsObject()), WriteOptions.By("test"));
        }
    }
}
