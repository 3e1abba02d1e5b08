using Serval.Api;
using Serval.Api.Core;
using Serval.Controllers.Autoscaler;
using Serval.Controllers.Networking;
using Serval.Controllers.Tests.Autoscaler;
using Serval.Kube;

namespace Serval.Controllers.Tests.Networking;

public sealed class GatewayServiceTests
{
    private static readonly ObjectKey s_key = new("knative-serving", "gateway");

    private readonly FakeKubeClient _client = new(new ManualTime());

    [Fact]
    public async Task Gateway_IsFoundByAddressAndNodePort()
    {
        await RunAsync(8880);
        var service = _client.Cache(Kinds.Service).Get(s_key)!;
        Assert.Equal("LoadBalancer", service.As<Service>().Spec.Type);
        Assert.Equal([("http2", 80L, 8880L), ("https", 443L, 8843L)], service.ToTree()["spec"]!["ports"]!.AsArray().Select(p => ((string)p!["name"]!, (long)p["port"]!, (long)p["nodePort"]!)));
        Assert.Equal("""{"loadBalancer":{"ingress":[{"ip":"127.0.0.1"}]}}""", service.ToTree()["status"]!.ToJsonString());
        Assert.Equal(
            """[{"addresses":[{"ip":"127.0.0.1"}],"ports":[{"name":"http2","port":8880,"protocol":"TCP"},{"name":"https","port":8843,"protocol":"TCP"}]}]""",
            _client.Cache(Kinds.Endpoints).Get(s_key)!.ToTree()["subsets"]!.ToJsonString());
    }

    [Theory]
    [InlineData("gateway-private", "http2 80, https 443", "80, 8443")]
    [InlineData("activator-service", "http 80, http2 81", "80, 80")]
    public async Task PrivateGateway_AndActivator_LeadToThePrivateDoor(string name, string ports, string behind)
    {
        var key = new ObjectKey("knative-serving", name);
        await Reconciler(8880).ReconcileAsync(key, default);
        var service = _client.Cache(Kinds.Service).Get(key)!;
        Assert.Equal("ClusterIP", service.As<Service>().Spec.Type);
        Assert.Equal(ports, string.Join(", ", service.As<Service>().Spec.Ports.Select(p => $"{p.Name} {p.Port}")));
        var subset = _client.Cache(Kinds.Endpoints).Get(key)!.ToTree()["subsets"]![0]!;
        Assert.Equal("""[{"ip":"10.244.0.1"}]""", subset["addresses"]!.ToJsonString());
        Assert.Equal(behind, string.Join(", ", subset["ports"]!.AsArray().Select(p => p!["port"])));
    }

    /// <summary>The next start may take another port; one that takes the same writes nothing.</summary>
    [Fact]
    public async Task Gateway_OnAnotherPort_IsSaidAnewAndOnlyThen()
    {
        await RunAsync(8880);
        _client.TakeWrites();
        await RunAsync(8880);
        Assert.Empty(_client.TakeWrites());
        await RunAsync(9990);
        Assert.Equal(["patch Service gateway", "patch Endpoints gateway"], _client.TakeWrites().Select(w => w.ToString()));
    }

    /// <summary>Gateways with the same ports share a subset; while none lives nothing is touched.</summary>
    [Fact]
    public async Task SeveralGateways_AreAllSaid()
    {
        await new GatewayServiceReconciler(_client, new StillGateways(Doors("10.0.0.1", 8880), Doors("10.0.0.2", 9990), Doors("10.0.0.3", 8880))).ReconcileAsync(s_key, default);
        Assert.Equal(
            """[{"addresses":[{"ip":"10.0.0.1"},{"ip":"10.0.0.3"}],"ports":[{"name":"http2","port":8880,"protocol":"TCP"},{"name":"https","port":8843,"protocol":"TCP"}]},"""
            + """{"addresses":[{"ip":"10.0.0.2"}],"ports":[{"name":"http2","port":9990,"protocol":"TCP"},{"name":"https","port":8843,"protocol":"TCP"}]}]""",
            _client.Cache(Kinds.Endpoints).Get(s_key)!.ToTree()["subsets"]!.ToJsonString());
        Assert.Equal(
            """{"loadBalancer":{"ingress":[{"ip":"10.0.0.1"},{"ip":"10.0.0.2"},{"ip":"10.0.0.3"}]}}""", _client.Cache(Kinds.Service).Get(s_key)!.ToTree()["status"]!.ToJsonString());
        _client.TakeWrites();
        await new GatewayServiceReconciler(_client, new StillGateways()).ReconcileAsync(s_key, default);
        Assert.Empty(_client.TakeWrites());
    }

    /// <summary>On another's cluster node ports are that one's, nobody is to make a load balancer, and no endpoint is a loopback address.</summary>
    [Fact]
    public async Task AmongOthers_TakesNoNodePort_AndIsOfAClassOfItsOwn()
    {
        await new GatewayServiceReconciler(_client, new StillGateways(Doors("127.0.0.1", 8880), Doors("10.0.0.2", 8880)), amongOthers: true).ReconcileAsync(s_key, default);
        Assert.Equal(
            """{"allocateLoadBalancerNodePorts":false,"loadBalancerClass":"serval.dev/gateway","ports":[{"name":"http2","port":80,"protocol":"TCP","targetPort":8880},{"name":"https","port":443,"protocol":"TCP","targetPort":8843}],"type":"LoadBalancer"}""",
            _client.Cache(Kinds.Service).Get(s_key)!.ToTree()["spec"]!.ToJsonString());
        Assert.Equal("""[{"ip":"10.0.0.2"}]""", _client.Cache(Kinds.Endpoints).Get(s_key)!.ToTree()["subsets"]![0]!["addresses"]!.ToJsonString());
    }

    [Fact]
    public async Task OtherServices_AreLeftAlone()
    {
        await Reconciler(8880).ReconcileAsync(new ObjectKey("default", "gateway"), default);
        Assert.Empty(_client.TakeWrites());
    }

    [Fact]
    public void NamespaceAndDeletedEndpoints_RunIt()
    {
        var watches = Reconciler(8880).Watches.ToList();
        Assert.Equal(["gateway", "gateway-private", "activator-service"], Asked(Kinds.Namespace, """{"name":"knative-serving"}""").Select(k => k.Name));
        Assert.Empty(Asked(Kinds.Namespace, """{"name":"default"}"""));
        Assert.Equal([s_key], Asked(Kinds.Endpoints, """{"name":"gateway","namespace":"knative-serving"}"""));
        Assert.Empty(Asked(Kinds.Endpoints, """{"name":"gateway","namespace":"default"}"""));

        IEnumerable<ObjectKey> Asked(ResourceKind kind, string metadata) => watches.Single(w => w.Kind == kind).Map(
            new CacheChange(WatchEventType.Deleted, KubeObject.Parse(System.Text.Encoding.UTF8.GetBytes($$"""{"metadata":{{metadata}} }""")), null));
    }

    private GatewayServiceReconciler Reconciler(int port) =>
        new(_client, new StillGateways(Doors("127.0.0.1", port)));

    private static GatewayDoors Doors(string ip, int port) => new(new GatewayAddress(ip, port), 8843, new GatewayAddress("10.244.0.1", 80), 8443);

    private Task<ReconcileResult> RunAsync(int port) => Reconciler(port).ReconcileAsync(s_key, default);
}
