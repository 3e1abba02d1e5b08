using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using System.Threading.Channels;
using Serval.Api;
using Serval.Api.Core;
using Serval.Kube;

namespace Serval.Node.Tests;

public sealed class InstanceLifeTests
{
    private const string Serve = "exec busybox httpd -f -p 127.0.0.1:$PORT -h /";

    [Fact]
    public async Task Pod_ProgramListensOnItsPort_SignalsReadyBeforeAnyWrite()
    {
        await using var node = await TestNode.StartAsync();
        var writesAtSignal = -1;
        node.Capacity.Subscribe(_ => writesAtSignal = writesAtSignal < 0 ? node.Kube.Writes.Count : writesAtSignal);
        await node.CreateAsync(TestNode.Shell(Serve, TestNode.Port8080));
        var before = node.Kube.Writes.Count;

        var ready = await node.WhenSignalAsync(InstanceState.Ready);

        Assert.Equal(before, writesAtSignal);
        Assert.Equal(new ObjectKey("default", "rev-1"), ready.Revision);
        var port = ready.Ports[8080];
        using (var client = new TcpClient())
        {
            await client.ConnectAsync(IPAddress.Loopback, port);
        }
        var pod = await node.WhenAsync(p => TestNode.Ready(p).Status == "True");
        Assert.Equal("Running", pod.Status.Phase);
        Assert.Equal("127.0.0.1", pod.Status.PodIP);
        Assert.Equal($"{{\"8080\":{port}}}", pod.Metadata.Annotation("serval.dev/ports"));
        Assert.True(pod.Status.ContainerStatuses[0].Ready);
        Assert.Equal("test/app@sha256:1234", pod.Status.ContainerStatuses[0].ImageID);
        Assert.Equal(1, node.Kube.Writes.Count(w => w.StartsWith("patch Pod", StringComparison.Ordinal)));
    }

    /// <summary>A node that was not heard of for a while finds its pods marked, and says again what is.</summary>
    [Theory]
    [InlineData("""{"type":"Ready","status":"False","reason":"NodeLost"}""")]
    [InlineData("""{"type":"Ready","status":"False"}""")] // as kube-controller-manager does it
    public async Task Pod_TakenForLost_IsReportedAgain(string condition)
    {
        await using var node = await TestNode.StartAsync();
        await node.CreateAsync(TestNode.Shell(Serve, TestNode.Port8080));
        await node.WhenAsync(p => TestNode.Ready(p).Status == "True");
        await node.Kube.PatchAsync(
            Kinds.Pod, new ObjectKey("default", "p1"),
            new KubePatch(PatchType.Merge, Encoding.UTF8.GetBytes("""{"status":{"conditions":[""" + condition + "]}}")), WriteOptions.By("test", "status"));
        await node.WhenAsync(p => TestNode.Ready(p).Status == "True");
    }

    [Fact]
    public async Task Pod_HttpProbe_IsReadyOnlyOnceTheProgramAnswersWell()
    {
        await using var node = await TestNode.StartAsync();
        var page = Path.Combine(node.Data, "www");
        Directory.CreateDirectory(page);
        await node.CreateAsync(TestNode.Shell($"exec busybox httpd -f -p 127.0.0.1:$PORT -h {page}", c =>
        {
            TestNode.Port8080(c);
            c["readinessProbe"] = new JsonObject { ["httpGet"] = new JsonObject { ["path"] = "/ok", ["port"] = "user-port" } };
        }));

        var waiting = await node.WhenAsync(p => TestNode.Ready(p).Message.Contains("404", StringComparison.Ordinal));
        Assert.Equal("ContainersNotReady", TestNode.Ready(waiting).Reason);
        Assert.Empty(node.Signals);
        await File.WriteAllTextAsync(Path.Combine(page, "ok"), "yes");

        await node.WhenSignalAsync(InstanceState.Ready);
    }

