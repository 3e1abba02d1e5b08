
namespace Serval.FunctionalTests;

/// <summary>Programs and manifests that cannot work say why, where one looks, and disturb nobody.</summary>
public sealed class BadServiceTests(ServalFixture fixture) : IClassFixture<ServalFixture>
{
    private const string Services = "/apis/serving.knative.dev/v1/namespaces/default/services";

    /// <summary>TestContainerErrorMsg and TestImagePullError: said on the Service and all its children.</summary>
    [Fact]
    public async Task Image_Missing_IsNamed()
    {
        await fixture.Kubectl.ApplyAsync(Manifests.Service("missing-image", image: "dev.local/none:9"));
        await FailedAsync("missing-image", "dev.local/none:9");
        foreach (var child in new[] { "configurations/missing-image", "revisions/missing-image-00001", "routes/missing-image" })
        {
            await fixture.UntilAsync(
                $"/apis/serving.knative.dev/v1/namespaces/default/{child.Split('/')[0]}?fieldSelector=metadata.name={child.Split('/')[1]}",
                o => KubeHttp.ConditionOf(o, "Ready") == "False" && KubeHttp.ConditionOf(o, "Ready", "reason") is { Length: > 0 } && KubeHttp.ConditionOf(o, "Ready", "message") is { Length: > 0 });
        }
    }

    /// <summary>A digest is not looked up before: the pod says that there is no such content.</summary>
    [Fact]
    public async Task Image_MissingByItsDigest_FailsThePod()
    {
        var image = "dev.local/bb@sha256:" + new string('0', 64);
        await fixture.Kubectl.ApplyAsync(Manifests.Service("missing-digest", image: image));
        await FailedAsync("missing-digest", image);
        Assert.Equal(
            $"ImagePullBackOff {image}",
            await fixture.Kubectl.OkAsync("get", "revision", "missing-digest-00001", "-o", """jsonpath={.status.conditions[?(@.type=="Ready")].reason} {.status.containerStatuses[0].imageDigest}"""));
        Assert.Equal("RevisionFailed", await fixture.Kubectl.OkAsync("get", "configuration", "missing-digest", "-o", """jsonpath={.status.conditions[?(@.type=="Ready")].reason}"""));
    }

    [Fact]
    public async Task Secret_Missing_IsNamed()
    {
        await fixture.Kubectl.ApplyAsync(Manifests.Service("missing-secret", envFrom: """[{"secretRef": {"name": "nosuch"}}]"""));
        await FailedAsync("missing-secret", "nosuch");
    }

