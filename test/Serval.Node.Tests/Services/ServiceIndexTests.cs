using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging.Abstractions;
using Serval.Api;
using Serval.Kube;
using Serval.Node.Services;

namespace Serval.Node.Tests.Services;

/// <summary>What connections to addresses of Services lead to.</summary>
public sealed class ServiceIndexTests : IDisposable
{
    private static readonly IPNetwork s_range = IPNetwork.Parse("10.96.0.0/16");
    private static readonly IPAddress s_client = IPAddress.Parse("10.244.0.9");

    private readonly FakeKube _kube = new();
    private readonly ServiceIndex _index;

    public ServiceIndexTests() => _index = new ServiceIndex(_kube, s_range);

    public void Dispose() => _index.Dispose();

    [Fact]
    public async Task Port_LeadsToItsTargets_ByTheNameOfThePort()
    {
        await ServiceAsync("""[{"name":"http","port":80},{"name":"dns","port":53,"protocol":"UDP"},{"name":"web","port":443}]""");
        Assert.Null(Find(80));
        await EndpointsAsync("10.244.0.2", "10.244.0.3");
        Assert.Equal(["10.244.0.2:8080", "10.244.0.3:8080", "10.244.0.2:8080"], Enumerable.Range(0, 3).Select(i => $"{Find(80, i)}"));
        Assert.Null(Find(81));
        Assert.Null(Find(53));
        Assert.Null(Find(443)); // its endpoints have no such port
        Assert.Null(_index.Find(IPEndPoint.Parse("10.96.0.8:80"), s_client, 0));
    }

    [Fact]
    public async Task Endpoints_ThatAreServicesThemselves_AreNoPlaceBehindOne()
    {
        await ServiceAsync("""[{"name":"http","port":80}]""");
        await EndpointsAsync("10.96.0.7");
        Assert.Null(Find(80));
    }

    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("127.1.0.80")]
    [InlineData("169.254.169.254")]
    [InlineData("0.0.0.0")]
    [InlineData("224.0.0.1")]
    [InlineData("255.255.255.255")]
    [InlineData("::1")]
    [InlineData("::")]
    [InlineData("fe80::1")]
    [InlineData("ff02::1")]
    [InlineData("::ffff:127.0.0.1")]
    [InlineData("::ffff:169.254.169.254")]
    [InlineData("::ffff:10.96.0.7")]
    public async Task Endpoints_ThatTheMachineAloneReaches_AreNoPlaceBehindAService(string address)
    {
        await ServiceAsync("""[{"name":"http","port":80}]""");
        await EndpointsAsync(address, "10.244.0.2");
        Assert.Equal(["10.244.0.2:8080", "10.244.0.2:8080"], Enumerable.Range(0, 2).Select(i => $"{Find(80, i)}"));
    }

    [Fact]
    public async Task Address_IsFollowed()
    {
        await ServiceAsync("""[{"name":"http","port":80}]""");
        await EndpointsAsync("10.244.0.2");
        await ChangeAsync(Kinds.Service, """{"spec":{"clusterIP":"10.96.0.9"}}""");
        Assert.Null(Find(80));
        Assert.NotNull(_index.Find(IPEndPoint.Parse("10.96.0.9:80"), s_client, 0));
        await ChangeAsync(Kinds.Endpoints, """{"subsets":null}""");
        Assert.Null(_index.Find(IPEndPoint.Parse("10.96.0.9:80"), s_client, 0));
    }

    [Fact]
    public async Task ClientIp_StaysWhereItIs_WhileThatIsThere()
    {
        await ServiceAsync("""[{"name":"http","port":80}]""", "\"sessionAffinity\":\"ClientIP\",");
        var all = Enumerable.Range(2, 20).Select(i => $"10.244.0.{i}").ToArray();
        await EndpointsAsync(all);
        var clients = Enumerable.Range(1, 50).Select(i => new IPAddress([10, 244, 1, (byte)i])).ToList();
        var first = clients.ToDictionary(c => c, c => Find(80, 1, c)!.Address.ToString());
        Assert.True(first.Values.Distinct().Count() > 5, "all clients are at few places");
        Assert.All(clients, c => Assert.Equal(first[c], Find(80, 2, c)!.Address.ToString()));
        var gone = first[clients[0]];
        await EndpointsAsync([.. all.Where(a => a != gone)]);
        Assert.All(clients.Where(c => first[c] != gone), c => Assert.Equal(first[c], Find(80, 3, c)!.Address.ToString()));
    }

    /// <summary>Who finds the relay's own socket is not of the packet filter's sending.</summary>
    [Fact]
    public async Task Relay_CalledDirectly_Resets()
    {
        var door = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        door.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        door.Listen();
        await using var relay = new ServiceRelay(door, s_range, new ServiceIndex(_kube, s_range), TimeProvider.System, NullLogger.Instance);
        using var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        var failure = await Assert.ThrowsAsync<SocketException>(async () =>
        {
            await client.ConnectAsync(door.LocalEndPoint!);
            await client.ReceiveAsync(new byte[1]);
        });
        Assert.Equal(SocketError.ConnectionReset, failure.SocketErrorCode);
    }

    private IPEndPoint? Find(int port, int random = 0, IPAddress? client = null) => _index.Find(new IPEndPoint(IPAddress.Parse("10.96.0.7"), port), client ?? s_client, random);

    private Task ServiceAsync(string ports, string more = "") => AddAsync(Kinds.Service, $$$"""{"spec":{"clusterIP":"10.96.0.7",{{{more}}}"ports":{{{ports}}}}}""");

    private Task EndpointsAsync(params string[] addresses)
    {
        var all = string.Join(',', addresses.Select(a => $"{{\"ip\":\"{a}\"}}"));
        var said = $$$"""{"subsets":[{"addresses":[{{{all}}}],"ports":[{"name":"http","port":8080,"protocol":"TCP"},{"name":"dns","port":53,"protocol":"UDP"}]}]}""";
        return _kube.Cache(Kinds.Endpoints).Get(new ObjectKey("default", "s")) is null ? AddAsync(Kinds.Endpoints, said) : ChangeAsync(Kinds.Endpoints, said);
    }

    private Task<KubeObject> AddAsync(ResourceKind kind, string json)
    {
        var tree = JsonNode.Parse(json)!.AsObject();
        tree["metadata"] = new JsonObject { ["namespace"] = "default", ["name"] = "s" };
        return _kube.CreateAsync(kind, KubeObject.From(tree), WriteOptions.By("test"));
    }

    private Task<KubeObject> ChangeAsync(ResourceKind kind, string patch) => _kube.PatchAsync(
        kind, new ObjectKey("default", "s"), new KubePatch(PatchType.Merge, Encoding.UTF8.GetBytes(patch)), WriteOptions.By("test"));
}
