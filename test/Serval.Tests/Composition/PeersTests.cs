using System.Net;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging.Abstractions;
using Serval.Api;
using Serval.ApiServer.Pipeline;
using Serval.ApiServer.Store;
using Serval.Composition;
using Serval.Controllers.Autoscaler;
using Serval.Controllers.Networking;
using Serval.Kube;
using Serval.Signals;

namespace Serval.Tests.Composition;

/// <summary>What roles in processes of their own make of each other's objects.</summary>
public sealed class PeersTests : IAsyncLifetime
{
    private static readonly WriteOptions s_write = WriteOptions.By("test");
    private SqliteStore _store = null!; // this and what follows: set by InitializeAsync
    private EmbeddedKubeClient _client = null!;
    private PeerDirectory _peers = null!;

    public async Task InitializeAsync()
    {
        _store = await SqliteStore.OpenAsync(new StoreOptions());
        _client = new EmbeddedKubeClient(_store, TimeProvider.System, NullLoggerFactory.Instance);
        _peers = new PeerDirectory(_client, TimeProvider.System);
        foreach (var ns in (string[])["default", "knative-serving", "kube-node-lease"])
        {
            await CreateAsync(Kinds.Namespace, new JsonObject { ["name"] = ns });
        }
    }

    public async Task DisposeAsync()
    {
        _peers.Dispose();
        _client.Dispose();
        await _store.DisposeAsync();
    }

    [Fact]
    public async Task Gateways_AreWhereTheirLeasesSay_InTheOrderOfTheirNames()
    {
        var gateways = new PeerGateways(_peers);
        var changes = 0;
        using var subscription = gateways.Subscribe(() => changes++);
        var (first, second) = (Doors("10.0.0.1", 8880), Doors("10.0.0.2", 80));
        await LeaseAsync("knative-serving", "serval-gateway-b", "gateway", PeerGateways.Facts(second));
        await LeaseAsync("knative-serving", "serval-gateway-a", "gateway", PeerGateways.Facts(first));
        await LeaseAsync("knative-serving", "serval-gateway-c", "gateway", new Dictionary<string, string>()); // listens nowhere yet
        Assert.Equal([first, second], gateways.Live);
        Assert.Equal(3, changes);
    }

    [Fact]
    public async Task Gateway_ThatLeaves_IsNoAddress_AndKeepsItsShare()
    {
        var facts = PeerGateways.Facts(Doors("10.0.0.1", 8880));
        await LeaseAsync("knative-serving", "serval-gateway-a", "gateway", facts);
        await LeaseAsync("knative-serving", "serval-gateway-b", "gateway", new Dictionary<string, string>(facts) { [PeerFacts.Leaving] = "true" });
        Assert.Equal([Doors("10.0.0.1", 8880)], new PeerGateways(_peers).Live);
        Assert.Equal((1, 3), PeerGateways.Share(_peers, "aa")); // whose own Lease is not there yet
        Assert.Equal((1, 2), PeerGateways.Share(_peers, "b"));
    }

    [Theory]
    [InlineData("10.9.3.4", true)]
    [InlineData("::ffff:10.9.3.4", true)]
    [InlineData("10.10.0.1", false)]
    [InlineData("127.0.0.5", true)]
    [InlineData("::1", true)]
    [InlineData("192.0.2.1", false)]
    public async Task Inside_ArePodsOfEveryNode_AndThisMachine(string address, bool inside)
    {
        await LeaseAsync("kube-node-lease", "n0", "node", new Dictionary<string, string> { [PeerFacts.PodCidr] = "" });
        await LeaseAsync("kube-node-lease", "n1", "node", new Dictionary<string, string> { [PeerFacts.PodCidr] = "10.9.0.0/16" });
        using var networks = new PodNetworks(_peers);
        Assert.Equal(inside, networks.IsInside(IPAddress.Parse(address)));
    }

    [Fact]
    public async Task Inside_FollowsTheNodes()
    {
        using var networks = new PodNetworks(_peers);
        var pod = IPAddress.Parse("10.9.3.4");
        Assert.False(networks.IsInside(pod));
        await LeaseAsync("kube-node-lease", "n1", "node", new Dictionary<string, string> { [PeerFacts.PodCidr] = "10.9.0.0/16" });
        Assert.True(networks.IsInside(pod));
        await _client.DeleteAsync(Kinds.Lease, new ObjectKey("kube-node-lease", "n1"), DeleteOptions.Background);
        Assert.False(networks.IsInside(pod));
    }

    [Fact]
    public async Task Hosts_AreServed_WhileAnIngressNamesThem()
    {
        using var hosts = new ServedHosts(_client);
        await IngressAsync("one", "Hello.example.com", "shared.example.com");
        await IngressAsync("two", "shared.example.com");
        Assert.Equal((true, true, false), (hosts.Contains("hello.example.com"), hosts.Contains("shared.example.com"), hosts.Contains("example.com")));
        await _client.DeleteAsync(Kinds.KIngress, new ObjectKey("default", "one"), DeleteOptions.Background);
        Assert.Equal((false, true), (hosts.Contains("hello.example.com"), hosts.Contains("shared.example.com")));
        await _client.DeleteAsync(Kinds.KIngress, new ObjectKey("default", "two"), DeleteOptions.Background);
        Assert.False(hosts.Contains("shared.example.com"));
    }

    private static GatewayDoors Doors(string ip, int port) => new(new GatewayAddress(ip, port), 8843, new GatewayAddress("10.244.0.1", 80), 443);

    private Task LeaseAsync(string ns, string name, string role, IReadOnlyDictionary<string, string> facts)
    {
        var annotations = new JsonObject { ["serval.dev/signals-address"] = "https://127.0.0.1:1", ["serval.dev/signals-certificate"] = new string('a', 64) };
        foreach (var (fact, value) in facts)
        {
            annotations[fact] = value;
        }
        return CreateAsync(
            Kinds.Lease,
            new JsonObject { ["namespace"] = ns, ["name"] = name, ["labels"] = new JsonObject { ["serval.dev/signals"] = role }, ["annotations"] = annotations },
            new JsonObject { ["leaseDurationSeconds"] = 40 });
    }

    private Task IngressAsync(string name, params string[] hosts) => CreateAsync(
        Kinds.KIngress,
        new JsonObject { ["namespace"] = "default", ["name"] = name },
        new JsonObject { ["rules"] = new JsonArray(new JsonObject { ["hosts"] = new JsonArray([.. hosts.Select(h => JsonValue.Create(h))]), ["http"] = JsonNode.Parse("""{"paths":[{"splits":[{"serviceNamespace":"default","serviceName":"s","servicePort":80,"percent":100}]}]}""") }) });

    private Task CreateAsync(ResourceKind kind, JsonObject metadata, JsonObject? spec = null)
    {
        var tree = new JsonObject { ["apiVersion"] = kind.ApiVersion, ["kind"] = kind.Kind, ["metadata"] = metadata };
        if (spec is not null)
        {
            tree["spec"] = spec;
        }
        return _client.CreateAsync(kind, KubeObject.From(tree), s_write);
    }
}