    [Fact]
    public async Task Pod_ExecProbe_DecidesReadiness()
    {
        await using var node = await TestNode.StartAsync();
        var flag = Path.Combine(node.Data, "flag");
        await node.CreateAsync(TestNode.Shell("sleep 60", c => c["readinessProbe"] = new JsonObject
        {
            ["exec"] = new JsonObject { ["command"] = new JsonArray { "sh", "-c", $"echo not yet; test -e {flag}" } },
        }));

        await node.WhenAsync(p => TestNode.Ready(p).Message.Contains("exited with 1: not yet", StringComparison.Ordinal));
        await File.WriteAllTextAsync(flag, "");

        await node.WhenAsync(p => TestNode.Ready(p).Status == "True");
    }

    [Fact]
    public async Task Pod_ProgramIgnoresPort_IsToldWhereItListens()
    {
        var time = new ManualTime();
        await using var node = await TestNode.StartAsync(time);
        using var free = new TcpListener(IPAddress.Loopback, 0);
        free.Start();
        var elsewhere = ((IPEndPoint)free.LocalEndpoint).Port;
        free.Stop();
        await node.CreateAsync(TestNode.Shell(
            $"busybox httpd -f -p 127.0.0.1:{elsewhere} -h / & until busybox nc 127.0.0.1 {elsewhere} </dev/null; do :; done; echo listening; wait",
            TestNode.Port8080));
        await node.LogAsync("listening");

        time.Advance(TimeSpan.FromSeconds(2));

        var pod = await node.WhenAsync(p => TestNode.Ready(p).Message.Contains("has not opened", StringComparison.Ordinal));
        var port = JsonNode.Parse(pod.Metadata.Annotation("serval.dev/ports")!)!["8080"]!.GetValue<int>();
        Assert.Contains($"has not opened port {port} ($PORT) after 2s; it listens on {elsewhere}, $PORT is {port}", TestNode.Ready(pod).Message);
    }

    [Theory]
    [InlineData("127.0.0.2")]
    [InlineData("[::1]")]
    public async Task Pod_ListensWhereRequestsDoNotCome_IsNotReadyAndToldWhere(string address)
    {
        var time = new ManualTime();
        await using var node = await TestNode.StartAsync(time);
        await node.CreateAsync(TestNode.Shell(
            $"busybox httpd -f -p {address}:$PORT -h / & until busybox nc {address.Trim('[', ']')} $PORT </dev/null; do :; done; echo listening; wait",
            TestNode.Port8080));
        await node.LogAsync("listening");

        time.Advance(TimeSpan.FromSeconds(2));

        var pod = await node.WhenAsync(p => TestNode.Ready(p).Message.Contains("has not opened", StringComparison.Ordinal));
        var port = JsonNode.Parse(pod.Metadata.Annotation("serval.dev/ports")!)!["8080"]!.GetValue<int>();
        Assert.Contains(
            $"has not opened port {port} ($PORT) after 2s where 127.0.0.1 reaches it; it listens on {address}:{port} only: let it listen on 127.0.0.1 or 0.0.0.0",
            TestNode.Ready(pod).Message);
    }

    [Fact]
    public async Task Pod_ForeignListenerOnItsPort_IsNotReady()
    {
        var time = new ManualTime();
        await using var node = await TestNode.StartAsync(time);
        TcpListener? foreign = null;
        // The test process takes the port the instance was given before the program could.
        var taken = Path.Combine(node.Data, "taken");
        await node.CreateAsync(TestNode.Shell($"echo port $PORT; until test -e {taken}; do sleep 0.01; done; echo on; sleep 60", TestNode.Port8080));
        var port = int.Parse((await node.LogAsync("\n")).Split(' ')[1]);
        foreign = new TcpListener(IPAddress.Loopback, port);
        foreign.Start();
        await File.WriteAllTextAsync(taken, "");
        await node.LogAsync("on\n");

        time.Advance(TimeSpan.FromSeconds(2));

        await node.WhenAsync(p => TestNode.Ready(p).Message.Contains("a process that is not the container's listens there", StringComparison.Ordinal));
        Assert.Empty(node.Signals);
        foreign.Stop();
    }

