using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Kube;
using Serval.Node.Processes;

namespace Serval.Node.Tests;

/// <summary>Sidecars, hooks and the way a container is asked to end.</summary>
public sealed class LifecycleTests
{
    private static readonly ObjectKey s_pod = new("default", "p1");

    [Fact]
    public async Task Sidecar_Runs_LetsTheOthersStartAndCountsForReadiness()
    {
        await using var node = await TestNode.StartAsync();
        await node.CreateAsync(TestNode.Shell("sleep 60", pod: p => p["spec"]!["initContainers"] = new JsonArray
        {
            Sidecar("side", "sleep 60"), Container("prepare", "exit 0"),
        }));

        await node.WhenAsync(p => TestNode.Ready(p).Status == "True");

        var states = node.Kube.Cache(Kinds.Pod).Get(s_pod)!.ToTree()["status"]!["initContainerStatuses"]!.AsArray();
        Assert.Equal(["prepare True False", "side True True"], states.Select(s => $"{s!["name"]} {s["ready"]!.GetValue<bool>()} {s["started"]!.GetValue<bool>()}"));
        Assert.NotNull(states[1]!["state"]!["running"]);
    }

    [Fact]
    public async Task Sidecar_HasAStartupProbe_HoldsTheOthersBackUntilItSucceeds()
    {
        await using var node = await TestNode.StartAsync();
        var flag = Path.Combine(node.Data, "flag");
        await node.CreateAsync(TestNode.Shell($"test -e {flag} && echo after; sleep 60", pod: p =>
        {
            var side = Sidecar("side", "sleep 60");
            side["startupProbe"] = JsonNode.Parse($$"""{"exec":{"command":["test","-e","{{flag}}"]},"failureThreshold":1000}""");
            p["spec"]!["initContainers"] = new JsonArray { side };
        }));
        var waiting = await node.WhenAsync(p => p.Status.Conditions.Any(c => c is { Type: "Initialized", Status: "False" }));
        Assert.Equal("Pending", waiting.Status.Phase);

        await File.WriteAllTextAsync(flag, "");

        await node.WhenAsync(p => TestNode.Ready(p).Status == "True");
        Assert.Equal("after\n", await node.LogAsync("after\n"));
    }

    [Fact]
    public async Task Sidecar_Ends_IsStartedAgainWhateverThePodsPolicy()
    {
        await using var node = await TestNode.StartAsync();
        var flag = Path.Combine(node.Data, "flag");
        await node.CreateAsync(TestNode.Shell("sleep 60", pod: p =>
        {
            p["spec"]!["restartPolicy"] = "Never";
            p["spec"]!["initContainers"] = new JsonArray { Sidecar("side", $"test -e {flag} || {{ touch {flag}; exit 1; }}; sleep 60") };
        }));

        await node.WhenAsync(p => TestNode.Ready(p).Status == "True"
            && node.Kube.Cache(Kinds.Pod).Get(s_pod)!.ToTree()["status"]!["initContainerStatuses"]![0]!["restartCount"]!.GetValue<int>() == 1);
    }

    [Fact]
    public async Task Sidecar_TheOthersAreDone_IsEndedAndThePodSucceeds()
    {
        await using var node = await TestNode.StartAsync();
        await node.CreateAsync(TestNode.Shell("exit 0", pod: p =>
        {
            p["spec"]!["restartPolicy"] = "Never";
            p["spec"]!["initContainers"] = new JsonArray { Sidecar("side", "sleep 60") };
        }));

        await node.WhenAsync(p => p.Status.Phase == "Succeeded"
            && node.Kube.Cache(Kinds.Pod).Get(s_pod)!.ToTree()["status"]!["initContainerStatuses"]![0]!["state"]!["terminated"] is not null);
    }

    [Fact]
    public async Task Pod_Deleted_EndsItsSidecarsLastAndTheLatestFirst()
    {
        await using var node = await TestNode.StartAsync();
        var order = Path.Combine(node.Data, "order");
        string Trap(string name) => $"trap 'sleep 0.05; echo {name} >> {order}; exit 0' TERM; echo up; while :; do sleep 0.01; done";
        await node.CreateAsync(TestNode.Shell(Trap("main"), pod: p =>
            p["spec"]!["initContainers"] = new JsonArray { Sidecar("first", Trap("first")), Sidecar("second", Trap("second")) }));
        await Task.WhenAll(((string[])["app", "first", "second"]).Select(c => node.LogAsync("up", container: c)));

        await node.Kube.DeleteAsync(Kinds.Pod, s_pod, DeleteOptions.Background);

        await node.WhenGoneAsync();
        Assert.Equal("main\nsecond\nfirst\n", await File.ReadAllTextAsync(order));
    }

