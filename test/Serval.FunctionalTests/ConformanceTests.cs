
namespace Serval.FunctionalTests;

/// <summary>What the tests of knative/serving rely on (test/conformance, test/e2e), each where the reader of a failure would look first.</summary>
public sealed class ConformanceTests(ServalFixture fixture) : IClassFixture<ServalFixture>
{
    /// <summary>They look up a Service, take its first address and the node port of port 80 (knative.dev/pkg: test/ingress).</summary>
    [Fact]
    public async Task Gateway_IsReachedAsItsServiceSays()
    {
        await fixture.ServiceAsync("door");
        var gateway = await fixture.Serval.Api.GetAsync("/api/v1/namespaces/knative-serving/services/gateway");
        Assert.Equal("127.0.0.1", (string?)gateway["status"]?["loadBalancer"]?["ingress"]?[0]?["ip"]);
        var port = (int)gateway["spec"]!["ports"]!.AsArray().Single(p => (int)p!["port"]! == 80)!["nodePort"]!;
        var (code, text) = await RawHttp.GetAsync(port, "door.default.localhost", "/", CancellationToken.None);
        Assert.Equal(200, code);
        Assert.Contains("hello from busybox", text, StringComparison.Ordinal);
    }

    /// <summary>TestAnnotationPropagation: a user's annotation reaches the children and the placeholder, and only there it outlives its removal.</summary>
    [Fact]
    public async Task Annotations_ReachThePlaceholderService()
    {
        await fixture.Kubectl.ApplyAsync(Manifests.Service("noted").Replace("name: noted", "name: noted\n  annotations: {juicy: jamba}", StringComparison.Ordinal));
        await fixture.ReadyAsync("noted");
        const string service = "/api/v1/namespaces/default/services?fieldSelector=metadata.name=noted";
        await fixture.UntilAsync(service, o =>
            (string?)o["metadata"]!["annotations"]?["juicy"] == "jamba" && o["metadata"]!["annotations"]!["serving.knative.dev/creator"] is not null);
        await fixture.Kubectl.OkAsync("annotate", "ksvc", "noted", "juicy-");
        foreach (var child in new[] { "configurations", "routes" })
        {
            await fixture.UntilAsync($"/apis/serving.knative.dev/v1/namespaces/default/{child}?fieldSelector=metadata.name=noted", o => o["metadata"]!["annotations"]!["juicy"] is null);
        }
        Assert.Equal("jamba", await fixture.Kubectl.OkAsync("get", "service", "noted", "-o", "jsonpath={.metadata.annotations.juicy}"));
    }

    /// <summary>TestServiceAccountValidation and TestServiceDryRunValidationWithInvalidPodSpec.</summary>
    [Fact]
    public async Task Refusals_AreInTheWordsTheTestsLookFor()
    {
        var account = await fixture.Kubectl.RefusedAsync(
            Manifests.Service("refused").Replace("      containers:", "      serviceAccountName: foo@bar.baz\n      containers:", StringComparison.Ordinal), "apply", "-f", "-");
        Assert.Contains("foo@bar.baz: spec.template.spec.serviceAccountName\na lowercase RFC 1123 subdomain", account, StringComparison.Ordinal);
        Assert.Contains("(e.g. 'example.com', regex used for validation is ", account, StringComparison.Ordinal);

        var badName = Manifests.Service("refused").Replace("- image:", "- name: \"&InvalidValue\"\n        image:", StringComparison.Ordinal);
        Assert.Contains("validation callback failed: dry run failed with Pod", await fixture.Kubectl.RefusedAsync(badName, "create", "--dry-run=server", "-f", "-"), StringComparison.Ordinal);
        Assert.Contains("validation failed: invalid value: &InvalidValue", await fixture.Kubectl.RefusedAsync(badName, "create", "-f", "-"), StringComparison.Ordinal);
    }
}
