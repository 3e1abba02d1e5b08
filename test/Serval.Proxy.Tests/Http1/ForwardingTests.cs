using Serval.Routing;

namespace Serval.Proxy.Tests.Http1;

public class ForwardingTests : ProxyTest
{
    [Fact]
    public async Task Get_IsForwarded_WithForwardingHeadersAndWithoutHopByHop()
    {
        Message? seen = null;
        Serve(m =>
        {
            seen = m;
            return "HTTP/1.1 201 Made\r\nX-App: 1\r\nConnection: X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\nContent-Length: 2\r\n\r\nok";
        });
        var client = await ClientAsync();
        var answer = await client.SendReadAsync(
            "GET /a?b=c HTTP/1.1\r\nHost: h:8880\r\nX-A: 1\r\nConnection: keep-alive, X-Secret\r\nX-Secret: 2\r\nProxy-Authorization: x\r\n" +
            "X-Forwarded-For: 9.9.9.9\r\nX-Forwarded-Proto: https\r\nTE: trailers\r\n\r\n");
        Assert.Equal("HTTP/1.1 201 Made", answer.StartLine);
        Assert.Equal("ok", answer.Body);
        Assert.Equal("1", answer.Header("X-App"));
        Assert.Equal(0, answer.Count("X-Hop") + answer.Count("Keep-Alive") + answer.Count("Connection") + answer.Count("Serval-Error"));
        Assert.Equal("GET /a?b=c HTTP/1.1", seen!.StartLine);
        Assert.Equal("h:8880", seen.Header("Host"));
        Assert.Equal("1", seen.Header("X-A"));
        Assert.Equal("9.9.9.9, 127.0.0.1", seen.Header("X-Forwarded-For"));
        Assert.Equal("https", seen.Header("X-Forwarded-Proto"));
        Assert.Equal("h:8880", seen.Header("X-Forwarded-Host"));
        Assert.Equal($"for=127.0.0.1;host=\"h:8880\";proto={(Secure ? "https" : "http")}", seen.Header("Forwarded"));
        Assert.Equal(0, seen.Count("X-Secret") + seen.Count("Proxy-Authorization") + seen.Count("TE") + seen.Count("Connection"));
    }