    [Theory]
    [InlineData("exit 0", "Succeeded", 0, 0, "Completed")]
    [InlineData("echo bad >&2; exit 3", "Failed", 3, 0, "Error")]
    [InlineData("kill -9 $$$$", "Failed", 137, 9, "Error")]
    public async Task Pod_RunsOnce_ReportsHowItEnded(string script, string phase, int exitCode, int signal, string reason)
    {
        await using var node = await TestNode.StartAsync();
        await node.CreateAsync(TestNode.Shell(script, pod: p => p["spec"]!["restartPolicy"] = "Never"));

        var pod = await node.WhenAsync(p => p.Status.Phase is "Succeeded" or "Failed");

        Assert.Equal(phase, pod.Status.Phase);
        var ended = pod.Status.ContainerStatuses[0].State.Terminated!;
        Assert.Equal((exitCode, signal, reason), (ended.ExitCode, ended.Signal, ended.Reason));
        Assert.Equal(exitCode == 3 ? "bad\n" : "", ended.Message);
    }

    [Fact]
    public async Task Pod_ProgramLeavesChildrenBehind_TheyEndWithIt()
    {
        await using var node = await TestNode.StartAsync();
        await node.CreateAsync(TestNode.Shell("sleep 1000 & echo child $!; exit 1", pod: p => p["spec"]!["restartPolicy"] = "Never"));
        await node.WhenAsync(p => p.Status.Phase == "Failed");
        var child = int.Parse((await node.LogAsync("\n")).Split(' ')[1]);

        await Poll.UntilAsync(() => Processes.ProcFs.Stat(child)?.State is null or 'Z');
    }

    [Fact]
    public async Task Pod_KeepsCrashing_BacksOffAsKubelet()
    {
        var time = new ManualTime();
        await using var node = await TestNode.StartAsync(time);
        await node.CreateAsync(TestNode.Shell("exit 7"));

        // The first restart is immediate, the second waits 10 s, the third 20 s.
        var pod = await node.WhenAsync(p => p.Status.ContainerStatuses is [{ RestartCount: 1, State.Waiting.Reason: "CrashLoopBackOff" }]);
        Assert.StartsWith("back-off 10s restarting failed container=app pod=p1_default(", pod.Status.ContainerStatuses[0].State.Waiting!.Message);
        Assert.Equal(7, pod.Status.ContainerStatuses[0].LastState.Terminated!.ExitCode);
        time.Advance(TimeSpan.FromSeconds(10));

        pod = await node.WhenAsync(p => p.Status.ContainerStatuses is [{ RestartCount: 2, State.Waiting.Reason: "CrashLoopBackOff" }]);
        Assert.StartsWith("back-off 20s", pod.Status.ContainerStatuses[0].State.Waiting!.Message);
        Assert.Equal("Running", pod.Status.Phase);
    }

    [Fact]
    public async Task Pod_ReadyProgramDies_DrainsAndComesBackInPlace()
    {
        await using var node = await TestNode.StartAsync();
        var die = Path.Combine(node.Data, "die");
        await node.CreateAsync(TestNode.Shell(
            $"if [ -e {die} ]; then echo again; else (until [ -e {die} ]; do sleep 0.01; done; kill -9 $$$$) & fi; {Serve}", TestNode.Port8080));
        await node.WhenSignalAsync(InstanceState.Ready);

        await File.WriteAllTextAsync(die, "");

        var pod = await node.WhenAsync(p => p.Status.ContainerStatuses is [{ RestartCount: 1, Ready: true }]);
        Assert.Equal(137, pod.Status.ContainerStatuses[0].LastState.Terminated!.ExitCode);
        Assert.Equal([InstanceState.Ready, InstanceState.Draining, InstanceState.Ready], node.Signals.Select(s => s.State));
    }

