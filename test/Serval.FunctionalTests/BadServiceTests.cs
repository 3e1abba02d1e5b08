using Serval.Testing;

namespace Serval.FunctionalTests;

/// <summary>Programs and manifests that cannot work say why, where one looks, and disturb nobody.</summary>
public sealed class BadServiceTests(ServalFixture fixture) : IClassFixture<ServalFixture>
{
    private const string Services = "/apis/serving.knative.dev/v1/namespaces/default/services";

    [Fact]
    public async Task Image_Missing_IsNamed()
    {
        await fixture.Kubectl.ApplyAsync(Manifests.Service("missing-image", image: "dev.local/none:9"));
        await FailedAsync("missing-image", "dev.local/none:9");
    }

    [Fact]
    public async Task Secret_Missing_IsNamed()
    {
        await fixture.Kubectl.ApplyAsync(Manifests.Service("missing-secret", envFrom: """[{"secretRef": {"name": "nosuch"}}]"""));
        await FailedAsync("missing-secret", "nosuch");
    }

    [Fact]
    public async Task Program_Exiting_ShowsCodeAndLastWords()
    {
        await fixture.Kubectl.ApplyAsync(Manifests.Service("exits", """["sh", "-c", "echo starting; echo last words >&2; exit 3"]"""));
        await FailedAsync("exits", "last words");
        var revision = await fixture.Serval.Api.GetAsync("/apis/serving.knative.dev/v1/namespaces/default/revisions/exits-00001");
        Assert.Equal("ExitCode3", KubeHttp.ConditionOf(revision, "Ready", "reason"));
    }

    [Fact]
    public async Task Program_ThatNeverListens_StaysNotReadyAndDisturbsNobody()
    {
        await fixture.ServiceAsync("healthy");
        await fixture.Kubectl.ApplyAsync(Manifests.Service("mute", """["sleep", "1000"]"""));
        await PodSaysAsync("mute", "it listens on no port");
        Assert.NotEqual("True", KubeHttp.ConditionOf(await fixture.Serval.Api.GetAsync($"{Services}/mute"), "Ready"));
        Assert.Equal(200, (await fixture.Serval.InvokeAsync("healthy")).Code);
        await fixture.Kubectl.OkAsync("delete", "ksvc", "mute");
        await fixture.Kubectl.OkAsync("wait", "--for=delete", "pods", "-l", "serving.knative.dev/service=mute", "--timeout=60s");
    }

    [Fact]
    public async Task Program_OnAnotherPort_IsToldWhichPortItShouldOpen()
    {
        await fixture.Kubectl.ApplyAsync(Manifests.Service("deaf", """["httpd", "-f", "-p", "127.0.0.1:18997", "-h", "www"]"""));
        await PodSaysAsync("deaf", "listens on 18997, $PORT is");
        await fixture.Kubectl.OkAsync("delete", "ksvc", "deaf");
    }

    private Task FailedAsync(string name, string text) => fixture.UntilAsync(
        $"{Services}?fieldSelector=metadata.name={name}",
        o => KubeHttp.ConditionOf(o, "Ready") == "False" && KubeHttp.ConditionOf(o, "Ready", "message")!.Contains(text, StringComparison.Ordinal));

    private Task PodSaysAsync(string name, string text) => fixture.UntilAsync(
        $"/api/v1/namespaces/default/pods?labelSelector=serving.knative.dev/service={name}",
        o => KubeHttp.ConditionOf(o, "Ready", "message")?.Contains(text, StringComparison.Ordinal) == true);
}
