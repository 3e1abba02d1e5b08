namespace Serval.FunctionalTests;

/// <summary>Old revisions go as <c>config-gc</c> says, with what they own.</summary>
public sealed class RevisionGcTests(ServalFixture fixture) : IClassFixture<ServalFixture>
{
    [Fact]
    public async Task OldRevision_WithNothingToKeepItFor_IsDeleted_AndTheServiceAnswers()
    {
        await fixture.ServiceAsync("aged");
        await fixture.Kubectl.OkAsync("patch", "configmap", "config-gc", "-n", "knative-serving", "-p", """
            {"data":{"retain-since-create-time":"disabled","retain-since-last-active-time":"disabled","min-non-active-revisions":"0","max-non-active-revisions":"0"}}
            """);
        Assert.Equal("active", await fixture.Kubectl.OkAsync("get", "revision", "aged-00001", "-o", """jsonpath={.metadata.labels.serving\.knative\.dev/routingState}"""));

        await fixture.Kubectl.ApplyAsync(Manifests.Service("aged", env: """[{"name": "A", "value": "2"}]"""));
        await fixture.Kubectl.OkAsync("wait", "--for=delete", "revision/aged-00001", "deployment/aged-00001-deployment", "--timeout=60s");
        await fixture.AnswersAsync("aged", 200);
        Assert.Equal("revision.serving.knative.dev/aged-00002\n", await fixture.Kubectl.OkAsync("get", "revisions", "-o", "name"));
        await fixture.UntilAsync("/api/v1/namespaces/default/events", e => (string?)e["reason"] == "RevisionDeleted");
    }
}