    [Fact]
    public async Task Pod_Deleted_DrainsThenTerminatesThenIsGone()
    {
        var gate = new Gate();
        await using var node = await TestNode.StartAsync(drain: gate);
        await node.CreateAsync(TestNode.Shell(Serve, TestNode.Port8080));
        var pod = (await node.WhenSignalAsync(InstanceState.Ready)).Pod;
        (await gate.AskedAsync()).SetResult(); // nothing was held for it

        await node.Kube.DeleteAsync(Kinds.Pod, pod, DeleteOptions.Background);
        await node.WhenSignalAsync(InstanceState.Draining);
        var idle = await gate.AskedAsync();
        Assert.DoesNotContain(node.Signals, s => s.State == InstanceState.Gone);
        idle.SetResult();

        await node.WhenGoneAsync();
        await node.WhenSignalAsync(InstanceState.Gone);
        Assert.Empty(Directory.GetDirectories(Path.Combine(node.Data, "pods")));
    }

    [Fact]
    public async Task Pod_ReadyWithRequestsHeld_WritesItsStatusAfterTheirAnswers()
    {
        var gate = new Gate();
        var time = new ManualTime();
        await using var node = await TestNode.StartAsync(time, drain: gate);
        await node.CreateAsync(TestNode.Shell(Serve, TestNode.Port8080));
        var pod = (await node.WhenSignalAsync(InstanceState.Ready)).Pod;
        var answered = await gate.AskedAsync();
        Assert.False(IsReady(node.Kube.Cache(Kinds.Pod).Get(pod)!.As<Pod>()));

        gate.Open = true;
        answered.SetResult();

        await node.WhenAsync(IsReady);

        static bool IsReady(Pod p) => p.Status.Conditions.Any(c => c is { Type: "Ready", Status: "True" });
    }

    [Fact]
    public async Task Pod_ReadyWithASlowAnswer_WritesItsStatusSoon()
    {
        var gate = new Gate();
        var time = new ManualTime();
        await using var node = await TestNode.StartAsync(time, drain: gate);
        await node.CreateAsync(TestNode.Shell(Serve, TestNode.Port8080));
        await node.WhenSignalAsync(InstanceState.Ready);
        await gate.AskedAsync();
        gate.Open = true;

        time.Advance(TimeSpan.FromMilliseconds(25));

        await node.WhenAsync(p => p.Status.Conditions.Any(c => c is { Type: "Ready", Status: "True" }));
    }

    [Fact]
    public async Task Pod_IgnoresTerm_IsKilledAfterItsGracePeriod()
    {
        var time = new ManualTime();
        await using var node = await TestNode.StartAsync(time);
        await IgnoreTermAsync(node, grace: 5);
        Assert.NotNull(node.Kube.Cache(Kinds.Pod).Get(new ObjectKey("default", "p1")));

        time.Advance(TimeSpan.FromSeconds(5));

        await node.WhenGoneAsync();
    }

    [Fact]
    public async Task Pod_RequestsOutlastItsGracePeriod_IsAskedToEndAllTheSame()
    {
        var (gate, time) = (new Gate(), new ManualTime());
        await using var node = await TestNode.StartAsync(time, drain: gate);
        var asked = Path.Combine(node.Data, "asked");
        await DeleteBusyAsync(node, gate, $"echo yes > {asked}; exit 0");

        time.Advance(TimeSpan.FromSeconds(300));

        await node.WhenGoneAsync();
        Assert.Equal("yes\n", await File.ReadAllTextAsync(asked));
    }

    [Fact]
    public async Task Pod_RequestsOutlastItsGracePeriod_AndItIgnoresTerm_IsKilledSoon()
    {
        var (gate, time) = (new Gate(), new ManualTime());
        await using var node = await TestNode.StartAsync(time, drain: gate);
        await DeleteBusyAsync(node, gate, "echo asked");
        time.Advance(TimeSpan.FromSeconds(300));
        await node.LogAsync("asked");
        Assert.DoesNotContain(node.Signals, s => s.State == InstanceState.Gone);

        await time.AdvanceOnceAsync(TimeSpan.FromSeconds(2));

        await node.WhenGoneAsync();
    }

