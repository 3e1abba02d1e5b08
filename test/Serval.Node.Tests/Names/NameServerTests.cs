using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging.Abstractions;
using Serval.Api;
using Serval.Kube;
using Serval.Node.Names;

namespace Serval.Node.Tests.Names;

/// <summary>The name server on the loopback, in front of a resolver that the test plays.</summary>
public sealed class NameServerTests : IAsyncLifetime
{
    private const string Svc = "svc.cluster.local";

    private readonly FakeKube _kube = new();
    private readonly UdpClient _resolver = new(new IPEndPoint(IPAddress.Loopback, 0));
    private readonly TcpListener _resolverStreams = new(IPAddress.Loopback, 0);
    private readonly ManualTime _time = new();
    private NameServer _server = null!;
    private bool _inside = true;

    private IPEndPoint At => _server.EndPoint;

    public async Task InitializeAsync()
    {
        _resolverStreams.Start();
        await AddAsync(Kinds.Namespace, """{"metadata":{"name":"default"}}""");
        _server = Open();
        _server.Start();
    }

    private NameServer Open()
    {
        while (true)
        {
            try
            {
                return new NameServer(
                    new IPEndPoint(IPAddress.Loopback, 0),
                    new ClusterNames(_kube, new IPAddress([10, 244, 0, 1]), IPNetwork.Parse("10.96.0.0/16"), host => host is "hello.test" or "current-x.default." + Svc),
                    new Forwarder(() => [(IPEndPoint)_resolver.Client.LocalEndPoint!], _time), _ => _inside, _time, NullLogger.Instance);
            }
            catch (SocketException e) when (e.SocketErrorCode == SocketError.AddressAlreadyInUse)
            {
                // The port the kernel gave for datagrams is some stream's: another.
            }
        }
    }

    public async Task DisposeAsync()
    {
        await _server.DisposeAsync();
        _resolver.Dispose();
        _resolverStreams.Dispose();
    }

    [Fact]
    public async Task Service_GivesItsClusterIp_WhereThatIsRouted()
    {
        await ServiceAsync("routed", """{"clusterIP":"10.96.0.7"}""", "10.244.0.5");
        await ServiceAsync("elsewhere", """{"clusterIP":"10.97.0.7"}""", "10.244.0.6");
        await ServiceAsync("headless", """{"clusterIP":"None"}""", "10.244.0.7");
        Assert.Equal(["10.96.0.7"], await LookUpAsync($"routed.default.{Svc}"));
        Assert.Equal(["10.244.0.6"], await LookUpAsync($"elsewhere.default.{Svc}"));
        Assert.Equal(["10.244.0.7"], await LookUpAsync($"headless.default.{Svc}"));
    }

    [Fact]
    public async Task Service_GivesItsReadyAddresses_APlaceholderThoseOfTheGateway()
    {
        await ServiceAsync("app", "{}", "10.244.0.7", "10.244.0.8");
        await ServiceAsync("gateway-private", "{}", "10.244.0.1");
        await ServiceAsync("hello", $$"""{"type":"ExternalName","externalName":"gateway-private.default.{{Svc}}"}""");

        Assert.Equal(["10.244.0.7", "10.244.0.8"], (await LookUpAsync($"app.default.{Svc}")).Order(StringComparer.Ordinal));
        Assert.Equal(["10.244.0.1"], await LookUpAsync($"hello.default.{Svc}"));
        Assert.Equal(["10.244.0.1"], await LookUpAsync($"HELLO.Default.{Svc}"));
        Assert.Equal(["10.244.0.1"], await LookUpAsync($"current-x.default.{Svc}"));
        Assert.Equal(["10.244.0.1"], await LookUpAsync("hello.test")); // a public host that the gateway serves
    }

    [Theory]
    [InlineData($"none.default.{Svc}", DnsWire.A, 3)]
    [InlineData($"x.app.default.{Svc}", DnsWire.A, 3)]
    [InlineData($"app.default.pod.cluster.local", DnsWire.A, 3)]
    [InlineData($"none.{Svc}", DnsWire.A, 3)]
    [InlineData($"app.default.{Svc}", DnsWire.Aaaa, 0)]
    [InlineData($"app.default.{Svc}", 16, 0)]
    [InlineData($"default.{Svc}", DnsWire.A, 0)]
    [InlineData(Svc, DnsWire.A, 0)]
    [InlineData("cluster.local", DnsWire.A, 0)]
    [InlineData("hello.test", DnsWire.Aaaa, 0)]
    public async Task NothingThere_IsSaidByTheZone(string name, int type, int code)
    {
        await ServiceAsync("app", "{}", "10.244.0.7");

        var answer = await DnsWire.DatagramAsync(At, DnsWire.Ask(name, (ushort)type));

        Assert.Equal(code, DnsWire.Code(answer));
        Assert.Equal((0, 1), (DnsWire.At(answer, 6), DnsWire.At(answer, 8)));
    }

