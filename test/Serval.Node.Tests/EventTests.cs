using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Kube;

namespace Serval.Node.Tests;

/// <summary>What a pod tells of itself; reasons and words are kubelet's.</summary>
public sealed class EventTests
{
    private const string App = "spec.containers{app}: ";

    private readonly HeardEvents _events = new();

    [Fact]
    public async Task Pod_FromStartToEnd_TellsItsSteps()
    {
        await using var node = await TestNode.StartAsync(events: _events);
        var pod = await node.CreateAsync(TestNode.Shell("echo up; exec sleep 60"));
        await node.LogAsync("up");
        await _events.WhenAsync("Started");
        Assert.Equal(
            [
                $"Normal Pulled {App}Container image \"test/app@sha256:1234\" already present on machine",
                $"Normal Created {App}Created container: app",
                $"Normal Started {App}Started container app",
            ],
            _events.Lines);
        Assert.Equal(new EventSource("kubelet", "node-1"), _events.Last.Source);
        Assert.Equal(("v1", "Pod", "default", "p1", pod.Metadata.Uid),
            (_events.Last.About.ApiVersion, _events.Last.About.Kind, _events.Last.About.Namespace, _events.Last.About.Name, _events.Last.About.Uid));

        await node.Kube.DeleteAsync(Kinds.Pod, pod.Key, DeleteOptions.Background);
        await node.WhenGoneAsync();
        Assert.Equal([$"Normal Killing {App}Stopping container app"], _events.Lines.Skip(3));
    }

    [Fact]
    public async Task InitContainer_IsNamedAsSuch()
    {
        await using var node = await TestNode.StartAsync(events: _events);
        await node.CreateAsync(TestNode.Shell("sleep 60", pod: p => p["spec"]!["initContainers"] = new JsonArray
        {
            new JsonObject { ["name"] = "first", ["image"] = "test/init:1", ["command"] = new JsonArray { "/bin/true" } },
        }));
        await _events.WhenAsync($"Started {App}");
        Assert.Contains("Normal Started spec.initContainers{first}: Started container first", _events.Lines);
    }

    [Fact]
    public async Task Container_ThatEndsAgainAndAgain_BacksOff()
    {
        await using var node = await TestNode.StartAsync(events: _events);
        var pod = await node.CreateAsync(TestNode.Shell("exit 1"));
        await _events.WhenAsync($"Warning BackOff {App}Back-off restarting failed container app in pod p1_default({pod.Metadata.Uid})");
        Assert.Equal(2, _events.Lines.Count(l => l.StartsWith("Normal Started", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("IfNotPresent", "Warning Failed {0}Failed to pull image \"test/app@sha256:1234\": gone", "Normal BackOff {0}Back-off pulling image \"test/app@sha256:1234\"", "Warning Failed {0}Error: ImagePullBackOff")]
    [InlineData("Never", "Warning ErrImageNeverPull {0}Container image \"test/app@sha256:1234\" is not present with pull policy of Never", "Warning Failed {0}Error: ErrImageNeverPull")]
    public async Task Image_ThatIsMissing_IsToldAsUpstreamTellsIt(string policy, params string[] lines)
    {
        await using var node = new TestNode(events: _events) { MissingImage = "gone" };
        await node.Agent.StartAsync(CancellationToken.None);
        await node.CreateAsync(TestNode.Shell("true", c => c["imagePullPolicy"] = policy));
        await _events.WhenAsync("Error: ");
        Assert.Equal(lines.Select(l => string.Format(l, App)), _events.Lines);
    }

    [Fact]
    public async Task Reference_ThatIsMissing_IsToldForContainerAndVolume()
    {
        await using var node = await TestNode.StartAsync(allowMounts: true, events: _events);
        await node.CreateAsync(TestNode.Shell("true", c => c["envFrom"] = JsonNode.Parse("""[{"configMapRef":{"name":"absent"}}]""")));
        await _events.WhenAsync($"Warning Failed {App}Error: configmap \"absent\" not found");
        var mounting = TestNode.Shell(
            "true", c => c["volumeMounts"] = JsonNode.Parse("""[{"name":"v","mountPath":"/v"}]"""),
            p =>
            {
                p["metadata"]!["name"] = "p2";
                p["spec"]!["volumes"] = JsonNode.Parse("""[{"name":"v","secret":{"secretName":"absent"}}]""");
            });
        await node.CreateAsync(mounting);
        await _events.WhenAsync("Warning FailedMount Pod: MountVolume.SetUp failed for volume \"v\": secret \"absent\" not found");
    }

    [Fact]
    public async Task Liveness_Failing_TellsEachRunAndTheKill()
    {
        var time = new ManualTime();
        await using var node = await TestNode.StartAsync(time, events: _events);
        await node.CreateAsync(TestNode.Shell("echo up; sleep 60", c => c["livenessProbe"] = JsonNode.Parse(
            """{"exec":{"command":["sh","-c","echo broken; exit 1"]},"periodSeconds":5,"failureThreshold":2}""")));
        await node.LogAsync("up");
        var killed = _events.WhenAsync("will be restarted");
        await StepAsync(time, TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(5), killed);
        var told = _events.Lines.Where(l => l.Contains("Unhealthy", StringComparison.Ordinal) || l.Contains("Killing", StringComparison.Ordinal)).ToList();
        Assert.Equal(
            [
                $"Warning Unhealthy {App}Liveness probe failed: command exited with 1: broken",
                $"Warning Unhealthy {App}Liveness probe failed: command exited with 1: broken",
                $"Normal Killing {App}Container app failed liveness probe, will be restarted",
            ],
            told.Take(3));
    }

    [Fact]
    public async Task Readiness_FailingWithinTheFirstPeriod_IsNoNews_LaterItIs()
    {
        var time = new ManualTime();
        await using var node = await TestNode.StartAsync(time, events: _events);
        await node.CreateAsync(TestNode.Shell("sleep 60", c => c["readinessProbe"] = JsonNode.Parse(
            """{"exec":{"command":["sh","-c","echo no; exit 1"]},"periodSeconds":10}""")));
        var told = _events.WhenAsync($"Warning Unhealthy {App}Readiness probe failed: command exited with 1: no");
        await node.WhenAsync(p => TestNode.Ready(p).Message.Contains("command exited with 1", StringComparison.Ordinal));
        Assert.DoesNotContain(_events.Lines, l => l.Contains("Unhealthy", StringComparison.Ordinal));
        await StepAsync(time, TimeSpan.FromMilliseconds(20), TimeSpan.FromSeconds(11), told);
    }

    /// <summary>Moves the clock by so much whenever something waits for <paramref name="pause"/>, that is between runs of the probe, until that is done.</summary>
    private static async Task StepAsync(ManualTime time, TimeSpan pause, TimeSpan by, Task until)
    {
        while (await Task.WhenAny(until, time.WhenAwaitedAsync(pause)) != until)
        {
            time.Jump(by);
        }
        await until;
    }
}
