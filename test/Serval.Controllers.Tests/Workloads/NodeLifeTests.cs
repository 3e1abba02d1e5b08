using System.Text;
using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Core;
using Serval.Api.Networking;
using Serval.Controllers.Workloads;
using Serval.Kube;

namespace Serval.Controllers.Tests.Workloads;

/// <summary>Nodes that keep a Lease, and what becomes of their pods when they no longer do.</summary>
public sealed class NodeLifeTests
{
    private const string RevisionPods = """{"template":{"metadata":{"labels":{"app":"d","serving.knative.dev/revision":"r"}},"spec":{"containers":[{"name":"c","image":"1"}]}}}""";

    private static readonly TimeSpan s_renewal = TimeSpan.FromSeconds(10);

    private readonly WorkloadWorld _world = new();
    private readonly HashSet<string> _alive = [];

    [Fact]
    public async Task LostNode_IsNotUsed_ItsPodsAreNotReadyAtOnce_AndReplacedInTime()
    {
        await AddNodesAsync("a", "b");
        _world.Create(Kinds.Service, """{"metadata":{"name":"s"},"spec":{"selector":{"app":"d"},"ports":[{"port":80}]}}""");
        await _world.DeployReadyAsync(4);
        Assert.Equal("a a b b", Places());
        Assert.Equal("4 ready", Endpoints());

        await LoseAsync("a", 20);
        Assert.Equal("True NodeAgentReady", Ready("a"));
        await PassAsync(20);
        Assert.Equal("Unknown NodeStatusUnknown", Ready("a"));
        Assert.Equal("node.kubernetes.io/unreachable:NoSchedule node.kubernetes.io/unreachable:NoExecute", Taints("a"));
        Assert.Equal("a a b b", Places());
        Assert.Equal("2 ready", Endpoints());
        Assert.All(On("a"), p => Assert.Contains(p.As<Pod>().Status.Conditions, c => c is { Type: "Ready", Status: "False", Reason: "NodeLost" }));
        await _world.DeployAsync(3, name: "other");
        Assert.Equal("a a b b b b b", Places());

        await PassAsync(270);
        Assert.Equal("a a b b b b b", Places());
        await PassAsync(30);
        Assert.Equal("b b b b b b b", Places());
        Assert.Equal(["True NodeAgentReady"], [Ready("b")]);
    }

    [Fact]
    public async Task LostNode_PodsOfRevisions_AreReplacedAtOnce()
    {
        await AddNodesAsync("a", "b");
        await _world.DeployReadyAsync(2, RevisionPods);
        Assert.Equal("a b", Places());
        await LoseAsync("a", 40);
        Assert.Equal("b b", Places());
    }

    /// <summary>A pod that was on its way there when the node was lost.</summary>
    [Fact]
    public async Task LostNode_PodThatLandsLate_IsReplacedToo()
    {
        await AddNodesAsync("a", "b");
        await LoseAsync("a", 40);
        _world.Create(Kinds.Pod, """{"metadata":{"name":"p","labels":{"serving.knative.dev/revision":"r"}},"spec":{"nodeName":"a","containers":[{"name":"c","image":"1"}]}}""");
        await PassAsync(30);
        Assert.Empty(_world.Pods);
    }

    /// <summary>When nothing is heard of any node it is rather the network here that is gone.</summary>
    [Fact]
    public async Task AllNodesSilent_NothingIsDeleted_NorUnready_UntilAnotherLivesForLong()
    {
        await AddNodesAsync("a", "b");
        _world.Create(Kinds.Service, """{"metadata":{"name":"s"},"spec":{"selector":{"app":"d"},"ports":[{"port":80}]}}""");
        await _world.DeployReadyAsync(2, RevisionPods);
        await PassAsync(30);
        await RenewedAsync("a");
        await _world.PassAsync(TimeSpan.FromSeconds(9));
        await RenewedAsync("b");
        _alive.Clear();
        await PassAsync(600);
        Assert.Equal(("a b", "2 ready"), (Places(), Endpoints()));
        Assert.Equal(("Unknown NodeStatusUnknown", "Unknown NodeStatusUnknown"), (Ready("a"), Ready("b")));
        Assert.Equal("", Taints("a"));

        _alive.Add("b");
        await PassAsync(30);
        Assert.Equal(("a b", "2 ready", "True NodeAgentReady"), (Places(), Endpoints(), Ready("b")));
        _alive.Add("a");
        await PassAsync(60);
        Assert.Equal(("a b", "2 ready", "True NodeAgentReady"), (Places(), Endpoints(), Ready("a")));

        _alive.Clear();
        await PassAsync(600);
        _alive.Add("b");
        await PassAsync(60);
        Assert.Equal("b b", Places());
    }