    [Theory]
    [InlineData("SIGQUIT", "", "QUIT")]
    [InlineData("SIGQUIT", "SIGUSR1", "USR1")]
    [InlineData("", "", "TERM")]
    public async Task Pod_Deleted_SendsTheSignalItsAuthorNamed(string image, string own, string expected)
    {
        await using var node = await TestNode.StartAsync();
        node.Config = node.Config with { StopSignal = image };
        var seen = Path.Combine(node.Data, "seen");
        var traps = string.Concat(((string[])["QUIT", "USR1", "TERM"]).Select(s => $"trap 'echo {s} >> {seen}; exit 0' {s}; "));
        await node.CreateAsync(TestNode.Shell(
            traps + "echo up; while :; do sleep 0.01; done", c => c["lifecycle"] = new JsonObject { ["stopSignal"] = own }));
        await node.LogAsync("up");

        await node.Kube.DeleteAsync(Kinds.Pod, s_pod, DeleteOptions.Background);

        await node.WhenGoneAsync();
        Assert.Equal(expected + "\n", await File.ReadAllTextAsync(seen));
    }

    [Theory]
    [InlineData("SIGTERM", 15)]
    [InlineData("quit", 3)]
    [InlineData("28", 28)]
    [InlineData("SIGRTMIN+3", 37)]
    [InlineData("RTMAX-1", 63)]
    [InlineData("RTMAX+1", 15)]
    [InlineData("RTMIN+99", 15)]
    [InlineData("0", 15)]
    [InlineData("SIG", 15)]
    [InlineData("nonsense", 15)]
    [InlineData(null, 15)]
    public void Signal_ByName(string? name, int number) => Assert.Equal(number, Signals.Parse(name));

    [Fact]
    public async Task PreStop_Command_RunsBeforeTheSignal()
    {
        await using var node = await TestNode.StartAsync();
        var order = Path.Combine(node.Data, "order");
        await node.CreateAsync(TestNode.Shell(
            $"trap 'echo signal >> {order}; exit 0' TERM; echo up; while :; do sleep 0.01; done",
            c => c["lifecycle"] = Hook("preStop", $$"""{"exec":{"command":["sh","-c","sleep 0.05; echo hook >> {{order}}"]} }""")));
        await node.LogAsync("up");

        await node.Kube.DeleteAsync(Kinds.Pod, s_pod, DeleteOptions.Background);

        await node.WhenGoneAsync();
        Assert.Equal("hook\nsignal\n", await File.ReadAllTextAsync(order));
    }

    [Fact]
    public async Task PreStop_Request_IsMade()
    {
        await using var node = await TestNode.StartAsync();
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var port = ((IPEndPoint)listener.LocalEndpoint).Port;
        await node.CreateAsync(TestNode.Shell(
            "echo up; sleep 60", c => c["lifecycle"] = Hook("preStop", $$"""{"httpGet":{"path":"/bye","port":{{port}} } }""")));
        await node.LogAsync("up");
        await node.Kube.DeleteAsync(Kinds.Pod, s_pod, DeleteOptions.Background);

        using (var client = await listener.AcceptTcpClientAsync().WaitAsync(TimeSpan.FromSeconds(20)))
        {
            var head = new byte[1024];
            var read = await client.GetStream().ReadAsync(head);
            Assert.StartsWith("GET /bye HTTP/1.1\r\n", Encoding.ASCII.GetString(head.AsSpan(0, read)), StringComparison.Ordinal);
            Assert.NotNull(node.Kube.Cache(Kinds.Pod).Get(s_pod));
            await client.GetStream().WriteAsync("HTTP/1.1 500 x\r\n\r\n"u8.ToArray());
        }
        await node.WhenGoneAsync();
    }

