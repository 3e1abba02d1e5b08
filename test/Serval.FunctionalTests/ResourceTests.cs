namespace Serval.FunctionalTests;

/// <summary>Limits hold where Serval may make control groups; elsewhere the Node says that they do not.</summary>
public sealed class ResourceTests(ServalFixture fixture) : IClassFixture<ServalFixture>
{
    [Fact]
    public async Task Service_OverItsMemory_SaysSo()
    {
        await fixture.Kubectl.ApplyAsync("""
            apiVersion: serving.knative.dev/v1
            kind: Service
            metadata: {name: hungry}
            spec:
              template:
                spec:
                  containers:
                  - image: dev.local/bb:1
                    args: [tail, -c, 100m, /dev/zero]
                    resources: {limits: {memory: 16Mi}}
            """);
        var limits = (await fixture.Serval.Api.GetAsync("/api/v1/nodes"))["items"]![0]!["status"]!["conditions"]!.AsArray().Single(c => (string)c!["type"]! == "ResourceLimits")!;
        if ((string)limits["status"]! != "True")
        {
            Assert.Equal("NotEnforced", (string)limits["reason"]!);
            return;
        }
        const string story = "exit code 137 (SIGKILL, OOMKilled)";
        await fixture.UntilAsync(
            "/apis/serving.knative.dev/v1/namespaces/default/revisions",
            o => KubeHttp.ConditionOf(o, "Ready", "message")?.Contains(story, StringComparison.Ordinal) == true);

        var (code, text, _) = await fixture.Serval.RunAsync("why", "hungry");

        Assert.Equal(1, code);
        Assert.Contains(story, text, StringComparison.Ordinal);
        Assert.Contains("What to do: give it more in resources.limits.memory", text, StringComparison.Ordinal);
    }
}