    /// <summary>After a pause of this process, and perhaps of the API server, agents need a moment to come back.</summary>
    [Fact]
    public async Task Pause_IsNotTheNodesSilence()
    {
        await AddNodesAsync("a", "b");
        await _world.DeployReadyAsync(2, RevisionPods);
        await PassAsync(60);
        _world.Time.Advance(TimeSpan.FromSeconds(60));
        await RenewedAsync("b");
        _alive.Remove("a");
        await PassAsync(30);
        Assert.Equal("a b", Places());
        await PassAsync(30);
        Assert.Equal("b b", Places());
    }

    [Fact]
    public async Task OnlyNode_ThatIsSilent_KeepsItsPods_ButNotWhenItGaveItsLeaseBack()
    {
        await AddNodesAsync("a");
        await _world.DeployReadyAsync(1);
        await PassAsync(60);
        _alive.Clear();
        await PassAsync(600);
        Assert.Equal(("Unknown NodeStatusUnknown", "True"), (Ready("a"), Assert.Single(On("a")).As<Pod>().Status.Conditions.Single(c => c.Type == "Ready").Status));
        await _world.Client.DeleteAsync(Kinds.Lease, new ObjectKey(NodeLife.LeaseNamespace, "a"), DeleteOptions.Background);
        await _world.SettleAsync();
        Assert.Equal("False", Assert.Single(On("a")).As<Pod>().Status.Conditions.Single(c => c.Type == "Ready").Status);
    }

    [Theory]
    [InlineData("""{"key":"node.kubernetes.io/unreachable","operator":"Exists","effect":"NoExecute","tolerationSeconds":30}""", 20, 40)]
    [InlineData("""{"operator":"Exists"}""", 3600, null)]
    public async Task LostNode_KeepsAPodAsLongAsItTolerates(string toleration, int stays, int? gone)
    {
        await AddNodesAsync("a", "b");
        await _world.DeployReadyAsync(2, $$$$"""{"template":{"metadata":{"labels":{"app":"d"}},"spec":{"tolerations":[{{{{toleration}}}}],"containers":[{"name":"c","image":"1"}]}}}""");
        await LoseAsync("a", 40); // lost for 10 s
        await PassAsync(stays - 10);
        Assert.Equal("a b", Places());
        if (gone is { } seconds)
        {
            await PassAsync(seconds - stays);
            Assert.Equal("b b", Places());
        }
    }

    [Fact]
    public async Task NodeThatComesBack_IsUsedAgain_AndKeepsWhatWasNotItsSilences()
    {
        await AddNodesAsync("a", "b");
        await _world.Client.PatchAsync(Kinds.Node, ObjectKey.Cluster("a"), Patch("""{"spec":{"taints":[{"key":"mine","effect":"PreferNoSchedule"}]}}"""), WriteOptions.By("test"));
        await _world.DeployReadyAsync(2);
        await LoseAsync("a", 40);
        Assert.Equal("Unknown NodeStatusUnknown", Ready("a"));
        _alive.Add("a");
        await PassAsync(10);
        Assert.Equal("True NodeAgentReady", Ready("a"));
        Assert.Equal("mine:PreferNoSchedule", Taints("a"));
        Assert.Equal("a b", Places());
        await _world.DeployAsync(2, name: "other");
        Assert.Equal("a a b b", Places());
    }

