using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.AspNetCore.Http;
using Serval.Routing;

namespace Serval.Proxy.Tests.Http2;

public sealed class Http2Tests : ProxyTest
{
    protected override ProxyOptions Options => base.Options with { MaxHeldPerRevision = 50 };

    private HttpClient Client() => Own(new HttpClient(new SocketsHttpHandler { UseProxy = false })
    {
        BaseAddress = new Uri($"http://127.0.0.1:{Proxy.HttpPort}"),
        DefaultRequestVersion = HttpVersion.Version20,
        DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
        DefaultRequestHeaders = { Host = "h" },
    });

    private async Task<H2cUpstream> ServeH2cAsync(RequestDelegate handle)
    {
        var upstream = await H2cUpstream.StartAsync(handle);
        Route(new RevisionPolicy { Protocol = BackendProtocol.H2c });
        Proxy.SetInstance(Revision, upstream.Endpoint);
        return upstream;
    }

    [Fact]
    public async Task Http2Client_Http1Instance()
    {
        Message? seen = null;
        Serve(m =>
        {
            seen = m;
            return "HTTP/1.1 201 Made\r\nX-App: 1\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n";
        });
        using var request = new HttpRequestMessage(HttpMethod.Post, "/a%2Fb/../c?d=e") { Content = new StringContent("body") };
        request.Version = HttpVersion.Version20;
        request.VersionPolicy = HttpVersionPolicy.RequestVersionExact;
        request.Headers.Add("X-Forwarded-For", "9.9.9.9");
        var answer = await Client().SendAsync(request);
        Assert.Equal(HttpVersion.Version20, answer.Version);
        Assert.Equal(HttpStatusCode.Created, answer.StatusCode);
        Assert.Equal("1", answer.Headers.GetValues("X-App").Single());
        Assert.Equal("ok", await answer.Content.ReadAsStringAsync());
        Assert.Equal("body", seen!.Body);
        Assert.Equal("h", seen.Header("Host"));
        Assert.Equal("9.9.9.9, 127.0.0.1", seen.Header("X-Forwarded-For"));
        Assert.Equal("http", seen.Header("X-Forwarded-Proto"));
    }

    [Fact]
    public async Task Http2Client_IsHeld_AndReleased_WithinTheLimit()
    {
        Route(new RevisionPolicy { ContainerConcurrency = 1 });
        var client = Client();
        var answers = Enumerable.Range(0, 50).Select(i => client.GetStringAsync($"/{i}")).ToArray();
        await WaitHeldAsync(50);
        var refused = await client.GetAsync("/");
        Assert.Equal("queue-full", refused.Headers.GetValues("Serval-Error").Single());
        Assert.Equal((TimeSpan.FromSeconds(1), true), (refused.Headers.RetryAfter?.Delta, refused.Headers.Date is not null));
        var running = 0;
        var upstream = Own(Upstream.Answering(async m =>
        {
            Assert.Equal(1, Interlocked.Increment(ref running));
            await Task.Yield();
            Interlocked.Decrement(ref running);
            return Upstream.Ok(m.StartLine.Split(' ')[1]);
        }));
        Proxy.SetInstance(Revision, upstream.Endpoint("a"));
        Assert.Equal(Enumerable.Range(0, 50).Select(i => $"/{i}"), await Task.WhenAll(answers));
    }