    [Fact]
    public async Task ServicesThatNameEachOther_EndInUnknown()
    {
        await ServiceAsync("a", $$"""{"type":"ExternalName","externalName":"b.default.{{Svc}}"}""");
        await ServiceAsync("b", $$"""{"type":"ExternalName","externalName":"a.default.{{Svc}}"}""");

        Assert.Equal(3, DnsWire.Code(await DnsWire.DatagramAsync(At, DnsWire.Ask($"a.default.{Svc}"))));
    }

    [Fact]
    public async Task ManyAddresses_AreCutInADatagram_AndWholeInAStream()
    {
        await ServiceAsync("app", "{}", [.. Enumerable.Range(1, 100).Select(i => $"10.244.1.{i}")]);
        var ask = DnsWire.Ask($"app.default.{Svc}");

        var datagram = await DnsWire.DatagramAsync(At, ask);
        using var socket = await ConnectAsync();
        var stream = await DnsWire.StreamAsync(socket, ask);

        Assert.Equal((2, 0), (datagram[2] & 2, DnsWire.At(datagram, 6)));
        Assert.Equal(100, DnsWire.Addresses(stream!, ask.Length - 12).Distinct().Count());
        Assert.Equal(stream, await DnsWire.StreamAsync(socket, ask)); // and again on the same connection
    }

    [Fact]
    public async Task OtherNames_AreAskedOfTheResolver_UnderAnotherNumber()
    {
        var asking = DnsWire.DatagramAsync(At, DnsWire.Ask("example.test", id: 0x1234));
        var question = await _resolver.ReceiveAsync();
        // What does not answer the question does not count.
        await ReplyAsync(question, q => [.. DnsWire.Number((ushort)(DnsWire.At(q, 0) + 1)), .. Answer(q, 6)[2..]]);
        await ReplyAsync(question, _ => Answer(DnsWire.Ask("other.test", id: (ushort)DnsWire.At(question.Buffer, 0)), 6));
        await ReplyAsync(question, q => q);
        await ReplyAsync(question, q => Answer(q, 9));

        var answer = await asking;

        Assert.Equal(0x1234, DnsWire.At(answer, 0));
        Assert.Equal(["9.9.9.9"], DnsWire.Addresses(answer, DnsWire.Ask("example.test").Length - 12));
    }

    [Fact]
    public async Task ExternalName_GivesTheNameAndItsAddresses()
    {
        await ServiceAsync("db", """{"type":"ExternalName","externalName":"DB.example.test."}""");
        var ask = DnsWire.Ask($"db.default.{Svc}");

        var asking = DnsWire.DatagramAsync(At, ask);
        var question = await _resolver.ReceiveAsync();
        Assert.Equal(DnsWire.Name("db.example.test"), question.Buffer[12..^4]);
        await ReplyAsync(question, q => Answer(q, 9));

        var answer = await asking;
        Assert.Equal(2, DnsWire.At(answer, 6)); // CNAME and A
        Assert.Equal(["9.9.9.9"], DnsWire.Addresses(answer, ask.Length - 12));
    }

    [Fact]
    public async Task SilentResolver_IsWaitedForOnlySoLong()
    {
        var asking = DnsWire.DatagramAsync(At, DnsWire.Ask("example.test"));
        await _resolver.ReceiveAsync();
        _time.Advance(TimeSpan.FromSeconds(5));

        Assert.Equal(2, DnsWire.Code(await asking));
    }

    /// <summary>One client cannot keep more than its share of questions open; those beyond fail at once, and the cluster's own names go on.</summary>
    [Fact]
    public async Task Flood_IsBounded()
    {
        await ServiceAsync("app", "{}", "10.244.0.7");
        using var client = new UdpClient(AddressFamily.InterNetwork);
        client.Connect(At);
        for (ushort i = 0; i < 64; i++)
        {
            await client.SendAsync(DnsWire.Ask("example.test", id: i));
            await _resolver.ReceiveAsync();
        }

        Assert.Equal(2, DnsWire.Code(await DnsWire.DatagramAsync(At, DnsWire.Ask("example.test"))));
        Assert.Equal(["10.244.0.7"], await LookUpAsync($"app.default.{Svc}"));

        _time.Advance(TimeSpan.FromSeconds(5));
        for (var i = 0; i < 64; i++)
        {
            Assert.Equal(2, DnsWire.Code((await client.ReceiveAsync()).Buffer));
        }
        var asking = DnsWire.DatagramAsync(At, DnsWire.Ask("example.test"));
        await ReplyAsync(await _resolver.ReceiveAsync(), q => Answer(q, 9));
        Assert.Equal(0, DnsWire.Code(await asking)); // there is room again
    }

