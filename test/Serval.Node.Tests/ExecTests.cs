using System.Text;
using System.Text.Json.Nodes;
using System.Threading.Channels;
using Serval.Api;
using Serval.Kube;

namespace Serval.Node.Tests;

/// <summary>Commands beside a container's program: pipes, terminals, and whose rights they have.</summary>
public sealed class ExecTests
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(20);
    private static readonly ObjectKey s_pod = new("default", "p1");

    [Theory]
    [InlineData("cat; exit 3", "hello", 3, "hello", "")]
    [InlineData("echo out; echo err >&2", null, 0, "out\n", "err\n")]
    [InlineData("kill -9 $$", null, 137, "", "")]
    [InlineData("read x; echo \"<$x>\"", "", 0, "<>\n", "")]
    [InlineData("test -t 0 || echo none", null, 0, "none\n", "")]
    [InlineData("echo again > /dev/stdout", null, 0, "again\n", "")]
    public async Task Command_WithPipes_ReadsWritesAndEnds(string script, string? input, int code, string output, string errors)
    {
        await using var node = await RunningAsync();

        Assert.Equal((code, output, errors), await ExecAsync(node, script, input));
    }

    [Fact]
    public async Task Command_ThatCopiesMuch_LosesNothing()
    {
        await using var node = await RunningAsync();
        var much = string.Concat(Enumerable.Range(0, 200_000).Select(i => $"line {i} of what goes through\n"));

        var (code, output, _) = await ExecAsync(node, "cat", much);

        Assert.True(code == 0 && output == much);
    }

    [Fact]
    public async Task Command_WithATerminal_HasItsSizeAndControl()
    {
        await using var node = await RunningAsync();
        var screen = new Screen();
        var sizes = Channel.CreateUnbounded<TerminalSize>();
        sizes.Writer.TryWrite(new TerminalSize(101, 31));
        var input = new Keys();
        var run = await node.Agent.Streams.ExecAsync(s_pod, Options("trap 'stty size; exit 4' WINCH; : > /dev/tty && echo ready $TERM; while :; do read x; done", tty: true), default);
        var ended = run(new RemoteStreams { Input = input, Output = screen, Sizes = sizes.Reader }, default);
        await screen.ShowsAsync("ready xterm\r\n");

        sizes.Writer.TryWrite(new TerminalSize(120, 40));
        await screen.ShowsAsync("40 120\r\n", orEnded: ended);

        Assert.Equal(4, await ended.WaitAsync(s_patience));
    }

    [Fact]
    public async Task Terminal_OfAClientThatLeft_HangsUp()
    {
        await using var node = await RunningAsync();
        var screen = new Screen();
        using var client = new CancellationTokenSource();
        var run = await node.Agent.Streams.ExecAsync(s_pod, Options("trap 'echo gone > $0.gone; exit' HUP; echo ready; while :; do sleep 0.02; done", tty: true, name: node.Data + "/x"), default);
        using var watch = new FileSystemWatcher(node.Data, "x.gone");
        var gone = new TaskCompletionSource();
        watch.Created += (_, _) => gone.TrySetResult();
        watch.EnableRaisingEvents = true;
        var ended = run(new RemoteStreams { Output = screen, Sizes = Sizes() }, client.Token);
        await screen.ShowsAsync("ready");

        await client.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => ended);
        await gone.Task.WaitAsync(s_patience);
    }

    [Fact]
    public async Task Command_OfAContainerThatEnds_EndsWithIt()
    {
        await using var node = await RunningAsync();
        var screen = new Screen();
        var run = await node.Agent.Streams.ExecAsync(s_pod, Options("echo ready; trap '' TERM; while :; do sleep 1; done"), default);
        var ended = run(new RemoteStreams { Output = screen, Sizes = Sizes() }, default);
        await screen.ShowsAsync("ready\n");

        await node.Kube.DeleteAsync(Kinds.Pod, s_pod, new DeleteOptions { GracePeriodSeconds = 1 });

        Assert.Equal(137, await ended.WaitAsync(s_patience));
        await node.WhenGoneAsync();
    }

    [PrivilegedFact(users: true)]
    public async Task Command_HasTheContainersRightsAndView_AndNoMore()
    {
        const string look = "busybox id; busybox grep -E '^Cap|^NoNew|^Groups|^Seccomp:' /proc/self/status; busybox cat /proc/self/cgroup; busybox hostname; echo $SHOWN; pwd; umask; "
            + "for n in mnt uts net; do busybox readlink /proc/self/ns/$n; done; busybox ls /proc/self/fd | busybox wc -l; busybox ls /";
        await using var node = new TestNode(podNetwork: true);
        node.AddShell();
        await node.Agent.StartAsync(default);
        await node.CreateAsync(TestNode.Shell(look + "; echo end; exec busybox sleep 1000", c =>
        {
            c["workingDir"] = "/bin";
            c["env"] = JsonNode.Parse("""[{"name":"SHOWN","value":"yes"}]""");
            c["resources"] = JsonNode.Parse("""{"limits":{"memory":"64Mi"}}""");
            c["securityContext"] = JsonNode.Parse("""{"runAsUser":7,"runAsGroup":8,"allowPrivilegeEscalation":false,"capabilities":{"drop":["KILL"]}}""");
        }));
        var own = (await node.LogAsync("end\n"))[..^4];

        Assert.Equal((0, own, ""), await ExecAsync(node, look));
        Assert.Contains("uid=7 gid=8", own, StringComparison.Ordinal);
    }

    [PrivilegedFact(users: true)]
    public async Task Terminal_InAContainer_IsOneOfItsOwnDevices()
    {
        await using var node = await RunningAsync(ownRoot: true, c => c["securityContext"] = JsonNode.Parse("""{"runAsUser":7}"""));
        var screen = new Screen();
        var run = await node.Agent.Streams.ExecAsync(s_pod, Options("busybox tty; busybox stat -c %u $(busybox tty); echo > /dev/tty", tty: true), default);

        Assert.Equal(0, await run(new RemoteStreams { Output = screen, Sizes = Sizes() }, default).WaitAsync(s_patience));

        Assert.Equal("/dev/pts/0\r\n7\r\n\r\n", screen.Text);
    }

    [PrivilegedFact]
    public async Task Command_OfTheMachine_IsNotFoundInAContainer()
    {
        await using var node = await RunningAsync(ownRoot: true);
        var run = await node.Agent.Streams.ExecAsync(s_pod, new ExecOptions { Command = ["python3"], Stdout = true }, default);

        var refused = await Assert.ThrowsAsync<ApiException>(() => run(new RemoteStreams { Output = new Screen(), Sizes = Sizes() }, default));

        Assert.Equal("Internal error occurred: error executing command in container: exec: \"python3\": executable file not found", refused.Message);
    }

    [Theory]
    [InlineData("other", "container other is not valid for pod p1")]
    [InlineData("late", "container late of pod p1 is not running")]
    [InlineData("", "a container name must be specified for pod p1, choose one of: [app late]")]
    public async Task Container_ThatCannotBeEntered_IsABadRequest(string container, string message)
    {
        await using var node = await TestNode.StartAsync();
        await node.CreateAsync(TestNode.Shell("sleep 1000", pod: p =>
        {
            p["spec"]!["restartPolicy"] = "Never";
            p["spec"]!["containers"]!.AsArray().Add(JsonNode.Parse("""{"name":"late","image":"test/app@sha256:1234","command":["/bin/true"]}"""));
        }));
        await node.WhenAsync(p => p.Status.ContainerStatuses.Any(c => c is { Name: "late", State.Terminated: not null }));

        foreach (var ask in (Func<ObjectKey, ExecOptions, CancellationToken, Task<RemoteProgram>>[])[node.Agent.Streams.ExecAsync, node.Agent.Streams.AttachAsync])
        {
            var refused = await Assert.ThrowsAsync<ApiException>(() => ask(s_pod, new ExecOptions { Container = container, Command = ["x"] }, default));
            Assert.Equal((400, message), (refused.Code, refused.Message));
        }
    }

    [Theory]
    [InlineData(false, "<hello>\n")]
    [InlineData(true, "hello\r\n<hello>\r\n")]
    public async Task Attach_ToAProgramThatReads_TalksWithIt(bool tty, string shown)
    {
        await using var node = await TestNode.StartAsync();
        await node.CreateAsync(TestNode.Shell("echo up; while read x; do echo \"<$x>\"; done; echo over", c =>
        {
            c["stdin"] = true;
            c["stdinOnce"] = true;
            c["tty"] = tty;
        }, p => p["spec"]!["restartPolicy"] = "Never"));
        await node.LogAsync("up");
        var screen = new Screen();
        var input = new Keys();
        var run = await node.Agent.Streams.AttachAsync(s_pod, new ExecOptions { Stdin = true, Stdout = true, Tty = tty }, default);
        var ended = run(new RemoteStreams { Input = input, Output = screen, Sizes = Sizes() }, default);

        input.Type("hello\n");
        await screen.ShowsAsync(shown, orEnded: ended);
        input.Type(tty ? "\x04" : null);

        Assert.Equal(0, await ended.WaitAsync(s_patience));
        Assert.EndsWith("over" + (tty ? "\r\n" : "\n"), screen.Text, StringComparison.Ordinal);
        await node.WhenAsync(p => p.Status.Phase == "Succeeded");
    }

    [Fact]
    public async Task Attach_WithoutInput_LeavesTheProgramsOwnOpen()
    {
        await using var node = await TestNode.StartAsync();
        await node.CreateAsync(TestNode.Shell("echo up; read x; echo \"<$x>\"; sleep 1000", c => c["stdin"] = true));
        await node.LogAsync("up");
        foreach (var text in (string[])["hel", "lo\n"])
        {
            using var client = new CancellationTokenSource();
            var input = new Keys();
            input.Type(text);
            input.Type(null);
            var run = await node.Agent.Streams.AttachAsync(s_pod, new ExecOptions { Stdin = true, Stdout = true }, default);
            var ended = run(new RemoteStreams { Input = input, Output = new Screen(), Sizes = Sizes() }, client.Token);
            await input.AllRead.WaitAsync(s_patience);
            await client.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => ended);
        }

        Assert.Contains("<hello>", await node.LogAsync("<hello>"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Dial_APort_ReachesThePodsOwn(bool podNetwork)
    {
        if (podNetwork && !Privileged.Users)
        {
            return; // there is no network of its own to reach then
        }
        await using var node = await TestNode.StartAsync(podNetwork: podNetwork);
        var pod = await node.CreateAsync(TestNode.Shell("exec busybox httpd -f -p 127.0.0.1:$PORT -h /", TestNode.Port8080));
        await node.WhenSignalAsync(InstanceState.Ready);

        await using var connection = await node.Agent.Streams.DialAsync(s_pod, pod.Metadata.Uid, 8080, default);

        await connection.WriteAsync("GET /no-such HTTP/1.0\r\n\r\n"u8.ToArray());
        Assert.Contains(" 404 ", await new StreamReader(connection).ReadLineAsync().WaitAsync(s_patience), StringComparison.Ordinal);
        await Assert.ThrowsAsync<IOException>(() => node.Agent.Streams.DialAsync(s_pod, pod.Metadata.Uid, 1, default));
        await Assert.ThrowsAsync<ApiException>(() => node.Agent.Streams.DialAsync(s_pod, "another", 8080, default)); // one of the same name, before
    }

    [Fact]
    public async Task Dial_InTheMachinesNetwork_ReachesNothingOfOthers()
    {
        using var other = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, 0);
        other.Start();
        await using var node = await TestNode.StartAsync();
        var pod = await node.CreateAsync(TestNode.Shell("exec busybox httpd -f -p 127.0.0.1:$PORT -h /", TestNode.Port8080));
        await node.WhenSignalAsync(InstanceState.Ready);

        var failure = await Assert.ThrowsAsync<IOException>(
            () => node.Agent.Streams.DialAsync(s_pod, pod.Metadata.Uid, ((System.Net.IPEndPoint)other.LocalEndpoint).Port, default));

        Assert.EndsWith(": Connection refused", failure.Message, StringComparison.Ordinal);
    }

    private static async Task<TestNode> RunningAsync(bool ownRoot = false, Action<JsonObject>? container = null)
    {
        var node = await TestNode.StartAsync();
        if (ownRoot)
        {
            node.AddShell();
        }
        await node.CreateAsync(TestNode.Shell("echo up; while :; do sleep 1; done", container));
        await node.LogAsync("up");
        return node;
    }

    private static ExecOptions Options(string script, bool tty = false, bool stdin = false, string name = "sh") =>
        new() { Command = ["/bin/sh", "-c", script, name], Stdin = stdin, Stdout = true, Stderr = !tty, Tty = tty };

    private static async Task<(int Code, string Out, string Err)> ExecAsync(TestNode node, string script, string? input = null)
    {
        var (output, errors) = (new Screen(), new Screen());
        var run = await node.Agent.Streams.ExecAsync(s_pod, Options(script, stdin: input is not null), default);
        var code = await run(
            new RemoteStreams { Input = input is null ? null : new MemoryStream(Encoding.UTF8.GetBytes(input)), Output = output, Error = errors, Sizes = Sizes() }, default)
            .WaitAsync(s_patience);
        return (code, output.Text, errors.Text);
    }

    private static ChannelReader<TerminalSize> Sizes() => Channel.CreateUnbounded<TerminalSize>().Reader;

    /// <summary>What came to the client so far.</summary>
    private sealed class Screen : MemoryStream
    {
        private readonly Lock _lock = new();
        private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public string Text
        {
            get
            {
                lock (_lock)
                {
                    return Encoding.UTF8.GetString(ToArray());
                }
            }
        }

        public async Task ShowsAsync(string text, Task? orEnded = null)
        {
            using var limit = new CancellationTokenSource(s_patience);
            while (true)
            {
                var changed = Volatile.Read(ref _changed).Task;
                if (Text.Contains(text, StringComparison.Ordinal))
                {
                    return;
                }
                Assert.False(orEnded?.IsCompleted == true, $"ended without \"{text}\": {Text}");
                await Task.WhenAny(changed.WaitAsync(limit.Token), orEnded ?? changed);
                limit.Token.ThrowIfCancellationRequested();
            }
        }

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            lock (_lock)
            {
                Write(buffer.Span);
            }
            Interlocked.Exchange(ref _changed, new(TaskCreationOptions.RunContinuationsAsynchronously)).SetResult();
            return ValueTask.CompletedTask;
        }
    }

    /// <summary>What a client types, piece by piece.</summary>
    private sealed class Keys : MemoryStream
    {
        private readonly Channel<string?> _typed = Channel.CreateUnbounded<string?>();
        private readonly TaskCompletionSource _read = new(TaskCreationOptions.RunContinuationsAsynchronously);

        /// <summary>Completes when the end of input has been read.</summary>
        public Task AllRead => _read.Task;

        /// <summary>Null is the end of input.</summary>
        public void Type(string? text) => _typed.Writer.TryWrite(text);

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            var text = await _typed.Reader.ReadAsync(cancellationToken);
            if (text is null)
            {
                _read.TrySetResult();
                return 0;
            }
            return Encoding.UTF8.GetBytes(text, buffer.Span);
        }
    }
}
