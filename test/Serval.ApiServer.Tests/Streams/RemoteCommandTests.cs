using System.Net;
using System.Net.WebSockets;
using System.Text;
using Serval.Api;
using Serval.Kube;
using Serval.Kube.Streams;

namespace Serval.ApiServer.Tests.Streams;

/// <summary>exec and attach over the channel protocols, with a node that runs what the test likes.</summary>
public sealed class RemoteCommandTests : IAsyncLifetime
{
    private const string Pod = "/api/v1/namespaces/default/pods/web";
    private const string All = Pod + "/exec?command=a&command=b&stdin=true&stdout=true&stderr=true";
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(20);

    private ApiServerFixture _server = null!;

    public async Task InitializeAsync()
    {
        _server = await ApiServerFixture.StartAsync();
        await _server.SendAsync(HttpMethod.Post, "/api/v1/namespaces/default/pods", """{"metadata":{"name":"web"}}""");
        await _server.SendAsync(HttpMethod.Post, "/api/v1/namespaces/default/pods", """{"metadata":{"name":"done"},"status":{"phase":"Failed"}}""");
    }

    public async Task DisposeAsync() => await _server.DisposeAsync();

    [Theory]
    [InlineData("v5.channel.k8s.io")]
    [InlineData("v4.channel.k8s.io")]
    [InlineData("channel.k8s.io")]
    [InlineData("")]
    public async Task Streams_OfACommand_HaveTheirChannels(string protocol)
    {
        _server.Streams.Program = async (streams, ct) =>
        {
            var line = new byte[5];
            await streams.Input!.ReadExactlyAsync(line, ct);
            await streams.Output!.WriteAsync(line, ct);
            await streams.Error!.WriteAsync("oops"u8.ToArray(), ct);
            return 0;
        };
        using var client = await PodStream.OpenAsync(_server, All, protocol.Length == 0 ? [] : [protocol]);
        Assert.Equal(protocol.Length == 0 ? null : protocol, client.Socket.SubProtocol);
        Assert.Equal([1], await client.ReceiveAsync());

        await client.SendAsync(0, "hel");
        await client.SendAsync(0, "lo");

        var got = await client.ReadAllAsync();
        Assert.Equal(("hello", "oops"), (got[1], got[2]));
        Assert.Equal(protocol.StartsWith('v') ? """{"metadata":{},"status":"Success"}""" : null, got.GetValueOrDefault(3));
        Assert.Equal(WebSocketCloseStatus.NormalClosure, client.Socket.CloseStatus);
        Assert.Equal(["a", "b"], _server.Streams.LastExec!.Command);
    }

    [Fact]
    public async Task Protocols_Offered_FirstThatIsServedWins()
    {
        using var client = await PodStream.OpenAsync(_server, All, "v9.channel.k8s.io", "v4.channel.k8s.io", "v5.channel.k8s.io");
        Assert.Equal("v4.channel.k8s.io", client.Socket.SubProtocol);
    }

    [Fact]
    public async Task Base64_BothWays_IsText()
    {
        _server.Streams.Program = async (streams, ct) =>
        {
            var line = new byte[5];
            await streams.Input!.ReadExactlyAsync(line, ct);
            await streams.Output!.WriteAsync(line, ct);
            return 0;
        };
        using var client = await PodStream.OpenAsync(_server, All, "v4.base64.channel.k8s.io");
        Assert.Equal("1"u8.ToArray(), await client.ReceiveAsync());

        await client.SendAsync("0aGVsbG8="u8.ToArray(), WebSocketMessageType.Text);

        Assert.Equal("1aGVsbG8="u8.ToArray(), await client.ReceiveAsync());
    }