    [Fact]
    public async Task Pod_AskedToEnd_KeepsItsUpgradedConnections_IsKilledAfterAMinute()
    {
        var (gate, time) = (new Gate { Empty = new TaskCompletionSource().Task }, new ManualTime());
        await using var node = await TestNode.StartAsync(time, drain: gate);
        (await DeleteBusyAsync(node, gate, "echo asked")).SetResult();
        await node.LogAsync("asked");
        await time.WhenAwaitedAsync(TimeSpan.FromSeconds(60));
        time.Advance(TimeSpan.FromSeconds(59));
        Assert.DoesNotContain(node.Signals, s => s.State == InstanceState.Gone);

        time.Advance(TimeSpan.FromSeconds(1));

        await node.WhenGoneAsync();
    }

    [Fact]
    public async Task Pod_AskedToEnd_ClosesItsUpgradedConnections_HasItsWholeGracePeriod()
    {
        var closed = new TaskCompletionSource();
        var (gate, time) = (new Gate { Empty = closed.Task }, new ManualTime());
        await using var node = await TestNode.StartAsync(time, drain: gate);
        (await DeleteBusyAsync(node, gate, "echo asked")).SetResult();
        await time.WhenAwaitedAsync(TimeSpan.FromSeconds(60));
        var (limits, asked) = (time.Armed, node.LogAsync("asked"));
        closed.SetResult();
        await Poll.UntilAsync(() => time.Armed < limits);
        time.Advance(TimeSpan.FromSeconds(299));
        await asked;
        Assert.DoesNotContain(node.Signals, s => s.State == InstanceState.Gone);

        time.Advance(TimeSpan.FromSeconds(1));

        await node.WhenGoneAsync();
    }

    [Theory]
    [InlineData(5_000_000)]
    [InlineData(long.MaxValue)]
    public async Task Pod_GracePeriodOfMonths_CanBeDeleted(long grace)
    {
        await using var node = await TestNode.StartAsync();
        await node.CreateAsync(TestNode.Shell("echo up; sleep 60", pod: p => p["spec"]!["terminationGracePeriodSeconds"] = grace));
        await node.LogAsync("up");

        await node.Kube.DeleteAsync(Kinds.Pod, new ObjectKey("default", "p1"), DeleteOptions.Background);

        await node.WhenGoneAsync();
    }

    [Fact]
    public async Task Pod_DeletedAgainWithLessGrace_EndsSooner()
    {
        var time = new ManualTime();
        await using var node = await TestNode.StartAsync(time);
        await IgnoreTermAsync(node, grace: 300);

        await node.Kube.DeleteAsync(Kinds.Pod, new ObjectKey("default", "p1"), new DeleteOptions { GracePeriodSeconds = 5 });
        await time.AdvanceOnceAsync(TimeSpan.FromSeconds(5));

        await node.WhenGoneAsync();
    }

    [Fact]
    public async Task Pod_RemovedByForceWhileItStops_EndsSoon()
    {
        var time = new ManualTime();
        await using var node = await TestNode.StartAsync(time);
        await IgnoreTermAsync(node, grace: 300);

        await node.Kube.DeleteAsync(Kinds.Pod, new ObjectKey("default", "p1"), new DeleteOptions { GracePeriodSeconds = 0 });
        await time.AdvanceOnceAsync(TimeSpan.FromSeconds(2));

        await node.WhenSignalAsync(InstanceState.Gone);
    }

