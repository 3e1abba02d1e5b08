using System.IO.Pipelines;
using System.Text;
using System.Text.Json.Nodes;
using System.Threading.Channels;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Serval.Api;
using Serval.Kube;

namespace Serval.Signals.Tests;

/// <summary>Streams of pods between an API server and a node: as in one process, errors too.</summary>
public sealed class PodStreamTests : IAsyncLifetime
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(20);
    private static readonly ObjectKey s_pod = new("default", "p1");
    private readonly World _world = new();
    private readonly FakeStreams _node = new();
    private World.Served _served = null!;
    private RemotePodStreams _streams = null!;

    public async Task InitializeAsync()
    {
        _streams = new RemotePodStreams(_world.Kube, _world.Peers, _world.Client, _world.Time);
        _served = await _world.ServeAsync(PeerRole.Node, "n1", new PodStreamsEndpoint("n1", _node, _world.Time));
        await CreateAsync("p1", "n1");
    }

    public Task DisposeAsync() => _world.DisposeAsync().AsTask().WaitAsync(s_patience);

    [Fact]
    public async Task Logs_AreCopied_WithEveryOption()
    {
        var wanted = new LogOptions
        {
            Container = "a&b", Follow = true, Previous = true, Timestamps = true, TailLines = 0, SinceSeconds = 5, LimitBytes = 7,
            SinceTime = new DateTimeOffset(2026, 1, 2, 3, 4, 5, 678, TimeSpan.FromHours(2)),
        };
        LogOptions? asked = null;
        _node.Logs = async (options, output, ct) =>
        {
            asked = options;
            await output.WriteAsync("one\n"u8.ToArray(), ct);
            await output.WriteAsync(new byte[100_000], ct);
        };
        var seen = new MemoryStream();

        await _streams.CopyLogsAsync(s_pod, wanted, seen, default).WaitAsync(s_patience);

        Assert.Equal(wanted, asked);
        Assert.Equal(100_004, seen.Length);
    }

    [Fact]
    public async Task Logs_ThatAreFollowed_ComeAsTheyAreWritten_AndEndWithTheReader()
    {
        var over = new TaskCompletionSource();
        _node.Logs = async (_, output, ct) =>
        {
            await output.WriteAsync("one\n"u8.ToArray(), ct);
            await using var ended = ct.Register(over.SetResult);
            await ForEverAsync(ct);
        };
        using var reader = new CancellationTokenSource();
        var screen = new Screen();
        var copied = _streams.CopyLogsAsync(s_pod, new LogOptions { Follow = true }, screen, reader.Token);
        await screen.ShowsAsync("one\n");

        await reader.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => copied.WaitAsync(s_patience));
        await over.Task.WaitAsync(s_patience);
    }

    [Fact]
    public async Task Refusals_OfANode_AreThoseOfOneProcess()
    {
        var refusal = new ApiException(400, "BadRequest", "container x is not valid for pod p1", [new StatusCause("r", "m", "f")], new JsonObject { ["name"] = "p1" });
        _node.Logs = (_, _, _) => throw refusal;
        _node.Find = _ => throw refusal;

        foreach (var ask in (Func<Task>[])
        [
            () => _streams.CopyLogsAsync(s_pod, new LogOptions(), new MemoryStream(), default), () => _streams.ExecAsync(s_pod, new ExecOptions { Command = ["x"] }, default),
            () => _streams.AttachAsync(s_pod, new ExecOptions(), default),
        ])
        {
            var told = await Assert.ThrowsAsync<ApiException>(() => ask().WaitAsync(s_patience));
            Assert.Equal((400, "BadRequest", refusal.Message), (told.Code, told.Reason, told.Message));
            Assert.Equal(refusal.Causes, told.Causes);
            Assert.Equal("""{"name":"p1"}""", told.Details?.ToJsonString());
        }
    }

    [Fact]
    public async Task Exec_CarriesAllStreams_AndTheExitCode()
    {
        ExecOptions? asked = null;
        _node.Find = options =>
        {
            asked = options;
            return async (streams, ct) =>
            {
                var size = await streams.Sizes.ReadAsync(ct);
                await streams.Error!.WriteAsync(Encoding.UTF8.GetBytes($"{size.Width}x{size.Height}"), ct);
                await streams.Input!.CopyToAsync(streams.Output!, ct); // to the end of input
                return 42;
            };
        };
        var options = new ExecOptions { Container = "app", Command = ["sh", "", "a b&c=ä", "--x"], Stdin = true, Stdout = true, Stderr = true };
        var much = Enumerable.Range(0, 1_000_000).Select(i => (byte)(i * 31 >> 3)).ToArray();
        var (output, errors) = (new MemoryStream(), new Screen());
        var program = await _streams.ExecAsync(s_pod, options, default);

        var code = await program(new RemoteStreams { Input = new MemoryStream(much), Output = output, Error = errors, Sizes = Sizes(new TerminalSize(300, 2)) }, default).WaitAsync(s_patience);

        Assert.Equal((42, "300x2"), (code, errors.Text));
        Assert.Equal(much, output.ToArray());
        Assert.Equal(options.Command, asked!.Command);
        Assert.Equal(options with { Command = asked.Command }, asked);
        Assert.Equal("""{"name":"n1","resource":"nodes","subresource":"proxy","verb":"get","version":"v1"}""", Sorted(_world.Access!["resourceAttributes"]!));
    }

    [Fact]
    public async Task Exec_OfALongCommand_ReachesTheProgram()
    {
        var asked = 0;
        _node.Find = options =>
        {
            asked = options.Command.Sum(c => c.Length);
            return (_, _) => Task.FromResult(0);
        };
        var program = await _streams.ExecAsync(s_pod, new ExecOptions { Command = ["sh", "-c", new string('x', 40_000)], Stdout = true }, default);
        Assert.Equal(0, await program(new RemoteStreams { Output = Stream.Null, Sizes = Sizes() }, default).WaitAsync(s_patience));
        Assert.Equal(40_004, asked);
    }

    // The other end has vanished: its machine's buffers are full, and stay so.
    [Fact]
    public async Task Sender_ThatIsStuck_EndsWhenItsReaderIsGone()
    {
        var full = new Pipe(new PipeOptions(pauseWriterThreshold: 1, resumeWriterThreshold: 1));
        await using var frames = new StreamFrames(full.Writer.AsStream(), _world.Time);
        var sent = frames.SendAsync(StreamFrame.Output, "x"u8.ToArray(), CancellationToken.None);
        Assert.False(sent.IsCompleted);
        frames.Abandon();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => sent.WaitAsync(s_patience));
    }

    [Fact]
    public async Task Exec_ThatCannotStart_SaysWhy()
    {
        _node.Find = _ => (_, _) => throw new ApiException(500, "InternalError", "no such program");
        var program = await _streams.ExecAsync(s_pod, new ExecOptions { Command = ["x"], Stdout = true }, default);

        var failure = await Assert.ThrowsAsync<ApiException>(() => program(new RemoteStreams { Output = Stream.Null, Sizes = Sizes() }, default).WaitAsync(s_patience));

        Assert.Equal((500, "InternalError", "no such program"), (failure.Code, failure.Reason, failure.Message));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Client_ThatLeaves_EndsTheProgram(bool saidNothing)
    {
        var over = new TaskCompletionSource();
        _node.Find = _ => async (streams, ct) =>
        {
            await streams.Output!.WriteAsync("up"u8.ToArray(), ct);
            await using var ended = ct.Register(over.SetResult);
            await ForEverAsync(ct);
            return 0;
        };
        var program = await _streams.AttachAsync(s_pod, new ExecOptions { Stdin = true, Stdout = true }, default);
        using var client = new CancellationTokenSource();
        var screen = new Screen();
        var ended = program(new RemoteStreams { Input = saidNothing ? new Screen(waits: true) : new MemoryStream("x"u8.ToArray()), Output = screen, Sizes = Sizes() }, client.Token);
        await screen.ShowsAsync("up");

        await client.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => ended.WaitAsync(s_patience));
        await over.Task.WaitAsync(s_patience);
    }

    // Nobody reads: what the program may write ahead is bounded, and goes on when somebody does.
    [Fact]
    public async Task Client_ThatReadsSlowly_HoldsTheProgramUp()
    {
        const int piece = 1 << 20;
        var written = 0;
        _node.Find = _ => async (streams, ct) =>
        {
            for (; written < 200; written++)
            {
                await streams.Output!.WriteAsync(new byte[piece], ct);
            }
            return 0;
        };
        var program = await _streams.ExecAsync(s_pod, new ExecOptions { Command = ["x"], Stdout = true }, default);
        var slow = new Gate();

        var ended = program(new RemoteStreams { Output = slow, Sizes = Sizes() }, default);

        await slow.Waiting.WaitAsync(s_patience);
        Assert.True(Volatile.Read(ref written) < 100, $"{written} MB were written ahead");
        slow.Open();
        Assert.Equal(0, await ended.WaitAsync(s_patience));
        Assert.Equal(200L * piece, slow.Seen);
    }

    [Fact]
    public async Task Node_ThatDies_IsAnErrorToTheClient()
    {
        _node.Find = _ => async (streams, ct) =>
        {
            await streams.Output!.WriteAsync("up"u8.ToArray(), ct);
            await ForEverAsync(ct);
            return 0;
        };
        var screen = new Screen();
        var program = await _streams.ExecAsync(s_pod, new ExecOptions { Command = ["x"], Stdout = true }, default);
        var ended = program(new RemoteStreams { Output = screen, Sizes = Sizes() }, default);
        await screen.ShowsAsync("up");

        await _served.KillAsync();

        var failure = await Assert.ThrowsAsync<ApiException>(() => ended.WaitAsync(s_patience));
        Assert.Equal(500, failure.Code);
        Assert.StartsWith("the connection to node n1 was lost: ", failure.Message, StringComparison.Ordinal);
    }

    // Its machine went off: the connection says nothing any more, and does not end.
    [Fact]
    public async Task Node_ThatFallsSilent_IsTakenForDead()
    {
        await using var mute = await _world.ServeAsync(PeerRole.Node, "n2", new Mute());
        await CreateAsync("p2", "n2");
        var program = await _streams.ExecAsync(new ObjectKey("default", "p2"), new ExecOptions { Command = ["x"], Stdout = true }, default);
        var screen = new Screen();
        var ended = program(new RemoteStreams { Output = screen, Sizes = Sizes() }, default);
        await screen.ShowsAsync("up");

        await _world.Time.AdvanceOnceAsync(TimeSpan.FromSeconds(10));

        Assert.Equal("the connection to node n2 was lost: the other end has fallen silent", (await Assert.ThrowsAsync<ApiException>(() => ended.WaitAsync(s_patience))).Message);
    }

    [Fact]
    public async Task Node_ThatIsNotReached_IsSaidAsUpstreamDoes()
    {
        await _served.KillAsync(); // its Lease is there still

        foreach (var ask in Asks("p1"))
        {
            var failure = await Assert.ThrowsAsync<ApiException>(() => ask().WaitAsync(s_patience));
            Assert.Equal((500, ""), (failure.Code, failure.Reason));
            Assert.StartsWith("error dialing backend: ", failure.Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("gone", false, 404, "nodes \"gone\" not found")]
    [InlineData("gone", true, 500, "error dialing backend: node gone has not renewed its lease")]
    public async Task Node_WithoutALease_IsUnknownOrNotReached(string name, bool known, int code, string message)
    {
        await CreateAsync("p2", name);
        if (known)
        {
            await _world.Kube.CreateAsync(Kinds.Node, KubeObject.From(new JsonObject { ["apiVersion"] = "v1", ["kind"] = "Node", ["metadata"] = new JsonObject { ["name"] = name } }), WriteOptions.By("test"));
        }
        foreach (var ask in Asks("p2"))
        {
            var failure = await Assert.ThrowsAsync<ApiException>(ask);
            Assert.Equal((code, message), (failure.Code, failure.Message));
        }
    }

    [Fact]
    public async Task Pod_WithoutANode_HasNoLogAndNoPrograms()
    {
        await CreateAsync("p3", "");
        var seen = new MemoryStream();

        await _streams.CopyLogsAsync(new ObjectKey("default", "p3"), new LogOptions(), seen, default);
        var refusal = await Assert.ThrowsAsync<ApiException>(() => _streams.ExecAsync(new ObjectKey("default", "p3"), new ExecOptions(), default));

        Assert.Equal(0, seen.Length);
        Assert.Equal((400, "pod p3 does not have a host assigned"), (refusal.Code, refusal.Message));
    }

    [Fact]
    public async Task Node_ThatDoesNotBelieveTheServer_IsNotTheUsersMatter()
    {
        _world.Allowed = false;

        var failure = await Assert.ThrowsAsync<ApiException>(() => _streams.ExecAsync(s_pod, new ExecOptions { Command = ["x"] }, default));

        Assert.Equal(500, failure.Code);
        Assert.StartsWith("error dialing backend: nodes \"n1\" is forbidden: ", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Port_CarriesBothWays_AndEndsByHalves()
    {
        var (inside, outside) = Pair();
        _node.Dial = (uid, port) => (uid, port) == ("u1", 8080) ? inside : throw new IOException("connection refused");
        await using var connection = await _streams.DialAsync(s_pod, "u1", 8080, default);

        await connection.WriteAsync("question"u8.ToArray());
        await ((IHalfConnection)connection).EndAsync();
        var question = await new StreamReader(outside).ReadToEndAsync().WaitAsync(s_patience);
        await outside.WriteAsync("answer"u8.ToArray());
        outside.Socket.Shutdown(System.Net.Sockets.SocketShutdown.Send);

        Assert.Equal(("question", "answer"), (question, await new StreamReader(connection).ReadToEndAsync().WaitAsync(s_patience)));
    }

    [Fact]
    public async Task Port_ThatNobodyListensOn_IsAnIOException()
    {
        _node.Dial = (_, _) => throw new IOException("connection refused");

        Assert.Equal("connection refused", (await Assert.ThrowsAsync<IOException>(() => _streams.DialAsync(s_pod, "u1", 1, default))).Message);
    }

    [Fact]
    public async Task Port_OfAPodThatHasGone_IsNotFound()
    {
        _node.Dial = (_, _) => throw ApiException.NotFound(Kinds.Pod, "p1");

        Assert.True((await Assert.ThrowsAsync<ApiException>(() => _streams.DialAsync(s_pod, "other", 1, default))).IsNotFound);
    }

    [Fact]
    public async Task Port_WhoseClientLeaves_IsClosed()
    {
        var (inside, outside) = Pair();
        _node.Dial = (_, _) => inside;
        var connection = await _streams.DialAsync(s_pod, "u1", 8080, default);

        await connection.DisposeAsync();

        Assert.Equal(0, await outside.ReadAsync(new byte[1]).AsTask().WaitAsync(s_patience));
    }

    [Fact]
    public async Task Request_WithoutASwitch_IsRefused()
    {
        var peer = _world.Peers.Find(PeerRole.Node, "n1")!;
        foreach (var (path, code) in new[] { ("/pods/default/p1/log", 400), ("/pods/default/p1/other", 404), ("/pods/default/p1", 404), ("/pods/default/p1/log?tailLines=x", 400) })
        {
            Assert.Equal(code, (await Assert.ThrowsAsync<ApiException>(() => _world.Client.SendAsync(peer, HttpMethod.Get, path, default))).Code);
        }
    }

    private IEnumerable<Func<Task>> Asks(string name)
    {
        var pod = new ObjectKey("default", name);
        yield return () => _streams.CopyLogsAsync(pod, new LogOptions(), new MemoryStream(), default);
        yield return () => _streams.ExecAsync(pod, new ExecOptions { Command = ["x"] }, default);
        yield return () => _streams.AttachAsync(pod, new ExecOptions(), default);
        yield return () => _streams.DialAsync(pod, "u1", 1, default);
    }

    private async Task CreateAsync(string name, string node) => await _world.Kube.CreateAsync(
        Kinds.Pod,
        KubeObject.From(new JsonObject
        {
            ["apiVersion"] = "v1", ["kind"] = "Pod", ["metadata"] = new JsonObject { ["name"] = name, ["namespace"] = "default" }, ["spec"] = new JsonObject { ["nodeName"] = node },
        }),
        WriteOptions.By("test"));

    private static Task ForEverAsync(CancellationToken ct) => Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, ct);

    private static string Sorted(JsonNode node) => Encoding.UTF8.GetString(CanonicalJson.Serialize(new JsonObject([.. node.AsObject().OrderBy(p => p.Key, StringComparer.Ordinal).Select(p => KeyValuePair.Create(p.Key, p.Value?.DeepClone()))])));

    private static ChannelReader<TerminalSize> Sizes(params TerminalSize[] sizes)
    {
        var channel = Channel.CreateUnbounded<TerminalSize>();
        foreach (var size in sizes)
        {
            channel.Writer.TryWrite(size);
        }
        return channel.Reader;
    }

    private static (System.Net.Sockets.NetworkStream Inside, System.Net.Sockets.NetworkStream Outside) Pair()
    {
        using var listener = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, 0);
        listener.Start();
        var client = new System.Net.Sockets.TcpClient();
        client.Connect((System.Net.IPEndPoint)listener.LocalEndpoint);
        return (listener.AcceptTcpClient().GetStream(), client.GetStream());
    }

    /// <summary>Switches protocols and says one word.</summary>
    private sealed class Mute : ISignalEndpoint
    {
        public string Path => "/pods/";

        public async Task AnswerAsync(HttpContext http)
        {
            if (http.Features.Get<IHttpUpgradeFeature>() is { IsUpgradableRequest: true } upgrade)
            {
                http.Response.Headers.Connection = "Upgrade";
                http.Response.Headers.Upgrade = "serval-streams";
                var transport = await upgrade.UpgradeAsync();
                await transport.WriteAsync(new byte[] { 4, 0, 0, 0, 2, (byte)'u', (byte)'p' });
                await transport.FlushAsync();
                await transport.CopyToAsync(Stream.Null, http.RequestAborted);
            }
        }
    }

    /// <summary>What came so far; reads wait for ever, as a client's that says nothing.</summary>
    private sealed class Screen(bool waits = false) : AsyncStream
    {
        private readonly StringBuilder _text = new(); // guarded by itself
        private readonly SemaphoreSlim _changed = new(0);

        public string Text
        {
            get
            {
                lock (_text)
                {
                    return _text.ToString();
                }
            }
        }

        public async Task ShowsAsync(string text)
        {
            while (!Text.Contains(text, StringComparison.Ordinal))
            {
                Assert.True(await _changed.WaitAsync(s_patience), $"shows {Text}");
            }
        }

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            await (waits ? ForEverAsync(cancellationToken) : Task.CompletedTask);
            return 0;
        }

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            lock (_text)
            {
                _text.Append(Encoding.UTF8.GetString(buffer.Span));
            }
            _changed.Release();
            return ValueTask.CompletedTask;
        }
    }

    /// <summary>Takes nothing until it is opened.</summary>
    private sealed class Gate : AsyncStream
    {
        private readonly TaskCompletionSource _waiting = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _open = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Waiting => _waiting.Task;

        public long Seen { get; private set; }

        public void Open() => _open.SetResult();

        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            _waiting.TrySetResult();
            await _open.Task;
            Seen += buffer.Length;
        }
    }
}