    /// <summary>Agents cannot renew at an API server that is away; when it is back they have their time again.</summary>
    [Fact]
    public async Task ApiServerAway_NobodyIsLost_NorWhenItIsBack()
    {
        await AddNodesAsync("a", "b");
        await _world.DeployReadyAsync(2);
        _alive.Clear();
        _world.Client.ReadFailure = new ApiException(503, "ServiceUnavailable", "away");
        await PassAsync(300);
        _world.Client.ReadFailure = null;
        await PassAsync(30);
        Assert.Equal(("True NodeAgentReady", "True NodeAgentReady"), (Ready("a"), Ready("b")));
        _alive.Add("a");
        await PassAsync(30);
        Assert.Equal(("True NodeAgentReady", "Unknown NodeStatusUnknown"), (Ready("a"), Ready("b")));

        // Nor does the API server's silence bring a lost one back.
        _world.Client.ReadFailure = new ApiException(503, "ServiceUnavailable", "away");
        await PassAsync(60);
        Assert.Equal("Unknown NodeStatusUnknown", Ready("b"));
    }

    [Fact]
    public async Task Lease_GivenBack_IsNoLongerUsedAtOnce()
    {
        await AddNodesAsync("a", "b");
        await _world.Client.DeleteAsync(Kinds.Lease, new ObjectKey(NodeLife.LeaseNamespace, "a"), DeleteOptions.Background);
        await _world.SettleAsync();
        Assert.Equal("Unknown NodeStatusUnknown", Ready("a"));
        await _world.DeployAsync(2);
        Assert.Equal("b b", Places());
        AddLease("a");
        await _world.SettleAsync();
        Assert.Equal("True NodeAgentReady", Ready("a"));
    }

    /// <summary>A controller that starts does not know how old what it finds is.</summary>
    [Fact]
    public async Task LostNode_AtTheControllersStart_StaysLostUntilItRenews()
    {
        await AddNodesAsync("a");
        _alive.Clear();
        await PassAsync(60);
        var next = new NodeLife(_world.Client, NoEvents.Instance, _world.Time);
        await next.ReconcileAsync(ObjectKey.Cluster("a"), CancellationToken.None);
        Assert.Equal("Unknown NodeStatusUnknown", Ready("a"));
        Renew("a");
        await next.ReconcileAsync(ObjectKey.Cluster("a"), CancellationToken.None);
        Assert.Equal("True NodeAgentReady", Ready("a"));
    }

    [Fact]
    public async Task NodeWithoutALease_IsNeverJudged()
    {
        CreateNode("only", "{}");
        await _world.DeployReadyAsync(2);
        _world.Client.TakeWrites();
        await PassAsync(3600);
        Assert.DoesNotContain(_world.Client.TakeWrites(), w => w.Kind == Kinds.Node || w.Kind == Kinds.Pod);
        Assert.Equal("only only", Places());
    }

    /// <summary>Of nodes and pods at random: nobody is put where he does not fit, and nobody waits while there is a place.</summary>
    [Fact]
    public async Task Choice_AmongManyNodes_IsRightAndEven()
    {
        for (var seed = 1; seed <= 30; seed++)
        {
            var random = new Random(seed);
            var test = new NodeLifeTests();
            await test.FillAsync(random);
            foreach (var node in test._world.Client.Cache(Kinds.Node).List())
            {
                var view = node.As<Node>();
                var taken = test.On(node.Metadata.Name).Sum(p => PodResources.Requests(p.As<Pod>().Spec).GetValueOrDefault("cpu").MilliValue);
                Assert.True(taken <= Cpu(view), $"seed {seed}: {node.Metadata.Name} has {taken}m of {Cpu(view)}m");
                Assert.True(!view.Spec.Unschedulable || taken == 0, $"seed {seed}: {node.Metadata.Name} is cordoned and has {taken}m");
                foreach (var waiting in test._world.Pods.Where(p => p.As<Pod>().Spec.NodeName.Length == 0))
                {
                    var need = PodResources.Requests(waiting.As<Pod>().Spec).GetValueOrDefault("cpu").MilliValue;
                    Assert.True(view.Spec.Unschedulable || taken + need > Cpu(view), $"seed {seed}: {waiting.Metadata.Name} waits for {need}m, {node.Metadata.Name} has room");
                }
            }
        }

        static long Cpu(Node node) => PodResources.Read(node.Status.Allocatable["cpu"]).MilliValue;
    }