    [Fact]
    public async Task InputEndedInV5_IsTheProgramsEnd()
    {
        _server.Streams.Program = async (streams, ct) =>
        {
            await streams.Output!.WriteAsync(Encoding.UTF8.GetBytes(await new StreamReader(streams.Input!).ReadToEndAsync(ct)), ct);
            return 3;
        };
        using var client = await PodStream.OpenAsync(_server, All, "v5.channel.k8s.io");
        await client.SendAsync(0, "all of it");
        await client.SendAsync([255, 0]);
        await client.SendAsync(0, "too late");

        var got = await client.ReadAllAsync();

        Assert.Equal("all of it", got[1]);
        Assert.Equal(
            """{"metadata":{},"status":"Failure","message":"command terminated with non-zero exit code: command terminated with exit code 3","reason":"NonZeroExitCode","details":{"causes":[{"reason":"ExitCode","message":"3"}]}}""",
            got[3]);
    }

    [Theory]
    [InlineData("v5.channel.k8s.io", """{"metadata":{},"status":"Failure","message":"Internal error occurred: no","reason":"InternalError","code":500}""")]
    [InlineData("v4.channel.k8s.io", """{"metadata":{},"status":"Failure","message":"no","reason":"InternalError","code":500}""")]
    [InlineData("channel.k8s.io", "no")]
    public async Task Program_ThatCannotStart_IsToldOnTheErrorChannel(string protocol, string told)
    {
        _server.Streams.Program = (_, _) => throw new ApiException(500, "InternalError", "no");
        using var client = await PodStream.OpenAsync(_server, All, protocol);
        Assert.Equal(told, (await client.ReadAllAsync())[3]);
    }

    [Fact]
    public async Task Sizes_OfTheTerminal_ReachTheProgram_AndGarbageDoesNot()
    {
        _server.Streams.Program = async (streams, ct) =>
        {
            Assert.Null(streams.Error);
            var size = await streams.Sizes.ReadAsync(ct);
            return size.Width + size.Height;
        };
        using var client = await PodStream.OpenAsync(_server, Pod + "/attach?stdout=true&stderr=true&tty=true", "v5.channel.k8s.io");
        foreach (var garbage in (string[])["", "{", "[]", """{"Width":-1,"Height":2}""", """{"Width":"1","Height":2}""", """{"Width":99999,"Height":2}"""])
        {
            await client.SendAsync(4, garbage);
        }
        foreach (var channel in (byte[])[1, 2, 3, 7, 200, 255])
        {
            await client.SendAsync(channel, "x");
        }
        await client.SendAsync([]);
        await client.SendAsync(4, "{\"Width\":80,\"Height\":24}\n");

        Assert.Contains("exit code 104\"", (await client.ReadAllAsync())[3], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Client_ThatLeaves_CancelsTheProgram()
    {
        var left = new TaskCompletionSource();
        _server.Streams.Program = async (streams, ct) =>
        {
            await using var _ = ct.Register(left.SetResult);
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, ct);
            return 0;
        };
        using (var client = await PodStream.OpenAsync(_server, All, "v5.channel.k8s.io"))
        {
            await client.ReceiveAsync();
        }
        await left.Task.WaitAsync(s_patience);
    }

    [Fact]
    public async Task Silence_OfFourHours_EndsTheTalk()
    {
        var left = new TaskCompletionSource();
        _server.Streams.Program = async (streams, ct) =>
        {
            await using var _ = ct.Register(left.SetResult);
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, ct);
            return 0;
        };
        using var client = await PodStream.OpenAsync(_server, All, "v5.channel.k8s.io");
        await client.ReceiveAsync();
        _server.Clock.Advance(TimeSpan.FromHours(3.9));
        Assert.False(left.Task.IsCompleted);
        _server.Clock.Advance(TimeSpan.FromHours(0.2));
        await left.Task.WaitAsync(s_patience);
    }

    [Fact]
    public async Task Program_ThatReadsNothing_HoldsTheClientUp()
    {
        await using var flood = new Flood();
        using var socket = WebSocket.CreateFromStream(flood, new WebSocketCreationOptions { IsServer = true });

        // Whatever comes is there at once: with an endless appetite this would not return.
        await using var client = new ChannelSocket(socket, ChannelProtocol.Choose([])!, new ExecOptions { Stdin = true }, _server.Clock, CancellationToken.None);

        Assert.InRange(flood.Taken, 64 * 1024, 256 * 1024);
    }

