using System.Text.Json.Nodes;

namespace Serval.FunctionalTests;

/// <summary>A new revision that never becomes ready takes nothing from the one that serves, and a third one repairs it; no request fails meanwhile.</summary>
public sealed class BadRevisionTests(ServalFixture fixture) : IClassFixture<ServalFixture>, IAsyncLifetime
{
    private const string Serving = "/apis/serving.knative.dev/v1/namespaces/default";
    private const string Exits = """["sh", "-c", "echo cannot go on; exit 3"]""";
    private const string Elsewhere = """["httpd", "-f", "-p", "127.0.0.1:18995", "-h", "www"]""";

    private readonly CancellationTokenSource _over = new();

    public Task InitializeAsync() => Task.CompletedTask;

    /// <summary>Whatever came of a case, the next one finds nothing of it.</summary>
    public async Task DisposeAsync()
    {
        await _over.CancelAsync();
        _over.Dispose();
        await fixture.Kubectl.OkAsync("delete", "quota,ksvc", "--all");
    }

    [Theory]
    [InlineData("crash-loop", Exits, "imagePullPolicy: IfNotPresent", "dev.local/bb:1", "ExitCode3", "cannot go on")]
    [InlineData("wrong-port", Elsewhere, "imagePullPolicy: IfNotPresent", "dev.local/bb:1", "ProgressDeadlineExceeded", "it listens on 18995")]
    [InlineData("no-image", Manifests.Httpd, "imagePullPolicy: IfNotPresent", "dev.local/none:9", "ContainerMissing", "Unable to fetch image")]
    [InlineData("too-big", Manifests.Httpd, "resources: {requests: {memory: 900Ti}}", "dev.local/bb:1", "Unschedulable", "1 Insufficient memory")]
    [InlineData("no-quota", Manifests.Httpd, "imagePullPolicy: IfNotPresent", "dev.local/bb:1", "FailedCreate", "exceeded quota: q, requested: pods=1, used: pods=1, limited: pods=1")]
    [InlineData("bad-probe", Manifests.Httpd, "readinessProbe: {httpGet: {path: /no/such}}", "dev.local/bb:1", "ProgressDeadlineExceeded", "HTTP probe failed with statuscode: 404")]
    public async Task BadRevision_LeavesTheOldOneServing_UntilAThirdOneRepairsIt(string name, string args, string container, string image, string reason, string message)
    {
        await fixture.Kubectl.ApplyAsync(Revision(name, "1", Manifests.Httpd, "imagePullPolicy: IfNotPresent"));
        await fixture.ReadyAsync(name);
        await fixture.AnswersAsync(name, 200);
        var asking = AskAsync(name, _over.Token);
        if (name == "no-quota")
        {
            await fixture.Kubectl.ApplyAsync("""{"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "q"}, "spec": {"hard": {"pods": "1"} } }""");
        }

        await fixture.Kubectl.ApplyAsync(Revision(name, "2", args, container, image));
        await fixture.UntilAsync($"{Serving}/services?fieldSelector=metadata.name={name}", o => KubeHttp.ConditionOf(o, "Ready") == "False");
        var bad = await fixture.Serval.Api.GetAsync($"{Serving}/revisions/{name}-00002");
        Assert.Equal(("False", reason), (KubeHttp.ConditionOf(bad, "Ready"), KubeHttp.ConditionOf(bad, "Ready", "reason")));
        Assert.Contains(message, KubeHttp.ConditionOf(bad, "Ready", "message"), StringComparison.Ordinal);
        var service = await fixture.Serval.Api.GetAsync($"{Serving}/services/{name}");
        Assert.Equal("RevisionFailed", KubeHttp.ConditionOf(service, "ConfigurationsReady", "reason"));
        Assert.Contains(message, KubeHttp.ConditionOf(service, "Ready", "message"), StringComparison.Ordinal);
        Assert.Equal(("True", $"{name}-00001"), (KubeHttp.ConditionOf(service, "RoutesReady"), (string?)service["status"]!["latestReadyRevisionName"]));
        Assert.Equal($"{name}-00001:100", Traffic(service));
        Assert.Equal("1", await fixture.Kubectl.OkAsync("get", "revision", $"{name}-00001", "-o", "jsonpath={.status.actualReplicas}")); // min-scale holds

        await fixture.Kubectl.OkAsync("delete", "quota", "--all");
        await fixture.Kubectl.ApplyAsync(Revision(name, "3", Manifests.Httpd, "imagePullPolicy: IfNotPresent"));
        await fixture.UntilAsync(
            $"{Serving}/services?fieldSelector=metadata.name={name}", o => KubeHttp.IsReady(o) && (string?)o["status"]!["latestReadyRevisionName"] == $"{name}-00003");
        Assert.Equal($"{name}-00003:100", Traffic(await fixture.Serval.Api.GetAsync($"{Serving}/services/{name}")));
        await fixture.AnswersAsync(name, 200);

        await _over.CancelAsync();
        var (asked, failures) = await asking;
        Assert.True(asked > 10, $"only {asked} requests");
        Assert.Equal([], failures);
    }

    private static string Revision(string name, string version, string args, string container, string image = "dev.local/bb:1") =>
        Manifests.Service(name, args, $$"""[{"name": "VERSION", "value": "{{version}}"}]""", """{"autoscaling.knative.dev/min-scale": "1", "serving.knative.dev/progress-deadline": "6s"}""", image)
            .Replace("        envFrom: []", "        " + container, StringComparison.Ordinal);

    private static string Traffic(JsonObject service) =>
        string.Join(' ', service["status"]!["traffic"]!.AsArray().Select(t => $"{t!["revisionName"]}:{t["percent"]}"));

    /// <summary>One request after the other until told to stop: how many, and what did not answer 200.</summary>
    private async Task<(int Asked, List<string> Failures)> AskAsync(string name, CancellationToken over)
    {
        var (asked, failures) = (0, new List<string>());
        for (; !over.IsCancellationRequested; asked++)
        {
            var (code, text) = await fixture.Serval.InvokeAsync(name, ct: CancellationToken.None);
            if (code != 200)
            {
                failures.Add($"{code} {text}");
            }
        }
        return (asked, failures);
    }
}