    /// <summary>Kubernetes' API server taints every new Node; one that is ready is used, with the taints of others.</summary>
    [Fact]
    public async Task NewNode_TaintedAsNotReady_IsUsedOnceItIsReady()
    {
        CreateNode("a", "{}", """ "taints":[{"key":"node.kubernetes.io/not-ready","effect":"NoSchedule"},{"key":"k","effect":"PreferNoSchedule"}] """);
        AddLease("a");
        await _world.SettleAsync();
        Assert.Equal("k:PreferNoSchedule", Taints("a"));
        await _world.DeployAsync(1);
        Assert.Equal("a", Places());
    }

    /// <summary>Kubernetes' API server lets nobody write a pod's node; it is asked for a Binding.</summary>
    [Fact]
    public async Task Pod_AmongOthers_IsBound()
    {
        await AddNodesAsync("a");
        using var binding = new PodBindingReconciler(_world.Client, new NodeRoom(_world.Client), NoEvents.Instance, _world.Time, amongOthers: true);
        var pod = await _world.Client.CreateAsync(Kinds.Pod, Parse("""{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p","namespace":"n"},"spec":{"containers":[{"name":"c","image":"1"}]}}"""), WriteOptions.By("test"));
        _world.Client.TakeWrites();
        await binding.ReconcileAsync(pod.Key, default);
        Assert.Equal(["create Pod p/binding"], _world.Client.TakeWrites().Select(w => w.ToString()));
        Assert.Equal("a", Places());
    }

    /// <summary>Pods that ask for nothing are spread by their number, those of one owner apart.</summary>
    [Fact]
    public async Task Choice_OfBarePods_SpreadsThem()
    {
        foreach (var name in (string[])["a", "b", "c"])
        {
            CreateNode(name, """{"cpu":"4","memory":"8Gi","pods":"100"}""");
            AddLease(name);
        }
        await _world.SettleAsync();
        await _world.DeployAsync(4);
        await _world.DeployAsync(5, name: "other");
        Assert.Equal("a a a b b b c c c", Places());
        Assert.Equal([1, 1, 2], _world.Pods.Where(p => p.Metadata.Label("app") == "d").CountBy(p => p.As<Pod>().Spec.NodeName).Select(c => c.Value).Order());
    }

    [Fact]
    public async Task PodWithoutAPlace_HearsOfAllNodes()
    {
        foreach (var (name, spec) in (IEnumerable<(string, string)>)[("a", """ "unschedulable":true """), ("b", ""), ("c", ""), ("d", """ "taints":[{"key":"k","value":"v","effect":"NoSchedule"}] """)])
        {
            CreateNode(name, """{"cpu":"1","pods":"100"}""", spec);
            AddLease(name);
        }
        await _world.Client.PatchAsync(Kinds.Node, ObjectKey.Cluster("c"), Patch("""{"status":{"conditions":[{"type":"Ready","status":"False"}]}}"""), WriteOptions.By("test", "status"));
        await _world.SettleAsync();
        await _world.DeployAsync(1, """{"template":{"metadata":{"labels":{"app":"d"}},"spec":{"containers":[{"name":"c","image":"1","resources":{"requests":{"cpu":"2"}}}]}}}""");
        Assert.Equal(
            "0/4 nodes are available: 1 Insufficient cpu, 1 node(s) had untolerated taint {k: v}, 1 node(s) were not ready, 1 node(s) were unschedulable.",
            Assert.Single(_world.Pods).As<Pod>().Status.Conditions.Single(c => c.Type == "PodScheduled").Message);
    }

