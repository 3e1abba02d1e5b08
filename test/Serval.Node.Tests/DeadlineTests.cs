using System.Text.Json.Nodes;
using Serval.Api;

namespace Serval.Node.Tests;

/// <summary>Pods that may be active for so long only, and one that this node does not run.</summary>
public sealed class DeadlineTests
{
    private static readonly ObjectKey s_pod = new("default", "p1");

    [Fact]
    public async Task Pod_IsActiveForTooLong_IsEndedAndHasFailed()
    {
        var (time, heard) = (new ManualTime(), new HeardEvents());
        await using var node = await TestNode.StartAsync(time, events: heard);
        await node.CreateAsync(TestNode.Shell("echo up; exec sleep 60", pod: p => p["spec"]!["activeDeadlineSeconds"] = 600));
        await node.LogAsync("up");
        var edited = time.WhenAwaitedAsync(TimeSpan.FromSeconds(5));
        await node.PatchAsync("""{"spec":{"activeDeadlineSeconds":5}}""");
        await edited;

        time.Advance(TimeSpan.FromSeconds(5));

        await node.WhenAsync(p => p.Status.Phase == "Failed");
        var status = node.Kube.Cache(Kinds.Pod).Get(s_pod)!.ToTree()["status"]!;
        Assert.Equal("DeadlineExceeded Pod was active on the node longer than the specified deadline", $"{status["reason"]} {status["message"]}");
        var container = status["containerStatuses"]![0]!;
        Assert.Equal("143 0", $"{container["state"]!["terminated"]!["exitCode"]} {container["restartCount"]}");
        Assert.Contains("PodFailed", status["conditions"]!.AsArray().Where(c => (string)c!["type"]! == "Ready").Select(c => (string)c!["reason"]!));
        Assert.Contains("Normal DeadlineExceeded Pod: Pod was active on the node longer than the specified deadline", heard.Lines);
    }

    /// <summary>The timer of its back-off is still to come: it must find nothing to do, and leave a status that can be told.</summary>
    [Fact]
    public async Task Pod_WhoseTimeEndsWhileItBacksOff_HasFailedForGood()
    {
        var time = new ManualTime();
        await using var node = await TestNode.StartAsync(time);
        await node.CreateAsync(TestNode.Shell("exit 3", pod: p => p["metadata"]!["generation"] = 1));
        var waiting = await node.WhenAsync(p => p.Status.ContainerStatuses.Any(c => c.State.Waiting?.Reason == "CrashLoopBackOff"));
        var restarts = waiting.Status.ContainerStatuses[0].RestartCount;
        var edited = time.WhenAwaitedAsync(TimeSpan.FromSeconds(1));
        await node.PatchAsync("""{"metadata":{"generation":2},"spec":{"activeDeadlineSeconds":1}}""");
        await edited;
        time.Advance(TimeSpan.FromSeconds(1));
        await node.WhenAsync(p => p.Status.Phase == "Failed");

        time.Advance(TimeSpan.FromHours(1));
        await node.PatchAsync("""{"metadata":{"generation":3},"spec":{"containers":[{"name":"app","image":"test/next:2","command":["/bin/sh","-c","exit 3"]}]}}""");

        await time.AdvanceOnceAsync(TimeSpan.FromMilliseconds(250)); // before a status that can wait
        var pod = await node.WhenAsync(p => p.Status.ObservedGeneration == 3);
        Assert.Equal(("Failed", restarts, 3), (pod.Status.Phase, pod.Status.ContainerStatuses[0].RestartCount, pod.Status.ContainerStatuses[0].State.Terminated?.ExitCode));
    }

    [Fact]
    public async Task Pod_WhoseTimeEndedWhileServalWasDown_HasFailed_AndIsNotStarted()
    {
        var (time, heard) = (new ManualTime(), new HeardEvents());
        await using var node = await TestNode.StartAsync(time, events: heard);

        await node.CreateAsync(TestNode.Shell("echo up; sleep 60", pod: p =>
        {
            p["spec"]!["activeDeadlineSeconds"] = 600;
            p["status"] = JsonNode.Parse(
                """{"phase":"Running","startTime":"2026-01-01T11:50:00Z","containerStatuses":[{"name":"app","restartCount":2,"state":{"running":{"startedAt":"2026-01-01T11:50:01Z"}}}]}""");
        }));

        await node.WhenAsync(p => p.Status.Phase == "Failed");
        var container = node.Kube.Cache(Kinds.Pod).Get(s_pod)!.ToTree()["status"]!["containerStatuses"]![0]!;
        Assert.Equal("137 3", $"{container["state"]!["terminated"]!["exitCode"]} {container["restartCount"]}");
        Assert.DoesNotContain(heard.Lines, l => l.Contains(" Started ", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Pod_AsksForASysctlThatIsNotSafe_WaitsAndIsTold()
    {
        var heard = new HeardEvents();
        await using var node = await TestNode.StartAsync(events: heard, podNetwork: true);

        await node.CreateAsync(TestNode.Shell(
            "sleep 60", pod: p => p["spec"]!["securityContext"] = JsonNode.Parse("""{"sysctls":[{"name":"net.core.somaxconn","value":"99"}]}""")));

        var pod = await node.WhenAsync(p => p.Status.ContainerStatuses.Any(c => c.State.Waiting?.Reason == "SysctlForbidden"));
        Assert.Equal(("Pending", ""), (pod.Status.Phase, pod.Status.PodIP)); // 127.0.0.1 would be the machine's own
        Assert.Equal("False", pod.Status.Conditions.Single(c => c.Type == "PodReadyToStartContainers").Status);
        Assert.Equal("""Warning SysctlForbidden Pod: forbidden sysctl: "net.core.somaxconn" not allowlisted""", Assert.Single(heard.Lines));
    }
}