    /// <summary>What cannot start says why on its revision and on its service, in kubelet's words and with what helps.</summary>
    [Theory]
    [InlineData("no-config-env", "env: [{name: A, valueFrom: {configMapKeyRef: {name: nosuch, key: k}}}]", "CreateContainerConfigError", "configmap \"nosuch\" not found; create it")]
    [InlineData("no-secret-env", "env: [{name: A, valueFrom: {secretKeyRef: {name: nosuch, key: k}}}]", "CreateContainerConfigError", "secret \"nosuch\" not found; create it")]
    [InlineData("no-key-env", "env: [{name: A, valueFrom: {configMapKeyRef: {name: present, key: nosuch}}}]", "CreateContainerConfigError", "couldn't find key nosuch in ConfigMap default/present; add it there")]
    [InlineData("no-secret-volume", "volumeMounts: [{name: v, mountPath: /etc/v}]\n      volumes: [{name: v, secret: {secretName: nosuch}}]", "CreateContainerConfigError", "secret \"nosuch\" not found")]
    [InlineData("no-config-volume", "volumeMounts: [{name: v, mountPath: /etc/v}]\n      volumes: [{name: v, configMap: {name: nosuch}}]", "CreateContainerConfigError", "configmap \"nosuch\" not found")]
    [InlineData("no-key-volume", "volumeMounts: [{name: v, mountPath: /etc/v}]\n      volumes: [{name: v, configMap: {name: present, items: [{key: nosuch, path: x}]}}]", "CreateContainerConfigError", "configmap \"present\" references non-existent config key: nosuch; add the key")]
    [InlineData("outside-volume", "volumeMounts: [{name: v, mountPath: /etc/v}]\n      volumes: [{name: v, configMap: {name: present, items: [{key: a, path: ../../x}]}}]", "FailedCreate", "items[0].path: Invalid value: \"../../x\": must not contain '..'")]
    [InlineData("outside-subpath", "volumeMounts: [{name: v, mountPath: /etc/v, subPath: ../x}]\n      volumes: [{name: v, configMap: {name: present}}]", "FailedCreate", "subPath: Invalid value: \"../x\": must not contain '..'")]
    [InlineData("strange-resource", "resources: {limits: {foo: 1}}", "FailedCreate", "resources.limits[foo]: Invalid value: \"foo\": must be a standard resource type or fully qualified")]
    [InlineData("no-program", "command: [/no/such/program]", "CreateContainerError", "\"/no/such/program\": executable file not found in image")]
    [InlineData("no-executable", "command: [www/index.html]", "CreateContainerError", "is not an executable file; make it one (chmod +x)")]
    [InlineData("no-directory", "workingDir: /nowhere", "CreateContainerError", "working directory /nowhere does not exist in image")]
    public async Task Container_ThatCannotStart_SaysWhyAndDisturbsNobody(string name, string container, string reason, string message)
    {
        await fixture.ServiceAsync("healthy");
        await fixture.Kubectl.ApplyAsync(Manifests.ConfigMap("present"));
        await fixture.Kubectl.ApplyAsync(Manifests.Service(name, env: "").Replace("        env: \n", "", StringComparison.Ordinal)
            .Replace("        envFrom: []", "        " + container, StringComparison.Ordinal));
        await FailedAsync(name, message);
        await RevisionFailedAsync(name, reason);
        Assert.Equal(200, (await fixture.Serval.InvokeAsync("healthy")).Code);
        await fixture.Kubectl.OkAsync("delete", "ksvc", name);
    }

    [Fact]
    public async Task Secret_CreatedLater_HealsTheService()
    {
        await fixture.Kubectl.ApplyAsync(Manifests.Service("patient", envFrom: """[{"secretRef": {"name": "late"}}]"""));
        await FailedAsync("patient", "secret \"late\" not found");
        await fixture.Kubectl.ApplyAsync("""{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "late"}, "stringData": {"A": "1"}}""");
        await fixture.ReadyAsync("patient");
    }

    /// <summary>A program nobody can reach is a failure when its time is over, and says what it did instead.</summary>
    [Theory]
    [InlineData("unheard", """["sleep", "1000"]""", "it listens on no port: let it listen on the port in the variable PORT")]
    [InlineData("elsewhere", """["httpd", "-f", "-p", "127.0.0.1:18998", "-h", "www"]""", "it listens on 18998, $PORT is")]
    public async Task Program_WithoutItsPort_FailsAtTheProgressDeadline(string name, string args, string message)
    {
        await fixture.Kubectl.ApplyAsync(Manifests.Service(name, args, annotations: """{"serving.knative.dev/progress-deadline": "6s"}"""));
        await FailedAsync(name, message);
        await RevisionFailedAsync(name, "ProgressDeadlineExceeded");
        await fixture.Kubectl.OkAsync("delete", "ksvc", name);
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

    private async Task RevisionFailedAsync(string name, string reason)
    {
        var revision = await fixture.Serval.Api.GetAsync($"/apis/serving.knative.dev/v1/namespaces/default/revisions/{name}-00001");
        Assert.Equal(("False", reason), (KubeHttp.ConditionOf(revision, "Ready"), KubeHttp.ConditionOf(revision, "Ready", "reason")));
    }

    private Task PodSaysAsync(string name, string text) => fixture.UntilAsync(
        $"/api/v1/namespaces/default/pods?labelSelector=serving.knative.dev/service={name}",
        o => KubeHttp.ConditionOf(o, "Ready", "message")?.Contains(text, StringComparison.Ordinal) == true);
}
