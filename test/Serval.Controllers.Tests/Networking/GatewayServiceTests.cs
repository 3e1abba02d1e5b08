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
        Assert.Equal([("http2", 80L, 8880L)], service.ToTree()["spec"]!["ports"]!.AsArray().Select(p => ((string)p!["name"]!, (long)p["port"]!, (long)p["nodePort"]!)));
        Assert.Equal("""{"loadBalancer":{"ingress":[{"ip":"127.0.0.1"}]}}""", service.ToTree()["status"]!.ToJsonString());
        Assert.Equal(
            """[{"addresses":[{"ip":"127.0.0.1"}],"ports":[{"name":"http2","port":8880,"protocol":"TCP"}]}]""",
            _client.Cache(Kinds.Endpoints).Get(s_key)!.ToTree()["subsets"]!.ToJsonString());
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

    [Fact]
    public async Task OtherServices_AreLeftAlone()
    {
        await new GatewayServiceReconciler(_client, new GatewayAddress("127.0.0.1", 8880)).ReconcileAsync(new ObjectKey("default", "gateway"), default);
        Assert.Empty(_client.TakeWrites());
    }

    [Fact]
    public void NamespaceAndDeletedEndpoints_RunIt()
    {
        var watches = new GatewayServiceReconciler(_client, new GatewayAddress("127.0.0.1", 8880)).Watches.ToList();
        Assert.Equal([s_key], Asked(Kinds.Namespace, """{"name":"knative-serving"}"""));
        Assert.Empty(Asked(Kinds.Namespace, """{"name":"default"}"""));
        Assert.Equal([s_key], Asked(Kinds.Endpoints, """{"name":"gateway","namespace":"knative-serving"}"""));
        Assert.Empty(Asked(Kinds.Endpoints, """{"name":"gateway","namespace":"default"}"""));

        IEnumerable<ObjectKey> Asked(ResourceKind kind, string metadata) => watches.Single(w => w.Kind == kind).Map(
            new CacheChange(WatchEventType.Deleted, KubeObject.Parse(System.Text.Encoding.UTF8.GetBytes($$"""{"metadata":{{metadata}} }""")), null));
    }

    private Task<ReconcileResult> RunAsync(int port) =>
        new GatewayServiceReconciler(_client, new GatewayAddress("127.0.0.1", port)).ReconcileAsync(s_key, default);
}
