using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Kube;
using Serval.Node.Processes;

namespace Serval.Node.Tests;

public sealed class RestartTests
{
    [Fact]
    public async Task Container_CrashesAndComesBackInPlace_IsReadyAgainAndNeverGone()
    {
        await using var node = await TestNode.StartAsync();
        await node.CreateAsync(TestNode.Shell("echo pid $$$$; exec busybox httpd -f -p 127.0.0.1:$PORT -h /", TestNode.Port8080));
        var port = (await node.WhenSignalAsync(InstanceState.Ready)).Ports[8080];
        var pid = int.Parse((await node.LogAsync("\n")).Split(' ')[1]);

        _ = Libc.kill(pid, Libc.SIGKILL);

        var states = await node.WhenSignalsEndAsync(InstanceState.Ready, InstanceState.Draining, InstanceState.Ready);
        Assert.Equal(3, states.Count);
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, port);
        await node.Kube.DeleteAsync(Kinds.Pod, new ObjectKey("default", "p1"), DeleteOptions.Background);
        await node.WhenSignalsEndAsync(InstanceState.Draining, InstanceState.Gone);
    }

    [Theory]
    [InlineData("Never", "exit 0")]
    [InlineData("Never", "exit 1")]
    [InlineData("OnFailure", "exit 0")]
    public async Task Container_EndedForGood_IsNotStartedAgainWhenAnotherEnds(string policy, string end)
    {
        await using var node = await TestNode.StartAsync();
        var (runs, flag) = (Path.Combine(node.Data, "runs"), Path.Combine(node.Data, "flag"));
        await node.CreateAsync(TestNode.Shell($"echo run >> {runs}; {end}", pod: p =>
        {
            p["spec"]!["restartPolicy"] = policy;
            Add(p, "second", $"until test -e {flag}; do sleep 0.01; done");
            Add(p, "third", "sleep 60");
        }));
        await node.WhenAsync(p => p.Status.ContainerStatuses.Any(c => c is { Name: "app", State.Terminated: not null }));

        await File.WriteAllTextAsync(flag, "");

        var pod = await node.WhenAsync(p => p.Status.ContainerStatuses.Any(c => c is { Name: "second", State.Terminated: not null }));
        Assert.All(pod.Status.ContainerStatuses, c => Assert.Equal(0, c.RestartCount));
        Assert.Equal("Running", pod.Status.Phase);
        Assert.Equal("run\n", await File.ReadAllTextAsync(runs));
    }

    private static void Add(JsonObject pod, string name, string script) => pod["spec"]!["containers"]!.AsArray().Add(new JsonObject
    {
        ["name"] = name, ["image"] = "test/app@sha256:1234", ["command"] = new JsonArray { "/bin/sh", "-c", script },
    });
}
