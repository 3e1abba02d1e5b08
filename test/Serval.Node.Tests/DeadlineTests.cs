using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Kube;

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
        await node.Kube.PatchAsync(
            Kinds.Pod, s_pod, new KubePatch(PatchType.Merge, """{"spec":{"activeDeadlineSeconds":5}}"""u8.ToArray()), WriteOptions.By("test"));
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
        await using var node = await TestNode.StartAsync(events: heard);

        await node.CreateAsync(TestNode.Shell(
            "sleep 60", pod: p => p["spec"]!["securityContext"] = JsonNode.Parse("""{"sysctls":[{"name":"net.core.somaxconn","value":"99"}]}""")));

        var pod = await node.WhenAsync(p => p.Status.ContainerStatuses.Any(c => c.State.Waiting?.Reason == "SysctlForbidden"));
        Assert.Equal("Pending", pod.Status.Phase);
        Assert.Equal("""Warning SysctlForbidden Pod: forbidden sysctl: "net.core.somaxconn" not allowlisted""", Assert.Single(heard.Lines));
    }
}
