using System.Text.Json.Nodes;
using Serval.Kube;

namespace Serval.Node.Tests;

public sealed class HealthTests
{
    [Fact]
    public async Task Liveness_Fails_RestartsTheContainerAndSaysWhy()
    {
        var time = new ManualTime();
        await using var node = await TestNode.StartAsync(time);
        await node.CreateAsync(TestNode.Shell("echo up; sleep 60", c => c["livenessProbe"] = JsonNode.Parse(
            """{"exec":{"command":["sh","-c","echo broken; exit 1"]},"periodSeconds":5,"failureThreshold":1}""")));
        await node.LogAsync("up");

        var pod = await AdvanceUntilAsync(node, time, TimeSpan.FromSeconds(5), p => p.Status.ContainerStatuses is [{ RestartCount: 1 }]);

        Assert.Equal("Liveness probe failed: command exited with 1: broken", pod.Status.ContainerStatuses[0].LastState.Terminated!.Message);
        Assert.Equal(143, pod.Status.ContainerStatuses[0].LastState.Terminated!.ExitCode);
    }

    [Fact]
    public async Task Startup_HoldsReadinessBack()
    {
        await using var node = await TestNode.StartAsync();
        var flag = Path.Combine(node.Data, "flag");
        await node.CreateAsync(TestNode.Shell("sleep 60", c => c["startupProbe"] = JsonNode.Parse(
            $$"""{"exec":{"command":["test","-e","{{flag}}"]},"failureThreshold":100}""")));
        var pod = await node.WhenAsync(p => p.Status.Phase == "Running");
        Assert.Equal("False", TestNode.Ready(pod).Status);

        await File.WriteAllTextAsync(flag, "");

        await node.WhenAsync(p => TestNode.Ready(p).Status == "True");
    }

    /// <summary>A command that says yes is not enough for who takes requests: the port has to be open too.</summary>
    [Fact]
    public async Task Readiness_ByCommand_WaitsForThePort()
    {
        await using var node = await TestNode.StartAsync();
        var flag = Path.Combine(node.Data, "flag");
        await node.CreateAsync(TestNode.Shell(
            $"echo up; until test -e {flag}; do sleep 0.02; done; exec busybox httpd -f -p 127.0.0.1:$PORT -h /",
            c =>
            {
                TestNode.Port8080(c);
                c["readinessProbe"] = JsonNode.Parse($$"""{"exec":{"command":["sh","-c","echo asked >> {{flag}}.asked"]} }""");
            }));
        await node.LogAsync("up");
        var pod = await node.WhenAsync(p => p.Status.ContainerStatuses is [{ State.Running: not null }]);
        Assert.Equal("False", TestNode.Ready(pod).Status);
        Assert.False(File.Exists(flag + ".asked"));

        await File.WriteAllTextAsync(flag, "");

        await node.WhenAsync(p => TestNode.Ready(p).Status == "True");
        Assert.True(File.Exists(flag + ".asked"));
    }

    [Fact]
    public async Task Readiness_Lost_WithdrawsTheInstanceAndBringsItBack()
    {
        var time = new ManualTime();
        await using var node = await TestNode.StartAsync(time);
        var flag = Path.Combine(node.Data, "flag");
        await File.WriteAllTextAsync(flag, "");
        await node.CreateAsync(TestNode.Shell("exec busybox httpd -f -p 127.0.0.1:$PORT -h /", c =>
        {
            TestNode.Port8080(c);
            c["readinessProbe"] = JsonNode.Parse(
                $$"""{"exec":{"command":["test","-e","{{flag}}"]},"periodSeconds":1,"failureThreshold":2,"timeoutSeconds":86400}"""); // no second of it is the timeout
        }));
        await node.WhenAsync(p => TestNode.Ready(p).Status == "True");
        File.Delete(flag);

        await AdvanceUntilAsync(node, time, TimeSpan.FromSeconds(1), p => TestNode.Ready(p).Status == "False");
        await node.WhenSignalAsync(InstanceState.Draining);
        await File.WriteAllTextAsync(flag, "");
        await AdvanceUntilAsync(node, time, TimeSpan.FromSeconds(1), p => TestNode.Ready(p).Status == "True");

        Assert.Equal([InstanceState.Ready, InstanceState.Draining, InstanceState.Ready], node.Signals.Select(s => s.State));
    }

    [Fact]
    public async Task Startup_MayFailForMonths_IsNotKilled()
    {
        await using var node = await TestNode.StartAsync();
        await node.CreateAsync(TestNode.Shell("sleep 60", c => c["startupProbe"] = JsonNode.Parse(
            $$"""{"exec":{"command":["true"]},"periodSeconds":{{int.MaxValue}},"failureThreshold":{{int.MaxValue}}}""")));

        var pod = await node.WhenAsync(p => TestNode.Ready(p).Status == "True" || p.Status.ContainerStatuses.Any(c => c.RestartCount > 0));

        Assert.Equal(0, pod.Status.ContainerStatuses[0].RestartCount);
    }

    [Fact]
    public async Task Liveness_CommandMissing_KillsOnlyAtTheThreshold()
    {
        var time = new ManualTime();
        await using var node = await TestNode.StartAsync(time);
        await node.CreateAsync(TestNode.Shell("echo up; sleep 60", c => c["livenessProbe"] = JsonNode.Parse(
            """{"exec":{"command":["no-such-command"]},"periodSeconds":5,"failureThreshold":3}""")));
        await node.LogAsync("up");
        var start = time.GetUtcNow();

        var pod = await AdvanceUntilAsync(node, time, TimeSpan.FromSeconds(5), p => p.Status.ContainerStatuses is [{ RestartCount: 1 }]);

        var ended = pod.Status.ContainerStatuses[0].LastState.Terminated!;
        Assert.Contains("\"no-such-command\": executable file not found", ended.Message);
        Assert.Equal(15, (ended.FinishedAt!.Value - start).TotalSeconds);
    }

    [Fact]
    public async Task Readiness_RunCannotBeMade_IsTriedAgain()
    {
        await using var node = await TestNode.StartAsync();
        var tool = Path.Combine(node.Image, "tool");
        await node.CreateAsync(TestNode.Shell("sleep 60", c =>
            c["readinessProbe"] = JsonNode.Parse("""{"exec":{"command":["/tool"]},"periodSeconds":1}""")));
        await node.WhenAsync(p => TestNode.Ready(p).Message.Contains("executable file not found", StringComparison.Ordinal));

        await File.WriteAllTextAsync(tool + ".new", "#!/bin/sh\nexit 0\n");
        File.SetUnixFileMode(tool + ".new", UnixFileMode.UserRead | UnixFileMode.UserExecute);
        File.Move(tool + ".new", tool);

        await node.WhenAsync(p => TestNode.Ready(p).Status == "True");
    }

    // Moves the clock each time the agent has begun to wait again.
    private static async Task<Serval.Api.Core.Pod> AdvanceUntilAsync(
        TestNode node, ManualTime time, TimeSpan step, Func<Serval.Api.Core.Pod, bool> condition)
    {
        var wanted = node.WhenAsync(condition);
        while (await Task.WhenAny(wanted, time.WhenAwaitedAsync(step)) != wanted)
        {
            time.Advance(step);
        }
        return await wanted;
    }
}
