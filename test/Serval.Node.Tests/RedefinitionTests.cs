using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Core;

namespace Serval.Node.Tests;

/// <summary>What becomes of a pod whose spec changes while it is here, and what its status says it is of.</summary>
public sealed class RedefinitionTests
{
    private static readonly ObjectKey s_pod = new("default", "p1");
    private static readonly string[] s_conditions = ["ContainersReady", "Initialized", "PodReadyToStartContainers", "PodScheduled", "Ready"];

    /// <summary>kubernetes pkg/kubelet/status: what it says is of the pod's generation, also when nothing else is new.</summary>
    [Fact]
    public async Task Status_SaysWhichGenerationItIsOf()
    {
        await using var node = await TestNode.StartAsync();
        await node.CreateAsync(TestNode.Shell("exec sleep 60", pod: p =>
        {
            p["metadata"]!["generation"] = 1;
            p["status"] = JsonNode.Parse("""{"conditions":[{"type":"example.com/Mine","status":"True","observedGeneration":1}]}""");
        }));
        Assert.Equal(
            s_conditions.Append("example.com/Mine").Select(c => (c, 1L)), Generations(await node.WhenAsync(p => Observed(p) == 1 && p.Status.Phase == "Running")));

        await node.PatchAsync("""{"metadata":{"generation":2},"spec":{"activeDeadlineSeconds":60}}""");

        var next = await node.WhenAsync(p => Observed(p) == 2);
        Assert.Equal([.. s_conditions.Select(c => (c, 2L)), ("example.com/Mine", 1L)], Generations(next));
        Assert.Equal(0, next.Status.ContainerStatuses[0].RestartCount);
    }

    /// <summary>API servers before 1.33 count no generations of pods.</summary>
    [Fact]
    public async Task Status_OfAPodWithoutAGeneration_SaysNone()
    {
        await using var node = await TestNode.StartAsync();
        await node.CreateAsync(TestNode.Shell("exec sleep 60"));
        var running = await node.WhenAsync(p => p.Status.Phase == "Running");
        Assert.False(Tree(node)["status"]!.AsObject().ContainsKey("observedGeneration"));
        Assert.All(Generations(running), c => Assert.Equal(0, c.Generation));
    }

    /// <summary>kuberuntime: computePodActions. The program is replaced whatever the restart policy.</summary>
    [Theory]
    [InlineData("Never")]
    [InlineData("Always")]
    public async Task Image_ThatChanges_ReplacesTheProgram(string policy)
    {
        var events = new HeardEvents();
        await using var node = await TestNode.StartAsync(events: events);
        await node.CreateAsync(TestNode.Shell("echo up; exec sleep 60", pod: p => p["spec"]!["restartPolicy"] = policy));
        await node.LogAsync("up");

        await node.PatchAsync(Image("test/next:2"));

        var pod = await node.WhenAsync(p => p.Status.ContainerStatuses.Any(c => c is { RestartCount: 1, State.Running: not null }));
        Assert.Equal(("Running", "test/next:2", 143), (pod.Status.Phase, pod.Status.ContainerStatuses[0].Image, pod.Status.ContainerStatuses[0].LastState.Terminated?.ExitCode));
        Assert.Contains("Normal Killing spec.containers{app}: Container app definition changed, will be restarted", events.Lines);
        Assert.Contains("Normal Pulled spec.containers{app}: Container image \"test/next:2\" already present on machine", events.Lines);
    }

    [Fact]
    public async Task Image_ThatIsMissing_AndChanges_IsNotWaitedForAnyLonger()
    {
        await using var node = new TestNode(new ManualTime()) { MissingImage = "gone" };
        await node.Agent.StartAsync(CancellationToken.None);
        await node.CreateAsync(TestNode.Shell("echo up; exec sleep 60"));
        await node.WhenAsync(p => p.Status.ContainerStatuses.Any(c => c.State.Waiting?.Reason == "ImagePullBackOff"));

        node.MissingImage = null;
        await node.PatchAsync(Image("test/next:2"));

        Assert.Equal("up\n", await node.LogAsync("up\n"));
    }

    [Fact]
    public async Task Image_ThatChangesBeforeThePodIsSetUp_IsTheFirstThatRuns()
    {
        var (time, events) = (new ManualTime(), new HeardEvents());
        await using var node = await TestNode.StartAsync(time, events: events);
        var pods = Path.Combine(node.Data, "pods");
        Directory.Delete(pods);
        await File.WriteAllTextAsync(pods, "no directory");
        await node.CreateAsync(TestNode.Shell("echo up; exec sleep 60", pod: p =>
        {
            p["metadata"]!["generation"] = 1;
            p["spec"]!["initContainers"] = Init("test/init:1");
        }));
        await node.WhenAsync(p => p.Status.ContainerStatuses.Any(c => c.State.Waiting?.Reason == "CreateContainerError"));
        await node.PatchAsync(Image("test/next:2"));
        File.Delete(pods);

        time.Advance(TimeSpan.FromMinutes(5));

        var pod = await node.WhenAsync(p => p.Status.ContainerStatuses.Any(c => c.State.Running is not null));
        Assert.Equal(
            ("test/next:2", 0, "Completed"),
            (pod.Status.ContainerStatuses[0].Image, pod.Status.ContainerStatuses[0].RestartCount, pod.Status.InitContainerStatuses[0].State.Terminated?.Reason));
        Assert.Single(events.Lines, l => l.StartsWith("Normal Started spec.containers{app}", StringComparison.Ordinal));
    }

    /// <summary>It has done its work: nobody runs it again.</summary>
    [Fact]
    public async Task Image_OfAnInitContainer_ThatIsDone_ChangesNothing()
    {
        await using var node = await TestNode.StartAsync();
        await node.CreateAsync(TestNode.Shell("echo up; exec sleep 60", pod: p =>
        {
            p["metadata"]!["generation"] = 1;
            p["spec"]!["initContainers"] = Init("test/init:1");
        }));
        await node.WhenAsync(p => p.Status.Phase == "Running");

        await node.PatchAsync(new JsonObject { ["metadata"] = new JsonObject { ["generation"] = 2 }, ["spec"] = new JsonObject { ["initContainers"] = Init("test/init:2") } }.ToJsonString());

        var pod = await node.WhenAsync(p => Observed(p) == 2);
        Assert.Equal("Running", pod.Status.Phase);
        Assert.All(pod.Status.ContainerStatuses.Concat(pod.Status.InitContainerStatuses), c => Assert.Equal(0, c.RestartCount));
    }

    private static JsonArray Init(string image) =>
        [new JsonObject { ["name"] = "first", ["image"] = image, ["command"] = new JsonArray { "/bin/true" } }];

    private static string Image(string image) => new JsonObject
    {
        ["spec"] = new JsonObject
        {
            ["containers"] = new JsonArray
            {
                new JsonObject { ["name"] = "app", ["image"] = image, ["command"] = new JsonArray { "/bin/sh", "-c", "echo up; exec sleep 60" } },
            },
        },
    }.ToJsonString();

    private static long Observed(Pod pod) => pod.Status.ObservedGeneration;

    private static IEnumerable<(string Type, long Generation)> Generations(Pod pod) =>
        pod.Status.Conditions.Select(c => (c.Type, c.ObservedGeneration)).OrderBy(c => c.Type, StringComparer.Ordinal);

    private static JsonObject Tree(TestNode node) => node.Kube.Cache(Kinds.Pod).Get(s_pod)!.ToTree();
}
