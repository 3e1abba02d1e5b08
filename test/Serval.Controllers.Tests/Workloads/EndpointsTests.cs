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

    /// <summary>endpointslice: reconciler.go, the placeholder; endpoints_controller.go writes Endpoints without subsets.</summary>
    [Fact]
    public async Task Service_ThatSelectsNobody_HasAnEmptySlice()
    {
        var world = new WorkloadWorld();
        world.Create(Kinds.Service, """{"metadata":{"name":"s","labels":{"x":"y"}},"spec":{"clusterIP":"None","selector":{"app":"d"},"ports":[{"port":80}]}}""");
        await world.SettleAsync();
        Assert.Empty(world.Client.Cache(Kinds.EndpointSlice).List()); // pods may be on their way

        await world.RestAsync();

        var slice = Assert.Single(world.Client.Cache(Kinds.EndpointSlice).List());
        Assert.Equal(
            "endpointslice.kubernetes.io/managed-by=endpointslice-controller.k8s.io kubernetes.io/service-name=s service.kubernetes.io/headless= x=y",
            string.Join(' ', slice.Metadata.Labels.OrderBy(l => l.Key, StringComparer.Ordinal).Select(l => $"{l.Key}={l.Value}")));
        var tree = slice.ToTree();
        Assert.Equal(("IPv4", null, null), ((string?)tree["addressType"], tree["endpoints"], tree["ports"]));
        Assert.Equal("endpoint-controller", world.Client.Cache(Kinds.Endpoints).List().Single().Metadata.Label("endpoints.kubernetes.io/managed-by"));

        await world.Client.DeleteAsync(Kinds.EndpointSlice, slice.Key, DeleteOptions.Background);
        await world.RestAsync();
        Assert.Single(world.Client.Cache(Kinds.EndpointSlice).List());
    }

    /// <summary>kubernetes: both controllers replace the labels, and look at the slices they manage alone.</summary>
    [Fact]
    public async Task Labels_FollowTheService_AndOtherControllersSlicesAreLeftAlone()
    {
        var world = new WorkloadWorld();
        world.Create(Kinds.Service, """{"metadata":{"name":"s","labels":{"x":"y"}},"spec":{"selector":{"app":"d"},"ports":[{"port":80,"targetPort":8080}]}}""");
        await world.DeployReadyAsync(1);
        var service = world.Client.Cache(Kinds.Service).List().Single(s => s.Metadata.Name == "s");
        world.Create(Kinds.EndpointSlice, $$"""
            {"metadata":{"name":"other","labels":{"kubernetes.io/service-name":"s","endpointslice.kubernetes.io/managed-by":"somebody"},
             "ownerReferences":[{"apiVersion":"v1","kind":"Service","name":"s","uid":"{{service.Metadata.Uid}}","controller":true}]},"addressType":"IPv4","endpoints":[{"addresses":["192.0.2.1"]}]}
            """);

        await world.PatchAsync(Kinds.Service, "s", """{"metadata":{"labels":{"x":null,"z":"new"}}}""");
        await world.RestAsync();

        var slices = world.Client.Cache(Kinds.EndpointSlice).List();
        var own = slices.Single(s => s.Metadata.Name != "other").Metadata;
        Assert.Equal((null, "new", "s"), (own.Label("x"), own.Label("z"), own.Label("kubernetes.io/service-name")));
        var endpoints = world.Client.Cache(Kinds.Endpoints).List().Single().Metadata;
        Assert.Equal((null, "new"), (endpoints.Label("x"), endpoints.Label("z")));
        Assert.Equal("192.0.2.1", slices.Single(s => s.Metadata.Name == "other").As<EndpointSlice>().Endpoints.Single().Addresses.Single());
    }

    /// <summary>A scale to zero and a wake are as many writes as without a placeholder: it is what the pods' slice becomes, and what becomes it.</summary>
    [Fact]
    public async Task Slice_StaysTheSame_FromPodsToNobodyAndBack()
    {
        var world = new WorkloadWorld();
        world.Create(Kinds.Service, """{"metadata":{"name":"s"},"spec":{"selector":{"app":"d"},"ports":[{"port":80,"targetPort":8080}]}}""");
        await world.DeployReadyAsync(1);
        var name = Assert.Single(world.Client.Cache(Kinds.EndpointSlice).List()).Metadata.Name;
        var pod = world.Pods[0].Metadata.Name;
        foreach (var label in (string[])["null", "\"d\""])
        {
            world.Client.TakeWrites();
            await world.PatchAsync(Kinds.Pod, pod, $$"""{"metadata":{"labels":{"app":{{label}} } } }""");
            await world.RestAsync();
            Assert.Equal([$"patch EndpointSlice {name}"], world.Client.TakeWrites().Where(w => w.Kind == Kinds.EndpointSlice).Select(w => w.ToString()));
            Assert.Equal(label != "null", Addressed(world, ready: true).Contains(pod));
        }
    }

    /// <summary>Pods that are reached at ports of their own stand in slices of their own, and stay there: nobody is away while another comes or goes.</summary>
    [Fact]
    public async Task Pods_OfDifferentPorts_KeepTheirSlices()
    {
        var world = new WorkloadWorld();
        world.Create(Kinds.Service, """{"metadata":{"name":"s"},"spec":{"selector":{"app":"d"},"ports":[{"port":80,"targetPort":8080}]}}""");
        await world.RestAsync();
        await MappedAsync("b", 2002);
        var placeholder = SliceOf("b");
        await MappedAsync("a", 2001); // in front of b by its port
        Assert.Equal(placeholder, SliceOf("b"));
        var second = SliceOf("a");
        await world.PatchAsync(Kinds.Pod, "b", """{"metadata":{"labels":{"app":null}}}""");
        Assert.Equal((second, 1), (SliceOf("a"), world.Client.Cache(Kinds.EndpointSlice).List().Count));
        await MappedAsync("c", 2003);
        await world.PatchAsync(Kinds.Pod, "b", """{"metadata":{"labels":{"app":"d"}}}""");
        Assert.Equal(3, world.Client.Cache(Kinds.EndpointSlice).List().Count);
        Assert.Equal(["a", "b", "c"], Addressed(world, ready: true));

        string SliceOf(string pod) => world.Client.Cache(Kinds.EndpointSlice).List()
            .Single(s => s.As<EndpointSlice>().Endpoints.Any(e => e.TargetRef!.Name == pod)).Metadata.Name;

        async Task MappedAsync(string name, int port)
        {
            world.Create(Kinds.Pod, $$$"""
                {"metadata":{"name":"{{{name}}}","labels":{"app":"d"},"annotations":{"serval.dev/ports":"{\"8080\":{{{port}}} }"}},"spec":{"nodeName":"n","containers":[{"name":"c"}]}}
                """);
            await world.ReadyAsync(world.Client.Cache(Kinds.Pod).Get(new ObjectKey(WorkloadWorld.Namespace, name))!);
            await world.RestAsync();
        }
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
        var reconciler = new EndpointsReconciler(_client, new ManualTime());
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
