namespace Serval.FunctionalTests;

/// <summary>A Knative Service from its first apply to its deletion.</summary>
public sealed class KnativeServiceTests(ServalFixture fixture) : IClassFixture<ServalFixture>
{
    [Fact]
    public async Task Service_Applied_AnswersUpdatesAndLeavesNothing()
    {
        await fixture.ServiceAsync("x");
        var (code, text) = await fixture.Serval.InvokeAsync("x");
        Assert.Equal(200, code);
        Assert.Contains("hello from busybox", text, StringComparison.Ordinal);
        Assert.Equal($"http://x.default.localhost:{fixture.Serval.GatewayPort}", await fixture.Kubectl.OkAsync("get", "ksvc", "x", "-o", "jsonpath={.status.url}"));
        Assert.Equal("x-00001", await fixture.Kubectl.OkAsync("get", "ksvc", "x", "-o", "jsonpath={.status.latestReadyRevisionName}"));
        Assert.StartsWith(
            "dev.local/bb@sha256:",
            await fixture.Kubectl.OkAsync("get", "revision", "x-00001", "-o", "jsonpath={.status.containerStatuses[0].imageDigest}"),
            StringComparison.Ordinal);

        await fixture.Kubectl.ApplyAsync(Manifests.Service("x", env: """[{"name": "A", "value": "2"}]"""));
        await fixture.UntilAsync(
            "/apis/serving.knative.dev/v1/namespaces/default/services?fieldSelector=metadata.name=x",
            o => (string?)o["status"]?["traffic"]?[0]?["revisionName"] == "x-00002" && Testing.KubeHttp.IsReady(o));
        await fixture.AnswersAsync("x", 200);

        await fixture.Kubectl.OkAsync("delete", "ksvc", "x");
        await fixture.Kubectl.OkAsync(
            "wait", "--for=delete", "pods,deployments,routes,configurations,revisions,ingresses.networking.internal.knative.dev", "-l", "serving.knative.dev/service=x", "--timeout=60s");
        foreach (var kind in new[] { "pods", "deployments", "routes", "revisions" })
        {
            Assert.Empty(await fixture.Kubectl.OkAsync("get", kind, "-l", "serving.knative.dev/service=x", "-o", "name"));
        }
        await fixture.AnswersAsync("x", 404);
    }

    [Fact]
    public async Task Service_AppliedTwice_StaysWhatItIs()
    {
        await fixture.ServiceAsync("twice");
        const string fields = "jsonpath={.metadata.generation} {.spec} {.status.latestCreatedRevisionName}";
        var before = await fixture.Kubectl.OkAsync("get", "ksvc", "twice", "-o", fields);
        await fixture.Kubectl.ApplyAsync(Manifests.Service("twice"));
        Assert.Equal(before, await fixture.Kubectl.OkAsync("get", "ksvc", "twice", "-o", fields));
        Assert.Equal("revision.serving.knative.dev/twice-00001\n", await fixture.Kubectl.OkAsync("get", "rev", "-l", "serving.knative.dev/service=twice", "-o", "name"));
    }
}