    [Fact]
    public async Task PreStop_TakesTooLong_IsCutShortAndTheProgramStillHearsTheSignal()
    {
        var time = new ManualTime();
        var events = new HeardEvents();
        await using var node = await TestNode.StartAsync(time, events: events);
        var begun = Path.Combine(node.Data, "begun");
        await node.CreateAsync(TestNode.Shell(
            "trap 'echo caught; exit 0' TERM; echo up; while :; do sleep 0.01; done",
            c => c["lifecycle"] = Hook("preStop", $$"""{"exec":{"command":["sh","-c","touch {{begun}}; exec sleep 1000"]} }""")));
        await node.LogAsync("up");
        await node.Kube.DeleteAsync(Kinds.Pod, s_pod, new DeleteOptions { GracePeriodSeconds = 30 });
        await Poll.UntilAsync(() => File.Exists(begun)); // the grace period's clock runs before the hook does
        var log = node.LogAsync("caught");

        await time.AdvanceOnceAsync(TimeSpan.FromSeconds(30));

        Assert.EndsWith("caught\n", await log, StringComparison.Ordinal);
        await node.WhenGoneAsync();
        await events.WhenAsync("FailedPreStopHook");
    }

    [Fact]
    public async Task PreStop_Sleep_WaitsThatLong()
    {
        var time = new ManualTime();
        await using var node = await TestNode.StartAsync(time);
        await node.CreateAsync(TestNode.Shell("echo up; sleep 60", c => c["lifecycle"] = Hook("preStop", """{"sleep":{"seconds":7}}""")));
        await node.LogAsync("up");
        await node.Kube.DeleteAsync(Kinds.Pod, s_pod, DeleteOptions.Background);

        await time.AdvanceOnceAsync(TimeSpan.FromSeconds(7));

        await node.WhenGoneAsync();
    }

    [Fact]
    public async Task PostStart_RunsBeforeTheContainerIsReady()
    {
        await using var node = await TestNode.StartAsync();
        var (begun, flag) = (Path.Combine(node.Data, "begun"), Path.Combine(node.Data, "flag"));
        await node.CreateAsync(TestNode.Shell("sleep 60", c => c["lifecycle"] = Hook(
            "postStart", $$"""{"exec":{"command":["sh","-c","touch {{begun}}; until test -e {{flag}}; do sleep 0.01; done"]} }""")));
        var pod = await node.WhenAsync(p => p.Status.Phase.Length > 0 && File.Exists(begun));
        Assert.Equal("Pending", pod.Status.Phase);
        Assert.Empty(node.Signals);

        await File.WriteAllTextAsync(flag, "");

        await node.WhenAsync(p => TestNode.Ready(p).Status == "True");
    }

    [Fact]
    public async Task PostStart_Fails_EndsTheContainerAndSaysWhy()
    {
        var events = new HeardEvents();
        await using var node = await TestNode.StartAsync(events: events);
        await node.CreateAsync(TestNode.Shell(
            "sleep 60", c => c["lifecycle"] = Hook("postStart", """{"exec":{"command":["sh","-c","echo no; exit 9"]}}"""),
            p => p["spec"]!["restartPolicy"] = "Never"));

        var pod = await node.WhenAsync(p => p.Status.Phase == "Failed");

        Assert.Equal("PostStartHook failed: command exited with 9: no", pod.Status.ContainerStatuses[0].State.Terminated!.Message);
        await events.WhenAsync("Warning FailedPostStartHook spec.containers{app}: PostStartHook failed: command exited with 9: no");
    }

    [Fact]
    public async Task Liveness_HasAGraceOfItsOwn_KillsAfterThat()
    {
        var time = new ManualTime();
        await using var node = await TestNode.StartAsync(time);
        await node.CreateAsync(TestNode.Shell(
            "trap 'echo caught' TERM; echo up; while :; do sleep 0.01; done",
            c => c["livenessProbe"] = JsonNode.Parse(
                """{"exec":{"command":["false"]},"periodSeconds":5,"failureThreshold":1,"terminationGracePeriodSeconds":3}"""),
            p => p["spec"]!["restartPolicy"] = "Never"));
        await node.LogAsync("up");
        await time.AdvanceOnceAsync(TimeSpan.FromSeconds(5));
        await node.LogAsync("caught");

        await time.AdvanceOnceAsync(TimeSpan.FromSeconds(3));

        var pod = await node.WhenAsync(p => p.Status.Phase == "Failed");
        Assert.Equal(137, pod.Status.ContainerStatuses[0].State.Terminated!.ExitCode);
    }

    private static JsonObject Hook(string name, string hook) => new() { [name] = JsonNode.Parse(hook) };

    private static JsonObject Sidecar(string name, string script)
    {
        var container = Container(name, script);
        container["restartPolicy"] = "Always";
        return container;
    }

    private static JsonObject Container(string name, string script) => new()
    {
        ["name"] = name, ["image"] = "test/app", ["command"] = new JsonArray { "/bin/sh", "-c", script },
    };
}
