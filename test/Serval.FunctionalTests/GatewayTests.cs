using System.Buffers.Binary;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Serval.FunctionalTests;

/// <summary>What goes through the gateway to a real program and back: streams, trailers, gRPC, events, WebSockets, headers and the bounded queue.</summary>
public sealed partial class GatewayTests(ServalFixture fixture) : IClassFixture<ServalFixture>, IAsyncLifetime
{
    private GatewayClient _client = null!; // set by InitializeAsync

    public static TheoryData<string, bool> Protocols => new() { { "one", false }, { "one", true }, { "two", false }, { "two", true } };

    public async Task InitializeAsync()
    {
        _client = new GatewayClient(fixture.Serval.GatewayPort);
        await fixture.EchoAsync("one", annotations: """{"features.knative.dev/http-full-duplex": "Enabled"}""");
        await fixture.EchoAsync("two", http2: true);
    }

    public Task DisposeAsync()
    {
        _client.Dispose();
        return Task.CompletedTask;
    }

    /// <summary>Each piece of a chunked request is answered before the next is sent, with HTTP/1.1 to a program of either kind.</summary>
    [Theory]
    [InlineData("one")]
    [InlineData("two")]
    public async Task Http1Client_SpeaksAndHearsAtOnce(string service)
    {
        using var wire = await Wire.SendingAsync(
            fixture.Serval.GatewayPort,
            $"POST /repeat HTTP/1.1\r\nHost: {service}.default.localhost\r\nTransfer-Encoding: chunked\r\nTE: trailers\r\nConnection: close, TE\r\n\r\n4\r\nping\r\n");
        var head = await wire.UntilAsync("\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 200 ", head, StringComparison.Ordinal);
        Assert.Contains("\r\nTransfer-Encoding: chunked\r\n", head, StringComparison.OrdinalIgnoreCase);
        await wire.UntilAsync("4\r\nping\r\n");
        for (var i = 0; i < 20; i++)
        {
            var piece = $"piece {i:00}";
            await wire.SendAsync($"8\r\n{piece}\r\n");
            await wire.UntilAsync($"8\r\n{piece}\r\n");
        }
        await wire.SendAsync("0\r\n\r\n");
        Assert.Equal(service == "one" ? "0\r\n\r\n" : "0\r\nx-length: 164\r\n\r\n", await wire.RestAsync());
    }

    /// <summary>The same with HTTP/2; the program that speaks it sends trailers.</summary>
    [Theory]
    [InlineData("one")]
    [InlineData("two")]
    public async Task Http2Client_SpeaksAndHearsAtOnce(string service)
    {
        var body = new LiveContent();
        using var response = await TalkAsync(body, _client.SendAsync(service, "/repeat", http2: true, body));
        Assert.Equal(service == "two" ? ["100"] : [], response.TrailingHeaders.TryGetValues("X-Length", out var length) ? length : []);
    }

    /// <summary>Chunks and trailers of a program that speaks HTTP/1.1, and those of the request it gets from such a client.</summary>
    [Fact]
    public async Task Http1Program_GetsAndSendsTrailers()
    {
        const string program = """
            while read -r line && [ "$line" != "X-Word: bye$(printf "\r")" ] && [ ${line#GET} = "$line" ]; do :; done;
            printf "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-End\r\nConnection: close\r\n\r\n2\r\nhi\r\n0\r\nX-End: yes\r\n\r\n"
            """;
        await fixture.Kubectl.ApplyAsync(Manifests.Service(
            "tails", """["nc", "-ll", "-p", "$(PORT)", "-e", "./busybox", "sh", "-c", "$(PROGRAM)"]""",
            env: JsonSerializer.Serialize(new[] { new { name = "PROGRAM", value = program.ReplaceLineEndings(" ") } })));
        await fixture.ReadyAsync("tails");
        await fixture.AnswersAsync("tails", 200);
        using var wire = await Wire.SendingAsync(
            fixture.Serval.GatewayPort,
            "POST / HTTP/1.1\r\nHost: tails.default.localhost\r\nTransfer-Encoding: chunked\r\nTrailer: X-Word\r\nTE: trailers\r\nConnection: close, TE\r\n\r\n1\r\nx\r\n0\r\nX-Word: bye\r\n\r\n");
        Assert.EndsWith("\r\n\r\n2\r\nhi\r\n0\r\nX-End: yes\r\n\r\n", await wire.RestAsync(), StringComparison.Ordinal);

        using var response = await _client.SendAsync("tails", http2: true);
        Assert.Equal("hi", await response.Content.ReadAsStringAsync());
        Assert.Equal("yes", Trailer(response, "X-End"));
    }