    private async Task FillAsync(Random random)
    {
        for (var i = 0; i < random.Next(2, 6); i++)
        {
            CreateNode($"n{i}", $$"""{"cpu":"{{random.Next(1, 5)}}","pods":"100"}""", random.Next(4) == 0 ? """ "unschedulable":true """ : "");
            AddLease($"n{i}");
        }
        await _world.SettleAsync();
        for (var i = 0; i < 6; i++)
        {
            await _world.DeployAsync(random.Next(1, 6), $$$$"""
                {"template":{"metadata":{"labels":{"app":"d{{{{i}}}}"}},"spec":{"containers":[{"name":"c","image":"1","resources":{"requests":{"cpu":"{{{{random.Next(1, 12) * 100}}}}m"}}}]}}}
                """, $"d{i}");
        }
    }

    private async Task AddNodesAsync(params string[] names)
    {
        foreach (var name in names)
        {
            CreateNode(name, "{}");
            AddLease(name);
            _alive.Add(name);
        }
        await _world.SettleAsync();
    }

    private void CreateNode(string name, string allocatable, string spec = "") => _ = _world.Client.CreateAsync(Kinds.Node, Parse($$$"""
        {"apiVersion":"v1","kind":"Node","metadata":{"name":"{{{name}}}"},"spec":{ {{{spec}}} },
         "status":{"allocatable":{{{allocatable}}},"conditions":[{"type":"Ready","status":"True","reason":"NodeAgentReady","lastHeartbeatTime":"2026-01-01T10:00:00Z"}]}}
        """), WriteOptions.By("test")).Result;

    private void AddLease(string node) => _ = _world.Client.CreateAsync(Kinds.Lease, Parse($$$"""
        {"apiVersion":"coordination.k8s.io/v1","kind":"Lease","metadata":{"name":"{{{node}}}","namespace":"kube-node-lease","labels":{"serval.dev/signals":"node"}},
         "spec":{"holderIdentity":"{{{node}}}","leaseDurationSeconds":40,"renewTime":"0"}}
        """), WriteOptions.By("test")).Result;

    private void Renew(string node) => _ = _world.Client.PatchAsync(
        Kinds.Lease, new ObjectKey(NodeLife.LeaseNamespace, node), Patch($$"""{"spec":{"renewTime":"{{_world.Time.Steady.Ticks}}"} }"""), WriteOptions.By(node)).Result;

    private Task RenewedAsync(string node)
    {
        Renew(node);
        return _world.SettleAsync();
    }

    /// <summary>Its last renewal, 10 s, and the seconds.</summary>
    private async Task LoseAsync(string node, int seconds)
    {
        await PassAsync(10);
        _alive.Remove(node);
        await PassAsync(seconds);
    }

    /// <summary>Time, in which those that live renew.</summary>
    private async Task PassAsync(int seconds)
    {
        for (var passed = TimeSpan.Zero; passed < TimeSpan.FromSeconds(seconds); passed += s_renewal)
        {
            foreach (var node in _alive)
            {
                Renew(node);
            }
            await _world.PassAsync(s_renewal);
        }
        await _world.SettleAsync();
    }

    private string Places() => string.Join(' ', _world.Pods.Select(p => p.As<Pod>().Spec.NodeName).Order(StringComparer.Ordinal));

    private List<KubeObject> On(string node) => [.. _world.Pods.Where(p => p.As<Pod>().Spec.NodeName == node)];

    private string Ready(string node) => ((JsonArray)StatusFields.Of(NodeOf(node))["conditions"]!).Where(c => (string?)c!["type"] == "Ready").Select(c => $"{c!["status"]} {c["reason"]}").Single();

    private string Taints(string node) => string.Join(' ', NodeOf(node).As<Node>().Spec.Taints.Select(t => $"{t.Key}:{t.Effect}"));

    private string Endpoints() =>
        $"{_world.Client.Cache(Kinds.EndpointSlice).List().SelectMany(s => s.As<EndpointSlice>().Endpoints).Count(e => e.Conditions.Ready == true)} ready";

    private KubeObject NodeOf(string name) => _world.Client.Cache(Kinds.Node).Get(ObjectKey.Cluster(name))!;

    private static KubePatch Patch(string json) => new(PatchType.Merge, Encoding.UTF8.GetBytes(json));

    private static KubeObject Parse(string json) => KubeObject.From(JsonNode.Parse(json)!.AsObject());
}
