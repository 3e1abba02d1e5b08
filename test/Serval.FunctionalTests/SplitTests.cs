using System.Diagnostics;
using System.Text.Json.Nodes;

namespace Serval.FunctionalTests;

/// <summary>Every role in processes of its own. What a test ends it starts again, so that each finds all of them.</summary>
public sealed class SplitTests(SplitTests.Fixture fixture) : IClassFixture<SplitTests.Fixture>
{
    private const string Serving = "/apis/serving.knative.dev/v1/namespaces/default";
    private static readonly string[] s_gateways = ["a", "b"];

    private SplitServal Split => fixture.Split;

    [Fact]
    public async Task Service_AnswersAtBothGateways_GoesToZero_AndWakes()
    {
        await SetGraceAsync("\"6s\"");
        try
        {
            await ApplyAsync("sleepy", annotations: """{"autoscaling.knative.dev/window": "6s"}""");
            foreach (var gateway in s_gateways)
            {
                await AnswersAsync(gateway, "sleepy", "sleepy-00001\n");
            }
            foreach (var gateway in s_gateways)
            {
                await Split.Kubectl.OkAsync("wait", "--for=delete", "pods", "-l", "serving.knative.dev/service=sleepy", "--timeout=60s");
                Assert.Equal((200, "sleepy-00001\n"), await AskAsync(gateway, "sleepy"));
            }
        }
        finally
        {
            await SetGraceAsync("null");
        }
    }