    [Fact]
    public async Task Rule_SetsHeadersAndHost_ReplacingTheClients()
    {
        Message? seen = null;
        Serve(m =>
        {
            seen = m;
            return Upstream.Ok("ok");
        });
        Publish(new RouteTableBuilder().Add("h", new RouteRule
        {
            RewriteHost = "inner",
            AppendHeaders = [new("X-Rule", "r"), new("X-Both", "rule")],
            Backends = [new WeightedBackend { Backend = Revision, AppendHeaders = [new("X-Both", "split")] }],
        }).Build(2));
        var client = await ClientAsync();
        await client.SendReadAsync("GET / HTTP/1.1\r\nHost: h\r\nx-both: spoofed\r\n\r\n");
        Assert.Equal("inner", seen!.Header("Host"));
        Assert.Equal("split", seen.Header("X-Both"));
        Assert.Equal(1, seen.Count("X-Both"));
        Assert.Equal("r", seen.Header("X-Rule"));
        Assert.Equal("h", seen.Header("X-Forwarded-Host"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Program_SeesNothingOfWhatIsBetweenGatewayAndRevision(bool http2)
    {
        Message? seen = null;
        Serve(m =>
        {
            seen = m;
            return Upstream.Ok("ok");
        });
        KeyValuePair<string, string>[] own = [new("Knative-Serving-Revision", "hello-00001"), new("knative-serving-namespace", "default"), new("Knative-Serving-Tag", "blue")];
        Publish(new RouteTableBuilder().Add("h", new RouteRule { Backends = [new WeightedBackend { Backend = Revision, AppendHeaders = own }] }).Build(2));
        string[] hidden = ["Knative-Serving-Revision", "Knative-Serving-Namespace", "K-Original-Host", "K-Passthrough-Lb", "K-Proxy-Request"];
        await GetAsync(http2, [.. hidden, "Knative-Serving-Default-Route"]);
        Assert.All(hidden, h => Assert.Equal(0, seen!.Count(h)));
        Assert.Equal("blue", seen!.Header("Knative-Serving-Tag"));
        Assert.Equal("by the client", seen.Header("Knative-Serving-Default-Route"));
        Assert.Equal("h", seen.Header("Host"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Program_SeesTheHostThatWasAskedFor(bool http2)
    {
        Message? seen = null;
        Serve(m =>
        {
            seen = m;
            return Upstream.Ok("ok");
        });
        var toRevision = new WeightedBackend { Backend = Revision, AppendHeaders = [new("K-Original-Host", "h.example.com")] };
        Publish(new RouteTableBuilder().Add("h", new RouteRule { RewriteHost = "inner", Backends = [toRevision] }).Build(2));
        await GetAsync(http2, []);
        Assert.Equal("h.example.com", seen!.Header("Host"));

        Publish(new RouteTableBuilder()
            .Add("h", new RouteRule { RewriteHost = "inner", Rematch = true })
            .Add("inner", new RouteRule { Visibility = RouteVisibility.ClusterLocal, AppendHeaders = [new("X-Inner", "1")], Backends = [new WeightedBackend { Backend = Revision }] })
            .Build(3));
        await GetAsync(http2, []);
        Assert.Equal("h", seen!.Header("Host"));
        Assert.Equal("1", seen.Header("X-Inner"));
        Assert.Equal("h", seen.Header("X-Forwarded-Host"));
    }

    [Fact]
    public async Task PlainService_SeesEveryHeader()
    {
        var service = BackendKey.Service("default", "plain", "80");
        var upstream = Own(Upstream.Answering(m => Upstream.Ok(m.Header("Knative-Serving-Revision")!)));
        Proxy.Set(service, EndpointsSnapshot.Of(upstream.Endpoint("a")));
        Publish(new RouteTableBuilder().Add("h", new RouteRule { Backends = [new WeightedBackend { Backend = service }] }).Build(2));
        Assert.Equal("mine", (await (await ClientAsync()).SendReadAsync("GET / HTTP/1.1\r\nHost: h\r\nKnative-Serving-Revision: mine\r\n\r\n")).Body);
    }

    /// <summary>A request with headers set by the client.</summary>
    private async Task GetAsync(bool http2, string[] names)
    {
        if (!http2)
        {
            await (await ClientAsync()).SendReadAsync($"GET / HTTP/1.1\r\nHost: h\r\n{string.Concat(names.Select(n => $"{n}: by the client\r\n"))}\r\n");
            return;
        }
        using var client = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        using var request = new HttpRequestMessage(HttpMethod.Get, $"http://127.0.0.1:{Proxy.HttpPort}")
        {
            Version = new Version(2, 0), VersionPolicy = HttpVersionPolicy.RequestVersionExact, Headers = { { "Host", "h" } },
        };
        Array.ForEach(names, n => request.Headers.Add(n, "by the client"));
        Assert.True((await client.SendAsync(request)).IsSuccessStatusCode);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Rule_ThatSetsForwardingHeaders_ReplacesTheClientsAndOurs(bool http2)
    {
        Message? seen = null;
        Serve(m =>
        {
            seen = m;
            return Upstream.Ok("ok");
        });
        Publish(new RouteTableBuilder().Add("h", new RouteRule
        {
            AppendHeaders = [new("X-Forwarded-For", "1.1.1.1"), new("x-forwarded-proto", "https"), new("X-Forwarded-Host", "outer"), new("Forwarded", "for=x")],
            Backends = [new WeightedBackend { Backend = Revision }],
        }).Build(2));
        if (http2)
        {
            using var client = new HttpClient(new SocketsHttpHandler { UseProxy = false });
            using var request = new HttpRequestMessage(HttpMethod.Get, $"http://127.0.0.1:{Proxy.HttpPort}")
            {
                Version = new Version(2, 0), VersionPolicy = HttpVersionPolicy.RequestVersionExact,
                Headers = { { "Host", "h" }, { "X-Forwarded-For", "9.9.9.9" }, { "X-Forwarded-Proto", "ftp" }, { "Forwarded", "for=y" } },
            };
            Assert.True((await client.SendAsync(request)).IsSuccessStatusCode);
        }
        else
        {
            await (await ClientAsync()).SendReadAsync(
                "GET / HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: 9.9.9.9\r\nX-Forwarded-Proto: ftp\r\nForwarded: for=y\r\n\r\n");
        }
        Assert.Equal(("1.1.1.1", 1), (seen!.Header("X-Forwarded-For"), seen.Count("X-Forwarded-For")));
        Assert.Equal(("https", 1), (seen.Header("X-Forwarded-Proto"), seen.Count("X-Forwarded-Proto")));
        Assert.Equal(("outer", 1), (seen.Header("X-Forwarded-Host"), seen.Count("X-Forwarded-Host")));
        Assert.Equal(("for=x", 1), (seen.Header("Forwarded"), seen.Count("Forwarded")));
    }

    [Fact]
    public async Task KeepAlive_ManyRequests_OneConnectionEachSide()
    {
        var n = 0;
        var upstream = Serve(_ => Upstream.Ok($"{n++}"));
        var client = await ClientAsync();
        for (var i = 0; i < 200; i++)
        {
            Assert.Equal($"{i}", (await client.GetAsync("h")).Body);
        }
        Assert.Equal(1, upstream.Connections);
    }

    [Fact]
    public async Task Pipelined_AnsweredInOrder()
    {
        Serve(m => Upstream.Ok(m.StartLine.Split(' ')[1]));
        var client = await ClientAsync();
        await client.SendAsync(string.Concat(Enumerable.Range(0, 50).Select(i =>
            i % 3 == 0 ? $"POST /{i} HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc"
            : i % 3 == 1 ? $"POST /{i} HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n2;x=y\r\nbc\r\n0\r\n\r\n"
            : $"GET /{i} HTTP/1.1\r\nHost: h\r\n\r\n")));
        for (var i = 0; i < 50; i++)
        {
            Assert.Equal($"/{i}", (await client.ReadAsync()).Body);
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(1000)]
    public async Task Request_InPieces_IsTheSame(int piece)
    {
        Serve(m => Upstream.Ok($"{m.Header("Transfer-Encoding")}:{m.Body}"));
        var client = await ClientAsync();
        var text = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1\r\n,\r\n6\r\n world\r\n0\r\nX-T: 1\r\nHost: evil\r\n\r\n";
        foreach (var part in text.Chunk(piece))
        {
            await client.SendAsync(new string(part));
        }
        Assert.Equal("chunked:hello, world<X-T: 1>", (await client.ReadAsync()).Body);
        Assert.Equal("chunked:", (await client.SendReadAsync("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")).Body);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(1000)]
    public async Task ChunkedAnswer_InPieces_IsTheSame_WithTrailers(int piece)
    {
        ServeRaw(async wire =>
        {
            while (true)
            {
                await wire.ReadAsync();
                foreach (var part in "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n3\r\nabc\r\nA;e=1\r\n0123456789\r\n0\r\nX-T: v\r\n\r\n".Chunk(piece))
                {
                    await wire.SendAsync(new string(part));
                }
            }
        });
        var client = await ClientAsync();
        for (var i = 0; i < 3; i++)
        {
            Assert.Equal("abc0123456789<X-T: v>", (await client.GetAsync("h")).Body);
        }
    }

    [Fact]
    public async Task BigBodies_BothWays_WithBackPressure()
    {
        const int Size = 20_000_000;
        var release = new TaskCompletionSource();
        ServeRaw(async wire =>
        {
            await wire.ReadHeadAsync();
            await release.Task;
            await wire.SkipAsync(Size);
            await wire.SendAsync($"HTTP/1.1 200 OK\r\nContent-Length: {Size}\r\n\r\n");
            await wire.SendAsync(new byte[Size]);
        });
        var client = await ClientAsync();
        await client.SendAsync($"PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: {Size}\r\n\r\n");
        var sending = client.SendAsync(new byte[Size]);
        Assert.False(sending.IsCompleted); // nobody buffers 20 MB
        release.SetResult();
        await sending;
        Assert.Equal(200, (await client.ReadHeadAsync()).Status);
        await client.SkipAsync(Size);
    }

    [Theory]
    [InlineData("HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "5")]
    [InlineData("GET", "HTTP/1.1 204 No Content\r\n\r\n", null)]
    [InlineData("GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", "5")]
    [InlineData("HEAD", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", null)]
    public async Task BodylessAnswers_KeepTheConnection(string method, string raw, string? length)
    {
        var upstream = Serve(_ => raw);
        var client = await ClientAsync();
        for (var i = 0; i < 3; i++)
        {
            var answer = await client.SendReadAsync($"{method} / HTTP/1.1\r\nHost: h\r\n\r\n", head: true);
            Assert.Equal(length, answer.Header("Content-Length"));
        }
        Assert.Equal(1, upstream.Connections);
    }

    [Fact]
    public async Task AnswerUntilClose_IsChunkedForHttp11_AndClosedForHttp10()
    {
        ServeRaw(async wire =>
        {
            await wire.ReadAsync();
            await wire.SendAsync("HTTP/1.0 200 OK\r\n\r\nhello");
        });
        var client = await ClientAsync();
        Assert.Equal("hello", (await client.GetAsync("h")).Body);
        var answer = await client.SendReadAsync("GET / HTTP/1.0\r\nHost: h\r\nConnection: keep-alive\r\n\r\n");
        Assert.Equal("hello", answer.Body);
        Assert.Equal("close", answer.Header("Connection"));
        Assert.Null(answer.Header("Transfer-Encoding"));
    }

    [Fact]
    public async Task Http10_KeepAlive_AndClose()
    {
        Serve(_ => Upstream.Ok("x"));
        var client = await ClientAsync();
        var answer = await client.SendReadAsync("GET / HTTP/1.0\r\nHost: h\r\nConnection: keep-alive\r\n\r\n");
        Assert.Equal("keep-alive", answer.Header("Connection"));
        answer = await client.SendReadAsync("GET / HTTP/1.0\r\nHost: h\r\n\r\n");
        Assert.Equal("close", answer.Header("Connection"));
        await client.WaitClosedAsync();
    }

    [Fact]
    public async Task Expect100_IsAnswered_BeforeTheBodyIsSent()
    {
        Serve(m => Upstream.Ok($"{m.Count("Expect")}{m.Body}"));
        var client = await ClientAsync();
        var interim = await client.SendReadAsync("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n");
        Assert.Equal(100, interim.Status);
        Assert.Equal("0body", (await client.SendReadAsync("body")).Body);
    }

    [Fact]
    public async Task EarlyHints_ArePassedOn()
    {
        Serve(_ => "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + Upstream.Ok("x"));
        var client = await ClientAsync();
        Assert.Equal(103, (await client.GetAsync("h")).Status);
        Assert.Equal("x", (await client.ReadAsync()).Body);
    }

    [Fact]
    public async Task EarlyAnswer_ToAnUnfinishedUpload_IsDelivered()
    {
        ServeRaw(async wire =>
        {
            await wire.ReadHeadAsync();
            await wire.SendAsync("HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig");
        });
        var client = await ClientAsync();
        await client.SendAsync("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\npart");
        Assert.Equal("big", (await client.ReadAsync()).Body);
        client.Dispose();
    }

    [Fact]
    public async Task Upgrade_IsSpliced_AndOutlivesTheTimeouts()
    {
        Route(new RevisionPolicy { Timeout = TimeSpan.FromSeconds(5), ResponseStartTimeout = TimeSpan.FromSeconds(5) });
        ServeRaw(async wire =>
        {
            var request = await wire.ReadAsync();
            Assert.Equal("Upgrade", request.Header("Connection"));
            await wire.SendAsync($"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: {request.Header("Upgrade")}\r\n\r\nhi\n");
            while (true)
            {
                await wire.SendAsync(await wire.ReadLineAsync() + "!\n");
            }
        });
        var client = await ClientAsync();
        var answer = await client.SendReadAsync("GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nearly\n");
        Assert.Equal(101, answer.Status);
        Assert.Equal("websocket", answer.Header("Upgrade"));
        Assert.Equal("hi", await client.ReadLineAsync());
        Assert.Equal("early!", await client.ReadLineAsync());
        Time.Advance(TimeSpan.FromMinutes(10));
        await client.SendAsync("a\n");
        Assert.Equal("a!", await client.ReadLineAsync());
        Assert.Equal(1, Proxy.InFlight(Revision, $"i0-{Ports()}"));
        await client.ShutdownSendAsync();
        Assert.Equal("", await client.ReadToEndAsync());
        await Proxy.WhenEmptyAsync(Revision, $"i0-{Ports()}");
    }

    [Fact]
    public async Task UpgradeToH2c_IsNotPassedOn()
    {
        Serve(m => Upstream.Ok($"{m.Count("Upgrade")}{m.Count("HTTP2-Settings")}"));
        var client = await ClientAsync();
        Assert.Equal("00", (await client.SendReadAsync(
            "GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\n\r\n")).Body);
    }

    [Fact]
    public async Task AbsoluteTarget_RoutesByItsHost()
    {
        Serve(m => Upstream.Ok($"{m.StartLine} {m.Header("Host")}"));
        var client = await ClientAsync();
        Assert.Equal("GET /x HTTP/1.1 h:80", (await client.SendReadAsync("GET http://h:80/x HTTP/1.1\r\nHost: other\r\n\r\n")).Body);
    }

    [Fact]
    public async Task Probe_IsAnsweredHere()
    {
        var client = await ClientAsync();
        var answer = await client.SendReadAsync("GET / HTTP/1.1\r\nHost: nobody\r\nK-Network-Probe: probe\r\nK-Network-Hash: abc\r\n\r\n");
        Assert.Equal(200, answer.Status);
        Assert.Equal("abc", answer.Header("K-Network-Hash"));
    }

    [Fact]
    public async Task NoRoute_IsMarked_AndKeepsTheConnection()
    {
        var client = await ClientAsync();
        var answer = await client.GetAsync("nobody");
        Assert.Equal(404, answer.Status);
        Assert.Equal("no-route", answer.Header("Serval-Error"));
        answer = await client.SendReadAsync("GET / HTTP/1.1\r\nHost: nobody\r\nAccept: application/json\r\n\r\n");
        Assert.Equal("application/json", answer.Header("Content-Type"));
        Assert.Contains("\"error\":\"no-route\"", answer.Body, StringComparison.Ordinal);
        Assert.Equal("", (await client.SendReadAsync("HEAD / HTTP/1.1\r\nHost: nobody\r\n\r\n", head: true)).Body);
        Assert.Equal(404, (await client.GetAsync("nobody")).Status);
    }

    [Fact]
    public async Task Splits_FollowTheirWeights()
    {
        var other = BackendKey.Revision("default", "hello-00002");
        var one = Own(Upstream.Answering(_ => Upstream.Ok("1")));
        var two = Own(Upstream.Answering(_ => Upstream.Ok("2")));
        Ready(one);
        Proxy.Set(other, EndpointsSnapshot.Of(two.Endpoint("t")));
        Publish(new RouteTableBuilder().Add("h", new RouteRule
        {
            Backends = [new WeightedBackend { Backend = Revision, Weight = 80 }, new WeightedBackend { Backend = other, Weight = 20 }],
        }).Build(2));
        var client = await ClientAsync();
        var count = 0;
        for (var i = 0; i < 500; i++)
        {
            count += (await client.GetAsync("h")).Body == "2" ? 1 : 0;
        }
        Assert.InRange(count, 60, 140);
    }

    [Fact]
    public async Task HeadOf60KB_IsForwarded()
    {
        Serve(m => Upstream.Ok($"{m.Header("X-Big")!.Length}"));
        var client = await ClientAsync();
        Assert.Equal("60000", (await client.SendReadAsync($"GET / HTTP/1.1\r\nHost: h\r\nX-Big: {new string('a', 60_000)}\r\n\r\n")).Body);
        Assert.Equal("1", (await client.SendReadAsync("GET / HTTP/1.1\r\nHost: h\r\nX-Big: a\r\n\r\n")).Body);
    }

    private int Ports() => _port;

    private int _port;

    private new Upstream ServeRaw(Func<Wire, Task> serve)
    {
        var upstream = base.ServeRaw(serve);
        _port = upstream.Port;
        return upstream;
    }
}