    [Fact]
    public async Task Pod_NoPortsLeft_TakesNoneAndIsTriedAgain()
    {
        var time = new ManualTime();
        await using var node = await TestNode.StartAsync(time); // PortBlock.Size ports
        await node.CreateAsync(Ports("p1", 15));
        await node.WhenAsync(p => TestNode.Ready(p).Status == "True");
        await node.CreateAsync(Ports("p2", 10));
        var refused = await node.WhenAsync(p => p.Status.ContainerStatuses is [{ State.Waiting.Reason: "CreateContainerError" }], "p2");
        Assert.Contains("no free port", refused.Status.ContainerStatuses[0].State.Waiting!.Message);

        await node.CreateAsync(Ports("p3", 5)); // what p2 could not use
        await node.WhenAsync(p => TestNode.Ready(p).Status == "True", "p3");
        var answer = new TaskCompletionSource();
        node.Kube.RemovalAnswer = answer.Task; // the ports are free before the pod is gone, not some time after
        try
        {
            await node.Kube.DeleteAsync(Kinds.Pod, new ObjectKey("default", "p1"), DeleteOptions.Background);
            await node.WhenGoneAsync();
            time.Advance(TimeSpan.FromSeconds(10));

            await node.WhenAsync(p => TestNode.Ready(p).Status == "True", "p2");
        }
        finally
        {
            answer.SetResult();
        }
    }

    [Fact]
    public async Task Pod_InitContainers_RunFirstAndOneAfterTheOther()
    {
        await using var node = await TestNode.StartAsync();
        var file = Path.Combine(node.Data, "order");
        static JsonObject Init(string name, string script) => new()
        {
            ["name"] = name, ["image"] = "test/app", ["command"] = new JsonArray { "sh", "-c", script },
        };
        await node.CreateAsync(TestNode.Shell($"echo main >> {file}; sleep 60", pod: p => p["spec"]!["initContainers"] = new JsonArray
        {
            Init("one", $"sleep 0.1; echo one >> {file}"), Init("two", $"echo two >> {file}"),
        }));

        await node.WhenAsync(p => TestNode.Ready(p).Status == "True");

        Assert.Equal("one\ntwo\nmain\n", await ReadAsync(file));
    }

    /// <summary>Kubernetes' own test: InitContainer, should not start app containers and fail the pod if init containers fail on a RestartNever pod.</summary>
    [Fact]
    public async Task Pod_WhoseInitContainerFailed_ShowsThatTheOthersWaitForIt()
    {
        await using var node = await TestNode.StartAsync();
        await node.CreateAsync(TestNode.Shell("true", pod: p =>
        {
            p["spec"]!["restartPolicy"] = "Never";
            p["spec"]!["initContainers"] = new JsonArray { new JsonObject { ["name"] = "bad", ["image"] = "test/app", ["command"] = new JsonArray { "false" } } };
        }));

        var pod = await node.WhenAsync(p => p.Status.Phase == "Failed");

        Assert.Equal("PodInitializing", Assert.Single(pod.Status.ContainerStatuses).State.Waiting!.Reason);
    }

    [Fact]
    public async Task Pod_ImageMissing_SaysWhatToDo()
    {
        await using var node = await TestNode.StartAsync();
        node.MissingImage = "no such image; push it with `serval image push`";
        await node.CreateAsync(TestNode.Shell("true"));

        var pod = await node.WhenAsync(p => p.Status.ContainerStatuses is [{ State.Waiting.Reason: "ImagePullBackOff" }]);

        Assert.Equal("no such image; push it with `serval image push`", pod.Status.ContainerStatuses[0].State.Waiting!.Message);
        Assert.Equal("Pending", pod.Status.Phase);
    }

