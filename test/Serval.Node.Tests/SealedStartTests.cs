using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Images;
using Serval.Kube;
using Serval.Node.Processes;

namespace Serval.Node.Tests;

/// <summary>
/// A program of an image may name, as its interpreter, what a process of the machine has open or is the image of: the kernel looks that up while the
/// program is being started. It must find no more than the program itself would (CVE-2019-5736 is of this kind).
/// </summary>
public sealed class SealedStartTests
{
    private const string Hold = "exec busybox sleep 1000";

    // Opens the machine's file that runs it for reading, becomes another program, so that the file is not busy, and writes.
    private const string Attack = "exec 5</proc/self/exe; exec /bin/busybox sh -c 'echo overwritten > /proc/self/fd/5'\n";

    [PrivilegedFact]
    public async Task Interpreter_OfAnotherProcessRoot_IsNotTheMachines()
    {
        await using var node = await ShellAsync();
        var tool = MachinesTool(node);
        Script(node, $"#!/proc/{Environment.ProcessId}/root{tool} sh\n" + Attack);

        await node.CreateAsync(TestNode.Shell("", c => c["command"] = new JsonArray { "/bin/script" }));
        await node.WhenAsync(p => p.Status.ContainerStatuses is [{ State.Waiting.Message: var message }] && message.Contains("cannot start", StringComparison.Ordinal));

        Assert.Equal(new FileInfo("/usr/bin/busybox").Length, new FileInfo(tool).Length);
    }

    [PrivilegedFact]
    public async Task Interpreter_OfAnotherProcessRoot_IsNotTheMachinesForACommandBeside()
    {
        await using var node = await ShellAsync();
        var tool = MachinesTool(node);
        Script(node, $"#!/proc/{Environment.ProcessId}/root{tool} sh\n" + Attack);
        await node.CreateAsync(TestNode.Shell("echo ready; " + Hold));
        await node.LogAsync("ready\n");

        await Assert.ThrowsAsync<ApiException>(() => BesideAsync(node, "/bin/script"));

        Assert.Equal(new FileInfo("/usr/bin/busybox").Length, new FileInfo(tool).Length);
    }

    // What it is then ends at once; the machine's program would not even begin, for want of its loader.
    [PrivilegedTheory]
    [InlineData(0)]
    [InlineData(7)]
    public async Task Interpreter_ThatIsTheProcessImage_IsNotTheMachinesProgram(int user)
    {
        await using var node = await ShellAsync();
        Script(node, "#!/proc/self/exe\n");

        await node.CreateAsync(TestNode.Shell("", c =>
        {
            c["command"] = new JsonArray { "/bin/script" };
            c["securityContext"] = new JsonObject { ["runAsUser"] = user };
        }));

        await node.WhenAsync(p => p.Status.ContainerStatuses is [{ LastState.Terminated.ExitCode: 127 } or { State.Terminated.ExitCode: 127 }]);
    }

    [PrivilegedFact]
    public async Task ProcessImage_AsTheInterpreterOfACommandBeside_IsNotTheMachinesProgram()
    {
        await using var node = await ShellAsync();
        Script(node, "#!/proc/self/exe\n");
        await node.CreateAsync(TestNode.Shell("echo ready; " + Hold));
        await node.LogAsync("ready\n");

        Assert.Equal(127, await BesideAsync(node, "/bin/script"));
    }

    [PrivilegedFact]
    public async Task Program_FindsNothingOfTheMachineOpen()
    {
        await using var node = await ShellAsync();
        var look = "busybox ls /proc/self/fd; busybox readlink /proc/self/exe; "
            + $"for f in /proc/{Environment.ProcessId}/exe /proc/1/exe /proc/$PPID/exe; do (echo x > $f) || echo refused; done";
        await node.CreateAsync(TestNode.Shell(look + " 2>/dev/null; echo end; " + Hold));

        Assert.Equal("0\n1\n2\n3\n/bin/busybox\nrefused\nrefused\nrefused\nend\n", string.Join('\n', (await node.LogAsync("end\n")).Split('\n').Where(l => !l.Contains(": ", StringComparison.Ordinal))));
    }

    [PrivilegedFact]
    public async Task Volume_InThePlaceOfTheKernelsFiles_IsRefused()
    {
        await using var node = await ShellAsync();

        await node.CreateAsync(TestNode.Shell(
            "", c => c["volumeMounts"] = JsonNode.Parse("""[{"name":"v","mountPath":"/proc/"}]"""), p => p["spec"]!["volumes"] = JsonNode.Parse("""[{"name":"v","emptyDir":{}}]""")));

        await node.WhenAsync(p => p.Status.ContainerStatuses is [{ State.Waiting.Message: "/proc/ cannot be a volume: programs need the kernel's" }]);
    }

    [Fact]
    public void Child_ThatIsStoppedBeforeItsProgram_IsEnded()
    {
        using var start = SealedStart.Make();
        var its = TellOf(start);
        var pid = Sleeper();
        const int stop = 19; // SIGSTOP
        Assert.Equal(0, Libc.kill(pid, stop));

        Assert.Equal(Libc.ETIMEDOUT, start.Await(pid, TimeSpan.Zero));

        Assert.Null(ProcFs.Stat(pid));
        _ = Libc.close(its);
    }

    [Fact]
    public void Child_ThatIsKilledBeforeItsProgram_IsNotWaitedFor()
    {
        using var start = SealedStart.Make();
        var its = TellOf(start);
        var pid = Sleeper();
        Assert.Equal(0, Libc.kill(pid, Libc.SIGKILL));
        _ = Libc.close(its); // as the kernel does then

        Assert.Equal(0, start.Await(pid, TimeSpan.FromMinutes(1))); // how it ended is its exit status

        new ChildProcess(pid, startTicks: 0).Reap();
    }

    // What the child has open until it executes its program.
    private static int TellOf(SealedStart start) => Libc.fcntl(start.Tell, Libc.F_DUPFD_CLOEXEC, 0);

    private static int Sleeper()
    {
        var output = Libc.open("/dev/null", Libc.O_WRONLY | Libc.O_CLOEXEC, 0);
        var pid = ProcessSpawner.Spawn(new SpawnRequest
        {
            Program = "/bin/sh", Arguments = ["sh", "-c", "exec sleep 1000"], Environment = ["PATH=/usr/bin:/bin"], WorkingDirectory = "/", Output = output,
        });
        _ = Libc.close(output);
        return pid;
    }

    private static async Task<TestNode> ShellAsync()
    {
        var node = await TestNode.StartAsync();
        node.AddShell();
        node.Config = new ImageConfig { Env = ["PATH=/bin"] };
        return node;
    }

    // A file of the machine that a program of an image must not reach.
    private static string MachinesTool(TestNode node)
    {
        var tool = Path.Combine(Directory.CreateDirectory(Path.Combine(node.Data, "machine")).FullName, "busybox");
        File.Copy("/usr/bin/busybox", tool);
        return tool;
    }

    private static void Script(TestNode node, string text)
    {
        File.WriteAllText(node.Image + "/bin/script", text);
        File.SetUnixFileMode(node.Image + "/bin/script", (UnixFileMode)0x1ED); // rwxr-xr-x
    }

    private static async Task<int> BesideAsync(TestNode node, string program)
    {
        var run = await node.Agent.Streams.ExecAsync(new ObjectKey("default", "p1"), new ExecOptions { Container = "app", Command = [program], Stdout = true }, default);
        return await run(new RemoteStreams { Output = Stream.Null, Sizes = System.Threading.Channels.Channel.CreateUnbounded<TerminalSize>().Reader }, default);
    }
}