    [Fact]
    public async Task Message_TooLargeToBeUsedWhole_ClosesTheConnection()
    {
        _server.Streams.Program = async (streams, ct) =>
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, ct);
            return 0;
        };
        using var client = await PodStream.OpenAsync(_server, All, "v4.base64.channel.k8s.io");
        await client.SendAsync([(byte)'0', .. Enumerable.Repeat((byte)'A', 1024 * 1024 + 4)], WebSocketMessageType.Text);
        await client.ReadAllAsync();
        Assert.Equal(WebSocketCloseStatus.MessageTooBig, client.Socket.CloseStatus);
    }

    [Theory]
    [InlineData(Pod + "/exec?stdout=true", 422, "PodExecOptions \"web\" is invalid: command: Required value")]
    [InlineData(Pod + "/exec?command=x", 400, "you must specify at least 1 of stdin, stdout, stderr")]
    [InlineData(Pod + "/exec?command=x&stdout=true&container=absent", 400, "container absent is not valid for pod web")]
    [InlineData(Pod + "/exec?command=x&stdout=true", 400, "Upgrade request required")]
    [InlineData("/api/v1/namespaces/default/pods/other/exec?command=x&stdout=true", 404, "pods \"other\" not found")]
    [InlineData("/api/v1/namespaces/default/pods/done/exec?command=x&stdout=true", 400, "cannot exec into a container in a completed pod; current phase is Failed")]
    [InlineData("/api/v1/namespaces/default/pods/done/attach?stdout=true", 400, "cannot attach a container in a completed pod; current phase is Failed")]
    public async Task Request_ThatCannotBeServed_IsAStatusBeforeTheUpgrade(string path, int code, string message)
    {
        foreach (var method in (HttpMethod[])[HttpMethod.Get, HttpMethod.Post])
        {
            var (response, body) = await _server.SendAsync(method, path);
            Assert.Equal((code, message), ((int)response.StatusCode, (string?)body["message"]));
        }
        Assert.Equal(HttpStatusCode.MethodNotAllowed, (await _server.SendAsync(HttpMethod.Delete, path)).Response.StatusCode);
    }

    [Fact]
    public async Task Handshake_ThatIsNone_IsRefused()
    {
        foreach (var (header, value) in new[] { ("Sec-WebSocket-Key", "short"), ("Sec-WebSocket-Version", "8"), ("Sec-WebSocket-Protocol", "chat") })
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, All) { Version = HttpVersion.Version11, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
            request.Headers.TryAddWithoutValidation("Connection", "Upgrade");
            request.Headers.TryAddWithoutValidation("Upgrade", "websocket");
            var headers = new Dictionary<string, string>
            {
                ["Sec-WebSocket-Key"] = "AAAAAAAAAAAAAAAAAAAAAA==", ["Sec-WebSocket-Version"] = "13", ["Sec-WebSocket-Protocol"] = "v4.channel.k8s.io", [header] = value,
            };
            foreach (var pair in headers)
            {
                request.Headers.TryAddWithoutValidation(pair.Key, pair.Value);
            }
            using var response = await _server.Client.SendAsync(request);
            Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        }
    }

    [Fact]
    public async Task Stranger_IsRefusedBeforeTheUpgrade()
    {
        using var stranger = _server.Connect(withCertificate: false);
        Assert.Equal(HttpStatusCode.Unauthorized, (await stranger.GetAsync(All)).StatusCode);
        Assert.Null(_server.Streams.LastExec);
    }

    [Fact]
    public async Task Discovery_NamesTheSubresources()
    {
        var list = await _server.GetAsync("/api/v1");
        var found = list["resources"]!.AsArray().Where(r => ((string)r!["name"]!).StartsWith("pods/", StringComparison.Ordinal))
            .ToDictionary(r => (string)r!["name"]!, r => ((string)r!["kind"]!, string.Join(',', r["verbs"]!.AsArray())));
        Assert.Equal(("PodExecOptions", "create,get"), found["pods/exec"]);
        Assert.Equal(("PodAttachOptions", "create,get"), found["pods/attach"]);
    }
}