    [Fact]
    public async Task Grpc_Unary_AndManyMessages_EndWithTheirStatus()
    {
        using var unary = await _client.CallAsync("two", "/grpc/repeat", new ByteArrayContent(Frame("hello")));
        Assert.Equal(Frame("hello"), await unary.Content.ReadAsByteArrayAsync());
        Assert.Equal("application/grpc", unary.Content.Headers.ContentType!.MediaType);
        Assert.Equal("0", Trailer(unary, "grpc-status"));

        var body = new LiveContent();
        using var stream = await TalkAsync(body, _client.CallAsync("two", "/grpc/repeat", body));
        Assert.Equal("0", Trailer(stream, "grpc-status"));
    }

    /// <summary>The program is told the deadline, and its answer of a head alone is one; a client that gave up frees the one slot there is.</summary>
    [Fact]
    public async Task Grpc_Deadline_IsTold_AndWhoGivesUpFreesItsSlot()
    {
        using var late = await _client.CallAsync("two", "/grpc/late", new ByteArrayContent(Frame("hello")), headers: ("grpc-timeout", "250m"));
        Assert.Empty(await late.Content.ReadAsByteArrayAsync());
        Assert.Equal("4 deadline of 250m", $"{late.Headers.GetValues("grpc-status").Single()} {late.Headers.GetValues("grpc-message").Single()}");

        await fixture.EchoAsync("slot", "containerConcurrency: 1", http2: true);
        var body = new LiveContent();
        var call = _client.CallAsync("slot", "/grpc/repeat", body);
        await SayAsync(body, call, "hello");
        var next = _client.AskAsync("slot", http2: true);
        Assert.False(next.IsCompleted);
        (await call).Dispose();
        Assert.Equal(200, (await next).Code);
        body.End();
    }

