using System.Text.Json.Nodes;

namespace Serval.FunctionalTests;

/// <summary>Routes to revisions that fail or are gone: what can be served is served, and the rest is said. (One that never was: <see cref="WhyTests"/>.)</summary>
public sealed class BadRouteTests(ServalFixture fixture) : IClassFixture<ServalFixture>
{
    private const string Services = "/apis/serving.knative.dev/v1/namespaces/default/services";

    [Fact]
    public async Task Route_ToAFailingRevision_KeepsItsTraffic_AndMovesWhenPointedBack()
    {
        await fixture.ServiceAsync("pinned");
        await ApplyAsync("pinned", "pinned-00002:100", """["sh", "-c", "exit 3"]""");
        await SaysAsync("pinned", """Revision "pinned-00002" failed to become ready.""");
        Assert.Equal("pinned-00001:100", await TrafficAsync("pinned"));
        await Task.WhenAll(Enumerable.Range(0, 20).Select(async _ => Assert.Equal(200, (await fixture.Serval.InvokeAsync("pinned")).Code)));

        await TrafficAsync("pinned", "pinned-00001:100");
        await fixture.UntilAsync($"{Services}?fieldSelector=metadata.name=pinned", o => KubeHttp.ConditionOf(o, "RoutesReady") == "True");
        await fixture.AnswersAsync("pinned", 200);
        await fixture.Kubectl.OkAsync("delete", "ksvc", "pinned");
    }

    /// <summary>As Knative: the share of what is gone answers 503 until the route is mended, the other's goes on.</summary>
    [Fact]
    public async Task Route_ToARevisionThatWasCollected_ServesTheOther_AndSaysWhichIsGone()
    {
        await fixture.ServiceAsync("halves");
        await ApplyAsync("halves", "halves-00001:50 halves-00002:50", Manifests.Httpd);
        await fixture.ReadyAsync("halves");
        await fixture.Kubectl.OkAsync("delete", "revision", "halves-00001");
        await SaysAsync("halves", """Revision "halves-00001" referenced in traffic not found.""");
        var codes = await Task.WhenAll(Enumerable.Range(0, 60).Select(async _ => (await fixture.Serval.InvokeAsync("halves")).Code));
        Assert.All(codes, c => Assert.True(c is 200 or 503, $"{c}"));
        Assert.InRange(codes.Count(c => c == 200), 10, 50);

        await TrafficAsync("halves", "halves-00002:100");
        await fixture.ReadyAsync("halves");
        await fixture.AnswersAsync("halves", 200);
        await Task.WhenAll(Enumerable.Range(0, 20).Select(async _ => Assert.Equal(200, (await fixture.Serval.InvokeAsync("halves")).Code)));
        await fixture.Kubectl.OkAsync("delete", "ksvc", "halves");
    }

    private Task ApplyAsync(string name, string traffic, string args) => fixture.Kubectl.ApplyAsync(
        $"{Manifests.Service(name, args, """[{"name": "A", "value": "2"}]""", """{"serving.knative.dev/progress-deadline": "6s"}""")}\n  traffic: {Targets(traffic)}\n");

    private Task TrafficAsync(string name, string traffic) =>
        fixture.Kubectl.OkAsync("patch", "ksvc", name, "--type=merge", "-p", $$"""{"spec":{"traffic":{{Targets(traffic)}}} }""");

    private static string Targets(string traffic) => new JsonArray(
        [.. traffic.Split(' ').Select(t => t.Split(':')).Select(t => new JsonObject { ["revisionName"] = t[0], ["percent"] = int.Parse(t[1]) })]).ToJsonString();

    private Task SaysAsync(string name, string message) => fixture.UntilAsync(
        $"{Services}?fieldSelector=metadata.name={name}",
        o => KubeHttp.ConditionOf(o, "RoutesReady") == "False" && KubeHttp.ConditionOf(o, "RoutesReady", "reason") == "RevisionMissing" && KubeHttp.ConditionOf(o, "RoutesReady", "message") == message);

    private Task<string> TrafficAsync(string name) =>
        fixture.Kubectl.OkAsync("get", "ksvc", name, "-o", "jsonpath={range .status.traffic[*]}{.revisionName}:{.percent}{end}");
}