    [Fact]
    public async Task Http2Client_ThatGoesAway_LeavesTheQueue()
    {
        using var cancel = new CancellationTokenSource();
        var answer = Client().GetAsync("/", cancel.Token);
        await WaitHeldAsync(1);
        await cancel.CancelAsync();
        await WaitHeldAsync(0);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => answer);
    }

    [Fact]
    public async Task Http2Client_ThatResetsItsConnection_IsNoFaultOfTheServer()
    {
        var client = Client();
        for (var i = 0; i < 20; i++)
        {
            using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            await socket.ConnectAsync(IPAddress.Loopback, Proxy.HttpPort);
            await socket.SendAsync("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x4\0\0\0\0\0"u8.ToArray());
            Assert.NotEqual(0, await socket.ReceiveAsync(new byte[9])); // Kestrel has the connection
            socket.Close(timeout: 0);
        }
        client.DefaultRequestHeaders.Host = "nobody";
        Assert.Equal(HttpStatusCode.NotFound, (await client.GetAsync("/")).StatusCode);
        await Proxy.DisposeAsync(); // every connection has ended
        Assert.Empty(Log.Errors);
    }

    [Fact]
    public async Task Http2Client_Errors_AreMarked()
    {
        var client = Client();
        client.DefaultRequestHeaders.Host = "nobody";
        var answer = await client.GetAsync("/");
        Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
        Assert.Equal("no-route", answer.Headers.GetValues("Serval-Error").Single());
        client.DefaultRequestHeaders.Host = "h";
        Route(new RevisionPolicy { Timeout = TimeSpan.FromSeconds(3) });
        var held = client.GetAsync("/");
        await WaitHeldAsync(1);
        Time.Advance(TimeSpan.FromSeconds(4));
        answer = await held;
        Assert.Equal(HttpStatusCode.GatewayTimeout, answer.StatusCode);
        Assert.Equal("no-endpoint-timeout", answer.Headers.GetValues("Serval-Error").Single());
    }

    [Fact]
    public async Task Http2Client_AnswerThatOutlivesTheTimeout_EndsProperly_UnlessItsLengthWasSaid()
    {
        Route(new RevisionPolicy { Timeout = TimeSpan.FromSeconds(10) });
        ServeRaw(async wire =>
        {
            var length = (await wire.ReadAsync()).StartLine.Contains("/long", StringComparison.Ordinal) ? "Content-Length: 100" : "Connection: close";
            await wire.SendAsync($"HTTP/1.1 200 OK\r\n{length}\r\n\r\npart");
            await wire.WaitClosedAsync();
        });
        foreach (var path in new[] { "/", "/long" })
        {
            using var answer = await Client().GetAsync(path, HttpCompletionOption.ResponseHeadersRead);
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
            Time.Advance(TimeSpan.FromSeconds(11));
            var body = answer.Content.ReadAsStringAsync();
            if (path == "/")
            {
                Assert.Equal("partrequest timeout", await body);
            }
            else
            {
                await Assert.ThrowsAnyAsync<HttpRequestException>(() => body);
            }
        }
    }

    [Fact]
    public async Task Http2Client_InstanceThatRefuses_StaysHeld()
    {
        Proxy.SetInstance(Revision, new BackendEndpoint("127.0.0.1", Upstream.FreePort(), "dead"));
        var answer = Client().GetStringAsync("/");
        await WaitHeldAsync(1);
        Proxy.SetInstance(Revision, Own(Upstream.Answering(_ => Upstream.Ok("alive"))).Endpoint("alive"));
        Assert.Equal("alive", await answer);
    }

    /// <summary>A connection may be gone before the framework's client has looked at it: then a SocketException comes out of it as it is.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Instance_ThatResetsConnectionsAtOnce_IsTheProxysAnswer(bool http2Client)
    {
        using var resetting = new ResettingServer();
        await using var alive = await ServeH2cAsync(context =>
        {
            context.Response.Headers["Serval-Error"] = "none: held, then answered";
            return Task.CompletedTask;
        });
        var said = new HashSet<string>();
        using var h2 = Client();
        for (var i = 0; i < 100; i++)
        {
            Proxy.SetInstance(Revision, new BackendEndpoint("127.0.0.1", resetting.Port, $"r{i}"));
            var answer = AskAsync();
            await Poll.UntilAsync(() => answer.IsCompleted || Proxy.Held(Revision) == 1);
            Proxy.SetInstance(Revision, alive.Endpoint);
            said.Add(await answer);
        }
        said.ExceptWith(["none: held, then answered", "upstream-reset"]);
        Assert.Empty(said);

        async Task<string> AskAsync() => http2Client
            ? Error((await h2.GetAsync("/")).Headers)
            : (await (await ClientAsync()).GetAsync("h")).Header("Serval-Error") ?? "";

        static string Error(System.Net.Http.Headers.HttpResponseHeaders headers) => headers.TryGetValues("Serval-Error", out var values) ? values.First() : "";
    }

    [Fact]
    public async Task Http2Client_BrokenAnswer_IsAReset()
    {
        ServeRaw(async wire =>
        {
            await wire.ReadAsync();
            await wire.SendAsync("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart");
        });
        await Assert.ThrowsAnyAsync<HttpRequestException>(() => Client().GetStringAsync("/"));
    }

    [Fact]
    public async Task Http2Both_StreamsBothWays_WithTrailers()
    {
        await using var upstream = await ServeH2cAsync(async context =>
        {
            Assert.Equal("HTTP/2", context.Request.Protocol);
            Assert.Equal("trailers", context.Request.Headers.TE);
            context.Response.ContentType = "application/grpc";
            context.Response.DeclareTrailer("grpc-status");
            var buffer = new byte[100];
            for (var read = await context.Request.Body.ReadAsync(buffer); read > 0; read = await context.Request.Body.ReadAsync(buffer))
            {
                await context.Response.Body.WriteAsync(buffer.AsMemory(0, read));
                await context.Response.Body.FlushAsync();
            }
            context.Response.AppendTrailer("grpc-status", "0");
        });
        var body = new DuplexContent();
        using var request = new HttpRequestMessage(HttpMethod.Post, "/svc/Method")
        {
            Content = body,
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Headers = { { "TE", "trailers" } },
        };
        var sending = Client().SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        var writer = await body.Stream;
        await writer.WriteAsync("ping"u8.ToArray());
        await writer.FlushAsync();
        using var answer = await sending;
        var reader = await answer.Content.ReadAsStreamAsync();
        var buffer = new byte[4];
        await reader.ReadExactlyAsync(buffer);
        Assert.Equal("ping", Encoding.ASCII.GetString(buffer));
        await writer.WriteAsync("pong"u8.ToArray());
        await writer.FlushAsync();
        await reader.ReadExactlyAsync(buffer);
        Assert.Equal("pong", Encoding.ASCII.GetString(buffer));
        body.End();
        Assert.Equal(0, await reader.ReadAsync(buffer));
        Assert.Equal("0", answer.TrailingHeaders.GetValues("grpc-status").Single());
    }

    /// <summary>An instance that speaks HTTP/1.1 may answer before it has heard all, and end so.</summary>
    [Fact]
    public async Task Http2Client_Http1Instance_StreamBothWays_WithTrailers()
    {
        ServeRaw(async wire =>
        {
            Assert.Equal("chunked", (await wire.ReadHeadAsync()).Header("Transfer-Encoding"));
            await wire.SendAsync("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: X-Hop\r\nX-Hop: 1\r\nX-Own: 2\r\n\r\n");
            for (var i = 0; i < 3; i++)
            {
                Assert.Equal("4\r\nping\r\n", await wire.ReadExactAsync(9));
                await wire.SendAsync("4\r\npong\r\n");
            }
            Assert.Equal("0\r\n\r\n", await wire.ReadExactAsync(5));
            await wire.SendAsync("0\r\nX-End: yes\r\n\r\n");
        });
        var body = new DuplexContent();
        var sending = PostAsync(body);
        var writer = await body.Stream;
        using var answer = await sending;
        Assert.Equal("2", answer.Headers.GetValues("X-Own").Single());
        Assert.False(answer.Headers.Contains("X-Hop"));
        var reader = await answer.Content.ReadAsStreamAsync();
        var buffer = new byte[4];
        for (var i = 0; i < 3; i++)
        {
            await writer.WriteAsync("ping"u8.ToArray());
            await writer.FlushAsync();
            await reader.ReadExactlyAsync(buffer);
            Assert.Equal("pong", Encoding.ASCII.GetString(buffer));
        }
        body.End();
        Assert.Equal(0, await reader.ReadAsync(buffer));
        Assert.Equal("yes", answer.TrailingHeaders.GetValues("X-End").Single());
    }

    [Theory]
    [InlineData("HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno", 413, "no")]
    [InlineData("HTTP/1.1 200 OK\r\n\r\nto the end", 200, "to the end")]
    [InlineData("no answer\r\n\r\n", 502, null)]
    [InlineData("", 502, null)]
    public async Task Http2Client_Http1Instance_AnswerBeforeTheBodyEnds(string raw, int status, string? text)
    {
        var upstream = ServeRaw(async wire =>
        {
            await wire.ReadHeadAsync();
            await wire.SendAsync(raw);
        });
        var body = new DuplexContent();
        using var answer = await PostAsync(body);
        Assert.Equal(status, (int)answer.StatusCode);
        var read = await answer.Content.ReadAsStringAsync();
        Assert.Equal(text ?? read, read);
        body.End();
        await Poll.UntilAsync(() => InFlight(upstream) == 0);
    }

    [Fact]
    public async Task Http2Client_Http1Instance_GetsALongBody_WithItsLength()
    {
        Message? seen = null;
        Serve(m =>
        {
            seen = m;
            return Upstream.Ok("ok");
        });
        var text = new string('x', 200_000);
        using var answer = await PostAsync(new StringContent(text));
        Assert.Equal("ok", await answer.Content.ReadAsStringAsync());
        Assert.Equal(text, seen!.Body);
        Assert.Equal((1, 0), (seen.Count("Content-Length"), seen.Count("Transfer-Encoding")));
        Assert.Equal("text/plain; charset=utf-8", seen.Header("Content-Type"));
    }

    [Fact]
    public async Task Http2Client_ThatLeavesInItsBody_FreesTheSlot()
    {
        var heard = new TaskCompletionSource();
        var ended = new TaskCompletionSource();
        var upstream = ServeRaw(async wire =>
        {
            await wire.ReadHeadAsync();
            heard.SetResult();
            await wire.WaitClosedAsync();
            ended.SetResult();
        });
        var body = new DuplexContent { Leaves = true };
        using var leaving = new CancellationTokenSource();
        var sending = PostAsync(body, leaving.Token);
        await heard.Task;
        Assert.Equal(1, InFlight(upstream));
        await leaving.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => sending);
        await ended.Task;
        await Poll.UntilAsync(() => InFlight(upstream) == 0);
    }

    private int InFlight(Upstream upstream) => Proxy.InFlight(Revision, $"i0-{upstream.Port}");

    private Task<HttpResponseMessage> PostAsync(HttpContent body, CancellationToken ct = default) => Client().SendAsync(
        new HttpRequestMessage(HttpMethod.Post, "/") { Content = body, Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact },
        HttpCompletionOption.ResponseHeadersRead,
        ct);

    [Theory]
    [InlineData("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbody")]
    [InlineData("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nbo\r\n2\r\ndy\r\n0\r\n\r\n")]
    public async Task Http1Client_Http2Instance(string text)
    {
        await using var upstream = await ServeH2cAsync(async context =>
        {
            using var reader = new StreamReader(context.Request.Body);
            await context.Response.WriteAsync($"{context.Request.Protocol} {context.Request.Host} {await reader.ReadToEndAsync()}");
            context.Response.AppendTrailer("X-T", "v");
        });
        var client = await ClientAsync();
        for (var i = 0; i < 3; i++)
        {
            Assert.Equal("HTTP/2 h body<x-t: v>", (await client.SendReadAsync(text)).Body);
        }
        Assert.Equal("HTTP/2 h <x-t: v>", (await client.GetAsync("h")).Body);
        await Proxy.WhenIdleAsync(Revision, "h2c");
    }

    [Fact]
    public async Task Http1Client_Http2InstanceThatRefuses_StaysHeld()
    {
        Route(new RevisionPolicy { Protocol = BackendProtocol.H2c });
        Proxy.SetInstance(Revision, new BackendEndpoint("127.0.0.1", Upstream.FreePort(), "dead"));
        var answer = (await ClientAsync()).GetAsync("h");
        await WaitHeldAsync(1);
        await using var upstream = await H2cUpstream.StartAsync(context => context.Response.WriteAsync("alive"));
        Proxy.SetInstance(Revision, upstream.Endpoint);
        Assert.Equal("alive", (await answer).Body);
    }

    [Fact]
    public async Task Http2Client_GetsTheHeaders_BeforeTheInstanceSendsABody()
    {
        var go = new TaskCompletionSource();
        ServeRaw(async wire =>
        {
            await wire.ReadAsync();
            await wire.SendAsync("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n");
            await go.Task;
            await wire.SendAsync("2\r\nok\r\n0\r\n\r\n");
        });
        using var answer = await Client().GetAsync("/", HttpCompletionOption.ResponseHeadersRead);
        Assert.Equal("text/event-stream", answer.Content.Headers.ContentType?.MediaType);
        go.SetResult();
        Assert.Equal("ok", await answer.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task Http2Client_AnswerWithoutBody_IsOneFrame()
    {
        await using var upstream = await ServeH2cAsync(context =>
        {
            context.Response.ContentType = "application/grpc";
            context.Response.Headers["grpc-status"] = "12";
            return Task.CompletedTask;
        });
        Assert.Equal([(1, 5)], await FramesAsync("/")); // HEADERS with END_STREAM and END_HEADERS, and no other
    }

    /// <summary>RST_STREAM: the stream alone, not the connection.</summary>
    [Fact]
    public async Task Http2Client_ThatDoesNotOpenItsWindow_IsCutOff()
    {
        Route(RevisionPolicy.PlainService);
        var upstream = Serve(_ => Upstream.Ok(new string('x', 1_000_000)));
        var client = await GetRawAsync("h", "/", settings: [0, 4, 0, 0, 0, 0]); // SETTINGS_INITIAL_WINDOW_SIZE 0 (RFC 9113, 6.5.2)
        Assert.Equal(1, (await FrameAsync(client)).Type);
        var next = FrameAsync(client);
        Time.Advance(TimeSpan.FromSeconds(50));
        Assert.False(next.IsCompleted);
        while (!next.IsCompleted)
        {
            Time.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }
        Assert.Equal(3, (await next).Type);
        await Proxy.WhenIdleAsync(Revision, $"i0-{upstream.Port}");
        Assert.Empty(Log.Errors);
    }

    [Fact]
    public async Task Http2Client_Probe_IsAnsweredHere()
    {
        var client = Client();
        client.DefaultRequestHeaders.Host = "nobody";
        client.DefaultRequestHeaders.Add("K-Network-Probe", "probe");
        client.DefaultRequestHeaders.Add("K-Network-Hash", "abc");
        var answer = await client.GetAsync("/");
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal("abc", answer.Headers.GetValues("K-Network-Hash").Single());
        Assert.False(answer.Headers.Contains("Serval-Error"));
    }

    [Fact]
    public async Task Http2Client_RuleWithoutWeight_Is503()
    {
        Proxy.Publish(new RouteTableBuilder().Add("h", new RouteRule { Backends = [new WeightedBackend { Backend = Revision, Weight = 0 }] }).Build(2));
        var answer = await Client().GetAsync("/");
        Assert.Equal("no-endpoint", answer.Headers.GetValues("Serval-Error").Single());
        Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
        Assert.Equal("no-endpoint", (await (await ClientAsync()).GetAsync("h")).Header("Serval-Error"));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Service_ThatSpeaksHttp2_AndRefuses_IsNotTriedForEver(bool http2Client)
    {
        var service = BackendKey.Service("default", "plain", "80");
        Proxy.Publish(new RouteTableBuilder().Add("s", new RouteRule { Backends = [new WeightedBackend { Backend = service }] })
            .SetPolicy(service, RevisionPolicy.PlainService with { Protocol = BackendProtocol.H2c }).Build(2));
        Proxy.Set(service, EndpointsSnapshot.Of(new BackendEndpoint("127.0.0.1", Upstream.FreePort(), "x")));
        var client = Client();
        client.DefaultRequestHeaders.Host = "s";
        var answer = http2Client ? ReasonAsync(client.GetAsync("/")) : ReasonAsync((await ClientAsync()).GetAsync("s"));
        await Poll.UntilAsync(() => Proxy.Held(service) > 0);
        while (!answer.IsCompleted)
        {
            Time.Advance(TimeSpan.FromMilliseconds(10));
            await Task.Yield();
        }
        Assert.Equal("upstream-connect", await answer);

        static async Task<string> ReasonAsync<T>(Task<T> answer) => await answer switch
        {
            Message m => m.Header("Serval-Error")!,
            HttpResponseMessage m => m.Headers.GetValues("Serval-Error").Single(),
            _ => "",
        };
    }

    [Fact]
    public async Task Http2Instance_HostWithAnImpossiblePort_Is400()
    {
        await using var upstream = await ServeH2cAsync(context => context.Response.WriteAsync("reached"));
        var answer = await (await ClientAsync()).GetAsync("h:99999");
        Assert.Equal((400, "bad-request"), (answer.Status, answer.Header("Serval-Error")));
        Assert.Empty(Log.Errors);
        Assert.Equal("reached", (await (await ClientAsync()).GetAsync("h:80")).Body);
    }

    /// <summary>The frames of stream 1 that answer a GET, by type and flags, up to the end of the stream.</summary>
    private async Task<List<(int Type, int Flags)>> FramesAsync(string path)
    {
        var client = await GetRawAsync("h", path, settings: []);
        var frames = new List<(int Type, int Flags)>();
        while (frames.Count == 0 || (frames[^1].Flags & 1) == 0)
        {
            frames.Add(await FrameAsync(client));
        }
        return frames;
    }

    /// <summary>The next frame of stream 1.</summary>
    private static async Task<(int Type, int Flags)> FrameAsync(Wire client)
    {
        while (true)
        {
            var head = await client.ReadExactAsync(9);
            await client.SkipAsync((head[0] << 16) | (head[1] << 8) | head[2]);
            if (head[8] == '\x1')
            {
                return (head[3], head[4]);
            }
        }
    }

    /// <summary>A connection that has sent the preface, its settings, and a GET as stream 1.</summary>
    private async Task<Wire> GetRawAsync(string host, string path, byte[] settings)
    {
        var client = await ClientAsync();
        // No dynamic table: each field is a literal without indexing (RFC 7541, 6.2.2).
        byte[] fields = [.. Literal(":method", "GET"), .. Literal(":scheme", "http"), .. Literal(":path", path), .. Literal(":authority", host)];
        await client.SendAsync((byte[])[
            .. "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8, 0, 0, (byte)settings.Length, 4, 0, 0, 0, 0, 0, .. settings,
            0, 0, (byte)fields.Length, 1, 5, 0, 0, 0, 1, .. fields]);
        return client;

        static byte[] Literal(string name, string value) =>
            [0, (byte)name.Length, .. Encoding.ASCII.GetBytes(name), (byte)value.Length, .. Encoding.ASCII.GetBytes(value)];
    }

    private sealed class DuplexContent : HttpContent
    {
        private readonly TaskCompletionSource<Stream> _stream = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _end = new(TaskCreationOptions.RunContinuationsAsynchronously);

        /// <summary>Ends when the client gives up, which says so then; else it is of a client that sends on whatever comes back.</summary>
        public bool Leaves { get; init; }

        public Task<Stream> Stream => _stream.Task;

        public void End() => _end.SetResult();

        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => SerializeToStreamAsync(stream, context, CancellationToken.None);

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
        {
            await stream.FlushAsync(cancellationToken);
            _stream.SetResult(stream);
            await _end.Task.WaitAsync(Leaves ? cancellationToken : CancellationToken.None);
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
