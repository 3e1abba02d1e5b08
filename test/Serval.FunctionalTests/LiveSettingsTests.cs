namespace Serval.FunctionalTests;

/// <summary>Each <c>config-*</c> map is edited once while the program runs, and the edit is seen.</summary>
public sealed class LiveSettingsTests(ServalFixture fixture) : IClassFixture<ServalFixture>
{
    private const string Serving = "/apis/serving.knative.dev/v1/namespaces/default/";

    private Kubectl Kubectl => fixture.Kubectl;

    [Fact]
    public async Task EveryMap_EditedLive_TakesEffect()
    {
        await fixture.ServiceAsync("first");

        await SetAsync("config-domain", "example.com", "");
        await UrlAsync("http://first.default.example.com:");
        await SetAsync("config-network", "domain-template", "{{.Name}}-{{.Namespace}}.{{.Domain}}");
        await UrlAsync("http://first-default.example.com:");

        await SetAsync("config-deployment", "progress-deadline", "77s");
        await fixture.UntilAsync("/apis/apps/v1/namespaces/default/deployments", d => (long?)d["spec"]!["progressDeadlineSeconds"] == 77);
        await SetAsync("config-observability", "logging.revision-url-template", "http://logs/${REVISION_UID}");
        await fixture.UntilAsync(Serving + "revisions", r => (string?)r["status"]?["logUrl"] == $"http://logs/{r["metadata"]!["uid"]}");

        await SetAsync("config-defaults", "container-concurrency", "7");
        await SetAsync("config-autoscaler", "allow-zero-initial-scale", "true");
        await SetAsync("config-autoscaler", "initial-scale", "0");
        await fixture.ServiceAsync("second");
        Assert.Equal("7", await Kubectl.OkAsync("get", "revision", "second-00001", "-o", "jsonpath={.spec.containerConcurrency}"));
        Assert.Equal("0", await Kubectl.OkAsync("get", "deployment", "second-00001-deployment", "-o", "jsonpath={.spec.replicas}"));

        var aliases = Manifests.Service("third") + "\n      hostAliases: [{ip: 127.0.0.1, hostnames: [me]}]\n";
        Assert.Contains("must not set the field(s): spec.template.spec.hostAliases", await Kubectl.RefusedAsync(aliases, "apply", "-f", "-"), StringComparison.Ordinal);
        await SetAsync("config-features", "kubernetes.podspec-hostaliases", "enabled");
        await Kubectl.ApplyAsync(aliases);

        await SetAsync("config-gc", "min-non-active-revisions", "0");
        await SetAsync("config-gc", "retain-since-create-time", "0s");
        await SetAsync("config-gc", "retain-since-last-active-time", "0s");
        await Kubectl.ApplyAsync(Manifests.Service("first", env: """[{"name": "A", "value": "2"}]"""));
        await Kubectl.OkAsync("wait", "--for=delete", "revision/first-00001", "--timeout=60s");
    }

    [Fact]
    public async Task BadValue_IsRefused_AndTheLastGoodStays()
    {
        await SetAsync("config-defaults", "revision-idle-timeout-seconds", "13");
        var refusal = await Kubectl.RefusedAsync(null, Manifests.Setting("config-defaults", "revision-idle-timeout-seconds", "soon"));
        Assert.Contains("denied the request: validation failed: invalid value: soon: must be a whole number: data[revision-idle-timeout-seconds]", refusal, StringComparison.Ordinal);
        await Kubectl.ApplyAsync(Manifests.Service("kept"));
        Assert.Equal("13", await Kubectl.OkAsync("get", "ksvc", "kept", "-o", "jsonpath={.spec.template.spec.idleTimeoutSeconds}"));
    }

    private Task<string> SetAsync(string map, string key, string value) => Kubectl.OkAsync(Manifests.Setting(map, key, value));

    private Task UrlAsync(string start) => fixture.UntilAsync(
        Serving + "services?fieldSelector=metadata.name=first",
        s => ((string?)s["status"]?["url"])?.StartsWith(start, StringComparison.Ordinal) == true);
}
