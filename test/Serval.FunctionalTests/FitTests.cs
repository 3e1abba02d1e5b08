namespace Serval.FunctionalTests;

/// <summary>What does not fit on the machine or in its namespace's quota says so, disturbs nobody, and runs when it does.</summary>
public sealed class FitTests(ServalFixture fixture) : IClassFixture<ServalFixture>
{
    private const string Serving = "/apis/serving.knative.dev/v1/namespaces";

    [Fact]
    public async Task Service_ThatAsksForTooMuch_IsUnschedulable_UntilItAsksForLess()
    {
        await fixture.Kubectl.ApplyAsync(Asking("big", "50"));
        await FailedAsync("default", "big", "0/1 nodes are available: 1 Insufficient cpu.");
        Assert.Equal("Unschedulable", await ReasonAsync("default", "big-00001"));
        Assert.Equal("RevisionFailed", await fixture.Kubectl.OkAsync("get", "configuration", "big", "-o", """jsonpath={.status.conditions[?(@.type=="Ready")].reason}"""));
        await fixture.UntilAsync("/api/v1/namespaces/default/events?fieldSelector=reason=FailedScheduling", e => ((string?)e["message"])!.Contains("Insufficient cpu", StringComparison.Ordinal));
        await fixture.Kubectl.ApplyAsync(Asking("big", "10m"));
        await fixture.ReadyAsync("big");
        await fixture.AnswersAsync("big", 200);
        await fixture.Kubectl.OkAsync("delete", "ksvc", "big");
    }

    /// <summary>Two that ask for the whole machine: the second runs when the first is gone.</summary>
    [Fact]
    public async Task Service_ThatWaitsForRoom_RunsWhenItAppears()
    {
        var cpu = await fixture.Kubectl.OkAsync("get", "nodes", "-o", "jsonpath={.items[0].status.allocatable.cpu}");
        await fixture.Kubectl.ApplyAsync(Asking("first", cpu));
        await fixture.ReadyAsync("first");
        await fixture.Kubectl.ApplyAsync(Asking("second", cpu));
        await FailedAsync("default", "second", "Insufficient cpu");
        Assert.Equal(200, (await fixture.Serval.InvokeAsync("first")).Code);
        await fixture.Kubectl.OkAsync("delete", "ksvc", "first");
        await fixture.ReadyAsync("second");
        await fixture.AnswersAsync("second", 200);
        await fixture.Kubectl.OkAsync("delete", "ksvc", "second");
    }

    [Fact]
    public async Task Service_BeyondTheQuota_SaysSo_AndRunsWhenTheQuotaGrows()
    {
        await fixture.Kubectl.OkAsync("create", "namespace", "tight");
        await fixture.Kubectl.ApplyAsync(Quota("50m"));
        await fixture.Kubectl.ApplyAsync(Asking("quotad", "200m", "tight"));
        await FailedAsync("tight", "quotad", "is forbidden: exceeded quota: q, requested: cpu=200m, used: cpu=0, limited: cpu=50m");
        Assert.Equal("FailedCreate", await ReasonAsync("tight", "quotad-00001"));
        await fixture.Kubectl.ApplyAsync(Quota("500m"));
        await fixture.Kubectl.OkAsync("wait", "-n", "tight", "--for=condition=Ready", "ksvc/quotad", "--timeout=60s");
        await fixture.Kubectl.OkAsync("wait", "-n", "tight", "--for=jsonpath={.status.used.cpu}=200m", "quota/q", "--timeout=30s");
        Assert.Contains("cpu: 200m/500m", await fixture.Kubectl.OkAsync("get", "quota", "-n", "tight"), StringComparison.Ordinal);
        await fixture.Kubectl.OkAsync("delete", "namespace", "tight");
    }

    private static string Quota(string cpu) =>
        $$"""{"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "q", "namespace": "tight"}, "spec": {"hard": {"cpu": "{{cpu}}"} } }""";

    private static string Asking(string name, string cpu, string ns = "default") => Manifests.Service(name)
        .Replace($"name: {name}", $"name: {name}\n  namespace: {ns}", StringComparison.Ordinal)
        .Replace("        envFrom: []", $"        resources: {{requests: {{cpu: \"{cpu}\"}}}}", StringComparison.Ordinal);

    private Task FailedAsync(string ns, string name, string text) => fixture.UntilAsync(
        $"{Serving}/{ns}/services?fieldSelector=metadata.name={name}",
        o => KubeHttp.ConditionOf(o, "Ready") == "False" && KubeHttp.ConditionOf(o, "Ready", "message")!.Contains(text, StringComparison.Ordinal));

    private async Task<string?> ReasonAsync(string ns, string revision) =>
        KubeHttp.ConditionOf(await fixture.Serval.Api.GetAsync($"{Serving}/{ns}/revisions/{revision}"), "Ready", "reason");
}
