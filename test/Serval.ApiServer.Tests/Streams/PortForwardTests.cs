using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;
using Serval.Api;
using Serval.Kube.Tests.Spdy;

namespace Serval.ApiServer.Tests.Streams;

/// <summary>Port forwards: SPDY through a WebSocket, SPDY alone, and channels.</summary>
public sealed class PortForwardTests : IAsyncLifetime
{
    private const string Path = "/api/v1/namespaces/default/pods/web/portforward";

    private ApiServerFixture _server = null!;
    private readonly List<TcpListener> _listeners = [];

    public async Task InitializeAsync()
    {
        _server = await ApiServerFixture.StartAsync();
        await _server.SendAsync(HttpMethod.Post, "/api/v1/namespaces/default/pods", """{"metadata":{"name":"web"}}""");
        await _server.SendAsync(HttpMethod.Post, "/api/v1/namespaces/default/pods", """{"metadata":{"name":"done"},"status":{"phase":"Succeeded"}}""");
        _server.Streams.Listener = port => port == 80 ? Answering() : throw new IOException("connection refused");
    }

    public async Task DisposeAsync()
    {
        await _server.DisposeAsync();
        _listeners.ForEach(l => l.Dispose());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Connections_OverSpdy_EachHaveTheirOwn(bool tunnel)
    {
        await using var client = await ConnectAsync(tunnel);
        var pairs = new List<(uint Error, uint Data)>();
        for (var i = 0; i < 20; i++)
        {
            var error = await client.OpenAsync(("streamtype", "error"), ("port", "80"), ("requestid", $"{i}"));
            await client.WriteAsync(error, "", last: true);
            pairs.Add((error, await client.OpenAsync(("streamtype", "data"), ("port", "80"), ("requestid", $"{i}"))));
        }
        foreach (var (_, data) in pairs)
        {
            await client.WriteAsync(data, $"hello {data}");
        }
        await client.UntilAsync(() => pairs.TrueForAll(p => client.Received.GetValueOrDefault(p.Data, "").Length >= 7));
        foreach (var (_, data) in pairs)
        {
            await client.WriteAsync(data, "!", last: true); // the answer to the rest comes after it
        }

        await client.UntilAsync(() => pairs.TrueForAll(p => client.Ended.Contains(p.Data) && client.Ended.Contains(p.Error)));

        Assert.All(pairs, p => Assert.Equal(($"hello {p.Data}!end", ""), (client.Received[p.Data], client.Received[p.Error])));
    }

    [Fact]
    public async Task Port_ThatNobodyListensOn_IsToldOnTheErrorStream()
    {
        await using var client = await ConnectAsync(tunnel: true);
        var error = await client.OpenAsync(("streamtype", "error"), ("port", "81"));
        var data = await client.OpenAsync(("streamtype", "data"), ("port", "81"));

        await client.UntilAsync(() => client.Ended.Contains(error) && client.Ended.Contains(data));

        Assert.Matches("^error forwarding port 81 to pod web, uid .+: connection refused$", client.Received[error]);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Pod_ThatHasGone_IsToldOnTheErrorStream(bool spdy)
    {
        _server.Streams.Listener = _ => throw ApiException.NotFound(Kinds.Pod, "web");
        string told;
        if (spdy)
        {
            await using var client = await ConnectAsync(tunnel: false);
            var error = await client.OpenAsync(("streamtype", "error"), ("port", "80"));
            var data = await client.OpenAsync(("streamtype", "data"), ("port", "80"));
            await client.UntilAsync(() => client.Ended.Contains(error) && client.Ended.Contains(data));
            told = client.Received[error];
        }
        else
        {
            using var client = await PodStream.OpenAsync(_server, Path + "?ports=80", "v4.channel.k8s.io");
            Assert.Equal([0, 80, 0], await client.ReceiveAsync());
            Assert.Equal([1, 80, 0], await client.ReceiveAsync());
            told = System.Text.Encoding.UTF8.GetString((await client.ReceiveAsync())!.AsSpan(1));
            Assert.Null(await client.ReceiveAsync()); // and it is over: there is no other port
        }
        Assert.Matches("^error forwarding port 80 to pod web, uid .+: pods \"web\" not found$", told);
        Assert.Equal((string?)(await _server.GetAsync("/api/v1/namespaces/default/pods/web"))["metadata"]!["uid"], _server.Streams.DialedUid);
    }

    [Fact]
    public async Task Channels_ThatAreNobodys_AreIgnored()
    {
        using var client = await PodStream.OpenAsync(_server, Path + "?ports=80", "v4.base64.channel.k8s.io");
        await client.ReceiveAsync();
        await client.ReceiveAsync();
        foreach (var message in (string[])[".", "!aGVsbG8=", "-aGVsbG8=", "1aGVsbG8=", "2aGVsbG8=", "~aGVsbG8=", "0aGVsbG8="])
        {
            await client.SendAsync(System.Text.Encoding.ASCII.GetBytes(message), WebSocketMessageType.Text);
        }
        Assert.Equal("0aGVsbG8="u8.ToArray(), await client.ReceiveAsync());
    }

    [Fact]
    public async Task Stream_WithoutItsPair_IsToldAfterHalfAMinute()
    {
        await using var client = await ConnectAsync(tunnel: true);
        var error = await client.OpenAsync(("streamtype", "error"), ("port", "80"));
        await client.UntilAsync(() => client.Replied.Contains(error));
        await PingAsync(client); // what was opened before is taken by then

        _server.Clock.Advance(TimeSpan.FromSeconds(31));

        await client.UntilAsync(() => client.Ended.Contains(error));
        Assert.Equal("timed out waiting for streams", client.Received[error]);
    }

    [Fact]
    public async Task Streams_ThatAreNotServed_AreReset()
    {
        await using var client = await ConnectAsync(tunnel: true);
        foreach (var headers in new (string, string)[][]
        {
            [("streamtype", "data")], [("port", "80")], [("streamtype", "other"), ("port", "80")], [("streamtype", "data"), ("port", "0")], [("streamtype", "data"), ("port", "99999")],
        })
        {
            var id = await client.OpenAsync(headers);
            await client.UntilAsync(() => client.Reset.Contains(id));
        }
        await PingAsync(client);
    }

    [Theory]
    [InlineData("v4.channel.k8s.io")]
    [InlineData("")]
    public async Task Connections_OverChannels_BeginWithTheirPorts(string protocol)
    {
        using var client = await PodStream.OpenAsync(_server, Path + "?ports=80,81", protocol.Length == 0 ? [] : ["v5.channel.k8s.io", protocol]);
        Assert.Equal(protocol.Length == 0 ? null : protocol, client.Socket.SubProtocol);
        var got = new Dictionary<int, List<byte>>();
        await UntilAsync(() => got.GetValueOrDefault(3, []).Count > 2 && got.GetValueOrDefault(1, []).Count == 2);
        await client.SendAsync(0, "hello");
        await UntilAsync(() => got[0].Count == 7);

        Assert.Equal((byte[])[80, 0, .. "hello"u8], got[0]);
        Assert.Equal((byte[])[80, 0], got[1]);
        Assert.Equal((byte[])[81, 0], got[2]);
        Assert.StartsWith("error forwarding port 81 to pod web", System.Text.Encoding.UTF8.GetString([.. got[3].Skip(2)]), StringComparison.Ordinal);

        async Task UntilAsync(Func<bool> wanted)
        {
            while (!wanted() && await client.ReceiveAsync() is { } message)
            {
                (got.TryGetValue(message[0], out var list) ? list : got[message[0]] = []).AddRange(message[1..]);
            }
        }
    }

    [Theory]
    [InlineData(Path, 400, "Upgrade request required")]
    [InlineData("/api/v1/namespaces/default/pods/other/portforward", 404, "pods \"other\" not found")]
    [InlineData("/api/v1/namespaces/default/pods/done/portforward", 400, "cannot forward a port of a completed pod; current phase is Succeeded")]
    public async Task Request_ThatCannotBeServed_IsAStatusBeforeTheUpgrade(string path, int code, string message)
    {
        var (response, body) = await _server.SendAsync(HttpMethod.Post, path);
        Assert.Equal((code, message), ((int)response.StatusCode, (string?)body["message"]));
    }

    [Theory]
    [InlineData("?ports=0")]
    [InlineData("?ports=x")]
    [InlineData("?ports=80,65536")]
    [InlineData("?port=80")]
    public async Task Ports_ThatAreNone_AreRefused(string query) =>
        await Assert.ThrowsAsync<WebSocketException>(() => PodStream.OpenAsync(_server, Path + query, "v4.channel.k8s.io"));

    [Fact]
    public async Task Protocol_ThatIsNotServed_IsRefusedWithThoseThatAre()
    {
        var (head, client) = await SpdyDial.ConnectAsync(_server, Path, "chat");
        await client.DisposeAsync();
        Assert.StartsWith("HTTP/1.1 403 ", head, StringComparison.Ordinal);
        Assert.Contains("X-Accepted-Stream-Protocol-Versions: portforward.k8s.io", head, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Exec_OverSpdy_HasAStreamForEach()
    {
        _server.Streams.Program = async (streams, ct) =>
        {
            var text = await new StreamReader(streams.Input!).ReadToEndAsync(ct);
            await streams.Output!.WriteAsync(System.Text.Encoding.UTF8.GetBytes(text), ct);
            await streams.Error!.WriteAsync("oops"u8.ToArray(), ct);
            return 3;
        };
        var (head, opened) = await SpdyDial.ConnectAsync(
            _server, "/api/v1/namespaces/default/pods/web/exec?command=x&stdin=true&stdout=true&stderr=true", "v9.channel.k8s.io, v4.channel.k8s.io");
        await using var client = opened;
        Assert.StartsWith("HTTP/1.1 101 ", head, StringComparison.Ordinal);
        Assert.Contains("X-Stream-Protocol-Version: v4.channel.k8s.io", head, StringComparison.Ordinal);
        var ids = new Dictionary<string, uint>();
        foreach (var type in (string[])["error", "stdin", "stdout", "stderr"])
        {
            ids[type] = await client.OpenAsync(("streamtype", type));
        }
        await client.WriteAsync(ids["stdin"], "all of it", last: true);

        await client.UntilAsync(() => client.Ended.Count == 4);

        Assert.Equal(("all of it", "oops"), (client.Received[ids["stdout"]], client.Received[ids["stderr"]]));
        Assert.Contains("\"reason\":\"NonZeroExitCode\"", client.Received[ids["error"]], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{\"Width\":80,", "\"Height\":24}\n", "", true)]
    [InlineData("garbage\n\n", "{\"Width\":80,\"Height\":24}\n{\"Width\":1,\"Height\":1}\n", "", true)]
    [InlineData("{", "", "\n{\"Width\":80,\"Height\":24}\n", false)]
    public async Task Sizes_OverSpdy_AreLinesOfOneKilobyteAtMost(string first, string second, string afterMuch, bool taken)
    {
        _server.Streams.Program = async (streams, ct) =>
        {
            await new StreamReader(streams.Input!).ReadToEndAsync(ct);
            if (!taken)
            {
                return streams.Sizes.TryRead(out _) ? 1 : 7;
            }
            var size = await streams.Sizes.ReadAsync(ct);
            return size.Width + size.Height;
        };
        var (_, opened) = await SpdyDial.ConnectAsync(
            _server, "/api/v1/namespaces/default/pods/web/exec?command=x&stdin=true&stdout=true&tty=true", "v4.channel.k8s.io");
        await using var client = opened;
        var ids = new Dictionary<string, uint>();
        foreach (var type in (string[])["error", "stdin", "stdout", "resize"])
        {
            ids[type] = await client.OpenAsync(("streamtype", type));
        }
        await client.WriteAsync(ids["resize"], first);
        await client.WriteAsync(ids["resize"], second);
        if (!taken)
        {
            await client.WriteAsync(ids["resize"], new string('x', 1024));
            await client.UntilAsync(() => client.Ended.Contains(ids["resize"]));
            for (var i = 0; i < 20; i++)
            {
                await client.WriteAsync(ids["resize"], new string('x', 32 * 1024)); // more than a stream keeps unread: it holds up nobody
            }
            await client.WriteAsync(ids["resize"], afterMuch);
        }
        await PingAsync(client);
        await client.WriteAsync(ids["stdin"], "", last: true);

        await client.UntilAsync(() => client.Ended.Contains(ids["error"]));

        Assert.Contains($"exit code {(taken ? 104 : 7)}\"", client.Received[ids["error"]], StringComparison.Ordinal);
    }

    private async Task<SpdyClient> ConnectAsync(bool tunnel)
    {
        var (head, client) = tunnel
            ? await SpdyDial.TunnelAsync(_server, Path, "v4.channel.k8s.io, SPDY/3.1+portforward.k8s.io")
            : await SpdyDial.ConnectAsync(_server, Path, "portforward.k8s.io");
        Assert.StartsWith("HTTP/1.1 101 ", head, StringComparison.Ordinal);
        Assert.Contains(tunnel ? "Sec-WebSocket-Protocol: SPDY/3.1+portforward.k8s.io" : "X-Stream-Protocol-Version: portforward.k8s.io", head, StringComparison.Ordinal);
        Assert.Equal(tunnel, head.Contains("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", StringComparison.Ordinal)); // the example of RFC 6455
        return client;
    }

    private static async Task PingAsync(SpdyClient client)
    {
        await client.SendAsync(0x80030006, 0, SpdyClient.Number(7));
        await client.UntilAsync(() => client.Pong is not null);
        Assert.Equal(SpdyClient.Number(7), client.Pong);
    }

    /// <summary>A connection to what repeats all it hears and says "end" when there is no more.</summary>
    private NetworkStream Answering()
    {
        var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        _listeners.Add(listener);
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        socket.Connect(listener.LocalEndpoint);
        _ = AnswerAsync(listener.AcceptSocket());
        return new NetworkStream(socket, ownsSocket: true);
    }

    private static async Task AnswerAsync(Socket accepted)
    {
        await using var stream = new NetworkStream(accepted, ownsSocket: true);
        await stream.CopyToAsync(stream);
        await stream.WriteAsync("end"u8.ToArray());
    }
}