    [Fact]
    public async Task BlueAndGreen_ShareTheHost_WithoutAFailedRequest()
    {
        await ApplyAsync("shade");
        using var stop = new CancellationTokenSource();
        await AnswersAsync("a", "shade", "shade-00001\n");
        await AnswersAsync("b", "shade", "shade-00001\n");
        var asking = Task.WhenAll(s_gateways.Select(g => AskUntilAsync(g, "shade", stop.Token)));
        try
        {
            await ApplyAsync("shade", "2");
            await ApplyAsync("shade", "2", "[{tag: blue, revisionName: shade-00001, percent: 50}, {tag: green, revisionName: shade-00002, percent: 50}]");
            foreach (var gateway in s_gateways)
            {
                await AnswersAsync(gateway, "blue-shade", "shade-00001\n");
                await AnswersAsync(gateway, "green-shade", "shade-00002\n");
                var answers = await Task.WhenAll(Enumerable.Range(0, 100).Select(_ => AskAsync(gateway, "shade")));
                Assert.All(answers, a => Assert.Equal(200, a.Code));
                Assert.InRange(answers.Count(a => a.Text == "shade-00001\n"), 20, 80); // six standard deviations
            }
        }
        finally
        {
            await stop.CancelAsync();
            await ((Task)asking).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        Assert.All((await asking).SelectMany(codes => codes), code => Assert.Equal(200, code));
    }

    [Fact]
    public async Task LeadingController_KilledWhileServicesAreApplied_NoneIsLostOrDoubled()
    {
        var names = Enumerable.Range(0, 8).Select(i => $"many{i}").ToArray();
        var leader = await LeaderAsync();
        await Split.Kubectl.ApplyAsync(string.Concat(names.Take(4).Select(n => Service(n))));
        await Split.KillAsync(Split.Controllers, leader);
        try
        {
            await Split.Kubectl.ApplyAsync(string.Concat(names.Skip(4).Select(n => Service(n))));
            await Split.Kubectl.OkAsync(["wait", "--for=condition=Ready", "--timeout=80s", .. names.Select(n => $"ksvc/{n}")]);
            Assert.NotEqual(leader, await LeaderAsync());
        }
        finally
        {
            await Split.StartControllerAsync(leader);
        }
        foreach (var kind in (string[])["configurations", "routes", "revisions"])
        {
            var made = (await Split.Api.GetAsync($"{Serving}/{kind}"))["items"]!.AsArray().Select(o => (string)o!["metadata"]!["name"]!).Where(n => n.StartsWith("many", StringComparison.Ordinal));
            Assert.Equal(names.Select(n => kind == "revisions" ? n + "-00001" : n), made.Order(StringComparer.Ordinal));
        }
        foreach (var name in names)
        {
            await AnswersAsync("a", name, $"{name}-00001\n");
        }
        await Split.Kubectl.OkAsync(["delete", "--wait=false", .. names.Select(n => $"ksvc/{n}")]);
    }

    [Fact]
    public async Task Gateway_Killed_TheOtherServes()
    {
        await ApplyAsync("steady", annotations: """{"autoscaling.knative.dev/min-scale": "1"}""");
        await AnswersAsync("a", "steady", "steady-00001\n");
        await Split.KillAsync(Split.Gateways, "b");
        try
        {
            Assert.Equal((200, "steady-00001\n"), await AskAsync("a", "steady"));
            await ApplyAsync("steady", "2", annotations: """{"autoscaling.knative.dev/min-scale": "1"}""");
            await AnswersAsync("a", "steady", "steady-00002\n");
        }
        finally
        {
            await Split.StartGatewayAsync("b");
        }
        await AnswersAsync("b", "steady", "steady-00002\n");
    }

    /// <summary>The node that is to end a pod asks a gateway too that takes no new requests.</summary>
    [Fact]
    public async Task Gateway_ToldToStop_AnswersWhatItHasBegun_ThoughThePodIsToGo()
    {
        await SlowAsync("slow-gateway");
        using var begun = await BeginAsync("b", "slow-gateway");
        Split.Gateways.Remove("b", out var gateway);
        var stopping = gateway!.StopAsync();
        await UntilAsync(
            "/apis/coordination.k8s.io/v1/namespaces/knative-serving/leases?fieldSelector=metadata.name=serval-gateway-b",
            lease => (string?)lease["metadata"]!["annotations"]!["serval.dev/leaving"] == "true");
        await Split.Kubectl.OkAsync("delete", "pods", "-l", "serving.knative.dev/service=slow-gateway", "--wait=false");
        await begun.UntilAsync("done\n");
        Assert.Equal(0, await stopping);
        await Split.Kubectl.RefusedAsync(null, "get", "lease", "serval-gateway-b", "-n", "knative-serving");
        await gateway.DisposeAsync();
        await Split.StartGatewayAsync("b");
    }

    [Fact]
    public async Task Node_ToldToStop_AnswersWhatItHasBegun()
    {
        await SlowAsync("slow-node");
        var name = await Split.Kubectl.OkAsync("get", "pods", "-l", "serving.knative.dev/service=slow-node", "-o", "jsonpath={.items[0].spec.nodeName}");
        using var begun = await BeginAsync("a", "slow-node");
        Split.Nodes.Remove(name, out var node);
        var stopping = node!.StopAsync();
        await begun.UntilAsync("done\n");
        Assert.Equal(0, await stopping);
        await node.DisposeAsync();
        await Split.StartNodeAsync(name);
    }

    [Fact]
    public async Task ApiServer_Killed_GatewaysServeOn_AndAllCatchUp()
    {
        await ApplyAsync("lasting", annotations: """{"autoscaling.knative.dev/min-scale": "1"}""");
        await AnswersAsync("a", "lasting", "lasting-00001\n");
        await AnswersAsync("b", "lasting", "lasting-00001\n");
        await Split.ApiServer.KillAsync();
        try
        {
            foreach (var gateway in s_gateways)
            {
                Assert.Equal((200, "lasting-00001\n"), await AskAsync(gateway, "lasting"));
            }
        }
        finally
        {
            await Split.RestartApiServerAsync();
        }
        await ApplyAsync("lasting", "2", annotations: """{"autoscaling.knative.dev/min-scale": "1"}""");
        foreach (var gateway in s_gateways)
        {
            await AnswersAsync(gateway, "lasting", "lasting-00002\n");
        }
    }

    /// <summary>A service that begins its answers at once and ends them after a while.</summary>
    private async Task SlowAsync(string name)
    {
        var env = """[{"name": "ANSWER", "value": "while read -r line && [ ${#line} -gt 1 ]; do :; done; printf 'HTTP/1.1 200 OK\\r\\nConnection: close\\r\\n\\r\\nbegun\\n'; ./busybox sleep 6; echo done"}]""";
        const string Args = """["sh", "-c", "exec ./busybox nc -ll -p $(PORT) -e ./busybox sh -c \"$ANSWER\""]""";
        await Split.Kubectl.ApplyAsync(Manifests.Service(name, Args, env, """{"autoscaling.knative.dev/min-scale": "1"}"""));
        await UntilAsync($"{Serving}/services?fieldSelector=metadata.name={name}", KubeHttp.IsReady);
    }

    private async Task<Wire> BeginAsync(string gateway, string service)
    {
        var begun = await Wire.SendingAsync(Split.GatewayPort(gateway), $"GET / HTTP/1.1\r\nHost: {service}.default.localhost\r\nConnection: close\r\n\r\n");
        await begun.UntilAsync("begun\n");
        return begun;
    }

    /// <summary>A service that says which revision answers. With a network of its own a pod is reached at its address.</summary>
    private static string Service(string name, string step = "1", string traffic = "[{latestRevision: true, percent: 100}]", string annotations = "{}") =>
        Saying.Service(name, Saying.Template(step, annotations: annotations), traffic).Replace("127.0.0.1:$PORT", "$PORT", StringComparison.Ordinal);

    private async Task ApplyAsync(string name, string step = "1", string traffic = "[{latestRevision: true, percent: 100}]", string annotations = "{}")
    {
        await Split.Kubectl.ApplyAsync(Service(name, step, traffic, annotations));
        await UntilAsync($"{Serving}/services?fieldSelector=metadata.name={name}", KubeHttp.IsReady);
    }

    private Task SetGraceAsync(string json) => Split.Kubectl.OkAsync(
        "patch", "configmap", "config-autoscaler", "-n", "knative-serving", "--type=merge", "-p", $$"""{"data":{"scale-to-zero-grace-period":{{json}} } }""");

    private async Task<(int Code, string Text)> AskAsync(string gateway, string service)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        var (code, text) = await RawHttp.GetAsync(Split.GatewayPort(gateway), $"{service}.default.localhost", "/", patience.Token);
        var head = text.IndexOf("\r\n\r\n", StringComparison.Ordinal);
        return (code, head < 0 ? $"cut: '{text}'" : text[(head + 4)..]);
    }