    [Theory]
    [MemberData(nameof(Protocols))]
    public async Task ServerSentEvents_ComeOneByOne(string service, bool http2)
    {
        using var response = await _client.SendAsync(service, "/events", http2);
        Assert.Equal("text/event-stream", response.Content.Headers.ContentType!.MediaType);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync());
        for (var i = 1; i <= 3; i++)
        {
            Assert.Equal($"data: {i}", await reader.ReadLineAsync());
            Assert.Equal("", await reader.ReadLineAsync());
            if (i < 3)
            {
                Assert.Equal(200, (await _client.AskAsync(service, "/next", http2)).Code);
            }
        }
        Assert.Null(await reader.ReadLineAsync());
    }

    [Fact]
    public async Task WebSocket_CarriesMessagesOfAnyLength_AndItsClose()
    {
        var (socket, pod) = await _client.ConnectAsync("one");
        using (socket)
        {
            Assert.StartsWith("one-00001-deployment-", pod, StringComparison.Ordinal);
            foreach (var message in new[] { "hello", new string('x', 200_000), "end" })
            {
                await socket.SendAsync(Encoding.UTF8.GetBytes(message), WebSocketMessageType.Text, endOfMessage: true, CancellationToken.None);
                var heard = "";
                while (heard.Length < message.Length)
                {
                    heard += await GatewayClient.HearAsync(socket);
                }
                Assert.Equal(message, heard);
            }
            await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, "", CancellationToken.None);
            Assert.Equal(WebSocketState.Closed, socket.State);
        }
    }

    /// <summary>TestWebSocketBlueGreenRoute.</summary>
    [Fact]
    public async Task WebSockets_FollowTheSplit()
    {
        await fixture.EchoAsync("sides");
        await fixture.Kubectl.ApplyAsync(Manifests.Echo("sides", "timeoutSeconds: 299", http2: false, annotations: "{}")
            .Replace("spec:\n  template:", "spec:\n  traffic: [{revisionName: sides-00001, percent: 50}, {latestRevision: true, percent: 50}]\n  template:", StringComparison.Ordinal));
        await fixture.UntilAsync(
            "/apis/serving.knative.dev/v1/namespaces/default/services?fieldSelector=metadata.name=sides",
            s => KubeHttp.IsReady(s) && s["status"]!["traffic"]!.AsArray().Any(t => (string?)t!["revisionName"] == "sides-00002"));
        var seen = new List<string>();
        for (var i = 0; i < 40; i++)
        {
            var (socket, pod) = await _client.ConnectAsync("sides");
            socket.Dispose();
            seen.Add(pod["sides-".Length..][..5]);
        }
        Assert.Equal(["00001", "00002"], seen.Distinct().Order(StringComparer.Ordinal));
        Assert.InRange(seen.Count(s => s == "00001"), 4, 36); // five standard deviations
    }

    /// <summary>Knative's runtime contract: the program sees the host that was asked for and where from, and nothing that is between gateway and revision.</summary>
    [Theory]
    [MemberData(nameof(Protocols))]
    public async Task Program_SeesTheClientsHeaders_AndNoneOfTheWay(string service, bool http2)
    {
        var (code, text) = await _client.AskAsync(
            service, "/headers", http2, ("X-Own", "1"), ("Knative-Serving-Revision", "other"), ("Knative-Serving-Namespace", "other"), ("K-Original-Host", "other"), ("K-Proxy-Request", "other"));
        Assert.Equal(200, code);
        Assert.StartsWith(service == "one" ? "HTTP/1.1\n" : "HTTP/2\n", text, StringComparison.Ordinal);
        Assert.Contains($"\nHost: {service}.default.localhost\n", text, StringComparison.Ordinal);
        Assert.Contains("\nX-Own: 1\n", text, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("\nX-Forwarded-For: 127.0.0.1\n", text, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("\nX-Forwarded-Proto: http\n", text, StringComparison.OrdinalIgnoreCase);
        Assert.Matches("(?i)\nForwarded: for=127.0.0.1;host=\"?" + service, text);
        Assert.DoesNotMatch("(?i)\n(K-|Knative-)", text);
    }

    [Fact]
    public async Task Probe_OfTheNetwork_IsAnsweredByTheGateway()
    {
        using var response = await _client.SendAsync("one", "/hang", headers: ("K-Network-Probe", "probe"));
        Assert.Equal(200, (int)response.StatusCode);
    }

    /// <summary>An Ingress of Knative's may set headers for each of its splits.</summary>
    [Fact]
    public async Task Splits_OfAnIngress_SetTheirHeaders()
    {
        await fixture.Kubectl.ApplyAsync("""
            apiVersion: networking.internal.knative.dev/v1alpha1
            kind: Ingress
            metadata: {name: halves, annotations: {networking.knative.dev/ingress.class: serval.ingress.networking.knative.dev}}
            spec:
              httpOption: Enabled
              rules:
              - hosts: [halves.example.com]
                visibility: ExternalIP
                http:
                  paths:
                  - appendHeaders: {X-All: "both", X-Half: "none"}
                    splits:
                    - {serviceNamespace: default, serviceName: one-00001, servicePort: 80, percent: 50, appendHeaders: {X-Half: left}}
                    - {serviceNamespace: default, serviceName: two-00001, servicePort: 80, percent: 50, appendHeaders: {X-Half: right}}
            """);
        await fixture.Serval.HostAnswersAsync("halves.example.com", 200);
        var seen = new HashSet<string>(StringComparer.Ordinal);
        while (seen.Count < 2)
        {
            var (_, text) = await _client.AskAsync("halves.example.com", "/headers", headers: ("X-Half", "mine"));
            Assert.Contains("\nX-All: both\n", text, StringComparison.OrdinalIgnoreCase);
            var half = Assert.Single(HalfLine().Matches(text)).Groups["half"].Value;
            Assert.Equal(half == "left" ? "HTTP/1.1" : "HTTP/2", text.Split('\n')[0]);
            seen.Add(half);
        }
    }

    /// <summary>Where requests wait at the instances, ten may for each slot, and the next is told so (knative/serving: pkg/queue/sharedmain, breaker of the queue-proxy).</summary>
    [Fact]
    public async Task Queue_HoldsTenForEachSlot_AndRefusesTheNext()
    {
        await fixture.EchoAsync("narrow", "containerConcurrency: 1", annotations: """{"autoscaling.knative.dev/target-burst-capacity": "0", "autoscaling.knative.dev/max-scale": "1"}""");
        var inside = await _client.SendAsync("narrow", "/hang?begin");
        var asked = Enumerable.Range(0, 11).Select(_ => _client.SendAsync("narrow")).ToList();
        var refused = await Task.WhenAny(asked);
        using var answer = await refused;
        Assert.Equal(503, (int)answer.StatusCode);
        Assert.Equal("queue-full", answer.Headers.GetValues("Serval-Error").Single());
        asked.Remove(refused);
        Assert.All(asked, a => Assert.False(a.IsCompleted));
        inside.Dispose();
        foreach (var held in asked)
        {
            using var served = await held;
            Assert.Equal(200, (int)served.StatusCode);
        }
    }

    /// <summary>TestSingleConcurrency: a container is never given more than it may have at once.</summary>
    [Fact]
    public async Task ContainerConcurrencyOfOne_IsKept_AndNobodyIsRefused()
    {
        await fixture.EchoAsync("single", "containerConcurrency: 1");
        var answers = await Task.WhenAll(Enumerable.Range(0, 200).Select(_ => _client.AskAsync("single", "/alone")));
        Assert.All(answers, a => Assert.Equal(200, a.Code));
    }

    /// <summary>Ten messages of ten bytes, each answered before the next is sent, and the end.</summary>
    private static async Task<HttpResponseMessage> TalkAsync(LiveContent body, Task<HttpResponseMessage> call)
    {
        for (var i = 0; i < 10; i++)
        {
            await SayAsync(body, call, $"say {i}");
        }
        body.End();
        Assert.Equal(0, await (await (await call).Content.ReadAsStreamAsync()).ReadAsync(new byte[1]));
        return await call;
    }

    /// <summary>Nothing is sent, not even the head, before the first message; nothing is sent after it before it is repeated.</summary>
    private static async Task SayAsync(LiveContent body, Task<HttpResponseMessage> call, string word)
    {
        var message = Frame(word);
        await body.SendAsync(message);
        var heard = new byte[message.Length];
        await (await (await call).Content.ReadAsStreamAsync()).ReadExactlyAsync(heard);
        Assert.Equal(message, heard);
    }

    /// <summary>gRPC's length-prefixed message.</summary>
    private static byte[] Frame(string message)
    {
        var frame = new byte[5 + message.Length];
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(1), message.Length);
        Encoding.ASCII.GetBytes(message, frame.AsSpan(5));
        return frame;
    }

    private static string Trailer(HttpResponseMessage response, string name) => response.TrailingHeaders.GetValues(name).Single();

    [GeneratedRegex("\nX-Half: (?<half>.*)\n", RegexOptions.IgnoreCase)]
    private static partial Regex HalfLine();
}