    [Theory]
    [InlineData("no-such-program", "\"no-such-program\": executable file not found in the PATH of image test/app@sha256:1234")]
    [InlineData("/no/such/program", "\"/no/such/program\": executable file not found in image test/app@sha256:1234, nor on this machine")]
    [InlineData("./text", "\"./text\" in image test/app@sha256:1234 is not an executable file; make it one (chmod +x)")]
    [InlineData("./folder", "\"./folder\" is a directory in image test/app@sha256:1234")]
    [InlineData("./script", "cannot start \"./script\": No such file or directory; the interpreter or loader that it names is not in the image")]
    [InlineData("./words", "cannot start \"./words\": Exec format error; it is no program for this machine: a script begins with a line such as #!/bin/sh")]
    [InlineData("./loop", "/loop: too many levels of symbolic links")]
    public async Task Pod_ProgramThatCannotRun_SaysWhy(string command, string message)
    {
        await using var node = await TestNode.StartAsync();
        await File.WriteAllTextAsync(Path.Combine(node.Image, "text"), "#!/bin/sh\n");
        Directory.CreateDirectory(Path.Combine(node.Image, "folder"));
        foreach (var (name, text) in new[] { ("script", "#!/no/such/interpreter\n"), ("words", "just words\n") })
        {
            await File.WriteAllTextAsync(Path.Combine(node.Image, name), text);
            File.SetUnixFileMode(Path.Combine(node.Image, name), UnixFileMode.UserRead | UnixFileMode.UserExecute);
        }
        File.CreateSymbolicLink(Path.Combine(node.Image, "loop"), "loop");
        await node.CreateAsync(TestNode.Shell("true", c => c["command"] = new JsonArray { command }));

        var pod = await node.WhenAsync(p => p.Status.ContainerStatuses is [{ State.Waiting.Reason: "CreateContainerError" }]);

        Assert.StartsWith(message, pod.Status.ContainerStatuses[0].State.Waiting!.Message);
    }

    [Fact]
    public async Task Pod_WorkingDirectoryMissing_IsNamed()
    {
        await using var node = await TestNode.StartAsync();
        await node.CreateAsync(TestNode.Shell("true", c => c["workingDir"] = "/nowhere"));

        var pod = await node.WhenAsync(p => p.Status.ContainerStatuses is [{ State.Waiting.Reason: "CreateContainerError" }]);

        Assert.StartsWith("working directory /nowhere does not exist in image", pod.Status.ContainerStatuses[0].State.Waiting!.Message);
    }

    [Fact]
    public async Task Pod_StartThrowsWhatNobodyExpects_SaysSoAndTriesAgain()
    {
        var time = new ManualTime();
        await using var node = await TestNode.StartAsync(time);
        var config = node.Config;
        node.Config = null!;
        await node.CreateAsync(TestNode.Shell("sleep 60"));
        await node.WhenAsync(p => p.Status.ContainerStatuses is [{ State.Waiting: { Reason: "CreateContainerError", Message.Length: > 0 } }]);

        node.Config = config;
        time.Advance(TimeSpan.FromSeconds(10));

        await node.WhenAsync(p => TestNode.Ready(p).Status == "True");
    }

    [Fact]
    public async Task Pod_SecretMissing_StartsWhenItAppears()
    {
        await using var node = await TestNode.StartAsync();
        await node.CreateAsync(TestNode.Shell("echo got $TOKEN; sleep 60", c => c["env"] = new JsonArray
        {
            new JsonObject
            {
                ["name"] = "TOKEN",
                ["valueFrom"] = new JsonObject { ["secretKeyRef"] = new JsonObject { ["name"] = "s", ["key"] = "token" } },
            },
        }));
        var pod = await node.WhenAsync(p => p.Status.ContainerStatuses is [{ State.Waiting.Reason: "CreateContainerConfigError" }]);
        Assert.StartsWith("secret \"s\" not found; create it", pod.Status.ContainerStatuses[0].State.Waiting!.Message);

        await node.CreateAsync(Kinds.Secret, """{"apiVersion":"v1","kind":"Secret","metadata":{"name":"s","namespace":"default"},"data":{"token":"aHVzaA=="}}""");

        Assert.Contains("got hush", await node.LogAsync("\n"));
    }