    [Fact]
    public async Task Stranger_HearsNothing()
    {
        using var client = new UdpClient(AddressFamily.InterNetwork);
        client.Connect(At);
        _inside = false;
        await client.SendAsync(DnsWire.Ask(Svc, id: 1));
        using var socket = await ConnectAsync();
        Assert.Null(await DnsStream.ReadAsync(socket, 65535, default)); // closed; so the datagram before it has been seen too
        _inside = true;
        await client.SendAsync(DnsWire.Ask(Svc, id: 2));

        Assert.Equal(2, DnsWire.At((await client.ReceiveAsync()).Buffer, 0));
    }

    [Theory]
    [InlineData(1, 0, 3, 5)] // class CHAOS
    [InlineData(252, 0, 1, 5)] // a zone transfer
    [InlineData(1, 0x28, 1, 4)] // UPDATE
    public async Task WhatIsNoLookUp_IsRefused(int type, int operation, int @class, int code)
    {
        var ask = DnsWire.Ask($"app.default.{Svc}", (ushort)type, @class: (ushort)@class);
        ask[2] |= (byte)operation;

        Assert.Equal(code, DnsWire.Code(await DnsWire.DatagramAsync(At, ask)));
    }

    [Fact]
    public async Task Malformed_IsToldSo_AndTheServerGoesOn()
    {
        byte[] loop = [.. DnsWire.Header(5, 0x0100, 1, 0, 0, 0), 0xc0, 12, 0, 1, 0, 1];
        var answer = await DnsWire.DatagramAsync(At, loop);
        Assert.Equal((5, 1, 12), (DnsWire.At(answer, 0), DnsWire.Code(answer), answer.Length));

        using var client = new UdpClient(AddressFamily.InterNetwork);
        await client.SendAsync(new byte[60_000], At); // longer than a question can be
        await client.SendAsync(new byte[3], At);
        Assert.Equal(0, DnsWire.Code(await DnsWire.DatagramAsync(At, DnsWire.Ask(Svc))));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(11)]
    [InlineData(2000)]
    public async Task Stream_WithALengthThatCannotBe_IsClosed(int length)
    {
        using var socket = await ConnectAsync();
        await socket.SendAsync(DnsWire.Number((ushort)length));

        Assert.Null(await DnsStream.ReadAsync(socket, 65535, default));
    }

    [Fact]
    public async Task SilentStream_IsClosed_AndOneClientHasOnlySoMany()
    {
        var sockets = new List<Socket>();
        for (var i = 0; i < 16; i++)
        {
            sockets.Add(await ConnectAsync());
            Assert.NotNull(await DnsWire.StreamAsync(sockets[^1], DnsWire.Ask(Svc)));
        }
        using var beyond = await ConnectAsync();
        Assert.Null(await DnsStream.ReadAsync(beyond, 65535, default));

        await Poll.UntilAsync(() =>
        {
            _time.Advance(TimeSpan.FromSeconds(10));
            return sockets.TrueForAll(s => s.Poll(0, SelectMode.SelectRead) && s.Available == 0);
        });
        sockets.ForEach(s => s.Dispose());
    }

    private static byte[] Answer(byte[] question, byte address) =>
    [
        .. question[..2], 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0, .. question[12..],
        0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, address, address, address, address,
    ];

    private async Task ReplyAsync(UdpReceiveResult question, Func<byte[], byte[]> reply) =>
        await _resolver.SendAsync(reply(question.Buffer), question.RemoteEndPoint);

    private async Task<IEnumerable<string>> LookUpAsync(string name)
    {
        var ask = DnsWire.Ask(name);
        return DnsWire.Addresses(await DnsWire.DatagramAsync(At, ask), ask.Length - 12);
    }

    private async Task<Socket> ConnectAsync()
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(At);
        return socket;
    }

    private async Task ServiceAsync(string name, string spec, params string[] addresses)
    {
        await AddAsync(Kinds.Service, $$"""{"metadata":{"name":"{{name}}","namespace":"default"},"spec":{{spec}} }""");
        if (addresses.Length > 0)
        {
            var list = string.Join(',', addresses.Select(a => $$"""{"ip":"{{a}}"}"""));
            await AddAsync(Kinds.Endpoints, $$"""{"metadata":{"name":"{{name}}","namespace":"default"},"subsets":[{"addresses":[{{list}}],"notReadyAddresses":[{"ip":"10.244.9.9"}]}]}""");
        }
    }

    private Task<KubeObject> AddAsync(ResourceKind kind, string json) => _kube.CreateAsync(kind, KubeObject.From((JsonObject)JsonNode.Parse(json)!), WriteOptions.By("test"));
}