    /// <summary>Asks until it answers so: routes reach a gateway a moment after they are stored.</summary>
    private async Task AnswersAsync(string gateway, string service, string text)
    {
        var clock = Stopwatch.StartNew();
        (int, string) last;
        do
        {
            last = await AskAsync(gateway, service);
        }
        while (last != (200, text) && clock.Elapsed < TimeSpan.FromSeconds(20));
        Assert.Equal((200, text), last);
    }

    private async Task<List<int>> AskUntilAsync(string gateway, string service, CancellationToken ct)
    {
        var codes = new List<int>();
        while (!ct.IsCancellationRequested)
        {
            codes.Add((await AskAsync(gateway, service)).Code);
        }
        return codes;
    }

    /// <summary>The controller that holds the lease.</summary>
    private async Task<string> LeaderAsync()
    {
        string? leader = null;
        await UntilAsync(
            "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases?fieldSelector=metadata.name=serval-controller",
            lease => (leader = Split.Controllers.FirstOrDefault(c => (string?)c.Value.Ready["identity"] == (string?)lease["spec"]!["holderIdentity"]).Key) is not null);
        return leader!;
    }

    private async Task UntilAsync(string path, Func<JsonObject, bool> wanted)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(80));
        var last = "nothing";
        try
        {
            await Split.Api.WatchUntilAsync(
                path,
                (type, obj) =>
                {
                    last = $"{type} {obj.ToJsonString()}";
                    return wanted(obj);
                },
                patience.Token);
        }
        catch (OperationCanceledException)
        {
            Assert.Fail($"{path} did not become what was waited for; last seen: {last}; the processes said: {Split.Errors}");
        }
    }

    /// <summary>The processes of the class. None may have logged an error.</summary>
    public sealed class Fixture : IAsyncLifetime
    {
        internal SplitServal Split { get; private set; } = null!; // set by InitializeAsync, before any test

        public async Task InitializeAsync() => Split = await SplitServal.StartAsync();

        public async Task DisposeAsync()
        {
            if (Split is null)
            {
                return; // they did not start, and were ended
            }
            await Split.DisposeAsync();
            ServalFixture.NoComplaints(Split.Errors);
        }
    }
}