    [Fact]
    public async Task Agent_ShutDownAndStartedAgain_StartsItsPodsAgain()
    {
        var first = await TestNode.StartAsync();
        first.KeepData = true;
        await first.CreateAsync(TestNode.Shell(Serve, TestNode.Port8080));
        var port = (await first.WhenSignalAsync(InstanceState.Ready)).Ports[8080];
        await first.WhenAsync(p => TestNode.Ready(p).Status == "True");
        await first.DisposeAsync();
        Assert.DoesNotContain(Sockets.InstanceSockets.Dump(), s => s.Port == port);
        var stopped = await first.WhenAsync(_ => true);
        Assert.Equal("False", TestNode.Ready(stopped).Status);

        await using var second = await TestNode.StartAsync(kube: first.Kube, data: first.Data);

        await second.WhenSignalAsync(InstanceState.Ready);
        var again = await second.WhenAsync(p => TestNode.Ready(p).Status == "True");
        Assert.Equal(1, again.Status.ContainerStatuses[0].RestartCount);
    }

    private static JsonObject Ports(string name, int count) => TestNode.Shell(
        "sleep 60",
        c =>
        {
            c["ports"] = new JsonArray([.. Enumerable.Range(8000, count).Select(p => (JsonNode)new JsonObject { ["containerPort"] = p })]);
            c["readinessProbe"] = JsonNode.Parse("""{"exec":{"command":["true"]}}""");
        },
        p =>
        {
            p["metadata"]!["name"] = name;
            p["metadata"]!.AsObject().Remove("labels"); // an instance of a revision would have to listen
        });

    private static async Task<string> ReadAsync(string file)
    {
        while (!File.Exists(file) || !(await File.ReadAllTextAsync(file)).Contains("main", StringComparison.Ordinal))
        {
            await Task.Yield();
        }
        return await File.ReadAllTextAsync(file);
    }

    /// <summary>A pod that does not end when it is told to: deleted, and the signal caught.</summary>
    private static async Task IgnoreTermAsync(TestNode node, long grace)
    {
        await node.CreateAsync(TestNode.Shell("trap 'echo caught' TERM; echo up; while :; do sleep 0.05; done"));
        await node.LogAsync("up");
        await node.Kube.DeleteAsync(Kinds.Pod, new ObjectKey("default", "p1"), new DeleteOptions { GracePeriodSeconds = grace });
        await node.LogAsync("caught");
    }

    /// <summary>Deletes a pod that was ready, with requests in flight; what it does when it is asked to end is up to the test.</summary>
    /// <returns>Ending it answers the requests.</returns>
    private static async Task<TaskCompletionSource> DeleteBusyAsync(TestNode node, Gate gate, string asked)
    {
        await node.CreateAsync(TestNode.Shell(
            $"trap '{asked}' TERM; busybox httpd -f -p 127.0.0.1:$PORT -h / & while :; do wait; sleep 0.05; done",
            TestNode.Port8080, p => p["spec"]!["terminationGracePeriodSeconds"] = 300));
        var pod = (await node.WhenSignalAsync(InstanceState.Ready)).Pod;
        (await gate.AskedAsync()).SetResult(); // nothing was held for it
        await node.Kube.DeleteAsync(Kinds.Pod, pod, DeleteOptions.Background);
        return await gate.AskedAsync();
    }

    private sealed class Gate : IDrainGate
    {
        private readonly Channel<TaskCompletionSource> _asked = Channel.CreateUnbounded<TaskCompletionSource>();

        /// <summary>Nothing is in flight from here on.</summary>
        public bool Open { get; set; }

        /// <summary>Ends with the last upgraded connection.</summary>
        public Task Empty { get; set; } = Task.CompletedTask;

        /// <summary>The next question; ending it is the answer.</summary>
        public ValueTask<TaskCompletionSource> AskedAsync() => _asked.Reader.ReadAsync();

        public Task WhenIdleAsync(ObjectKey revision, string podUid, CancellationToken ct)
        {
            if (Open)
            {
                return Task.CompletedTask;
            }
            var idle = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _asked.Writer.TryWrite(idle);
            return idle.Task.WaitAsync(ct);
        }

        public Task WhenEmptyAsync(ObjectKey revision, string podUid, CancellationToken ct) => Empty.WaitAsync(ct);
    }
}
