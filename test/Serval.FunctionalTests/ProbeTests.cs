namespace Serval.FunctionalTests;

/// <summary>What a revision's probes decide, on the binary: when it is ready, and when it is restarted.</summary>
public sealed class ProbeTests(ServalFixture fixture) : IClassFixture<ServalFixture>
{
    private const string Served = """["sh", "-c", "mkdir -p /tmp/NAME; (./busybox sleep 2; echo ok > /tmp/NAME/index.html) & exec ./busybox httpd -f -p 127.0.0.1:$(PORT) -h /tmp/NAME"]""";

    /// <summary>Ready when the probe says so, two seconds after the program is there; the first request finds what the probe asked for.</summary>
    [Theory]
    [InlineData("by-http", """{httpGet: {path: /index.html}}""")]
    [InlineData("by-http-period", """{httpGet: {path: /index.html, host: nowhere.example}, periodSeconds: 1}""")]
    [InlineData("by-exec", """{exec: {command: [./busybox, test, -e, /tmp/NAME/index.html]}}""")]
    public async Task Readiness_HoldsRequestsUntilTheProgramIsReady(string name, string probe)
    {
        await fixture.Kubectl.ApplyAsync(Probed(name, Served, "readinessProbe: " + probe));
        await fixture.ReadyAsync(name);
        Assert.Equal(200, (await fixture.Serval.InvokeAsync(name, "/index.html")).Code);
        await fixture.Kubectl.OkAsync("delete", "ksvc", name);
    }

    [Theory]
    [InlineData("by-tcp", "readinessProbe: {tcpSocket: {}, successThreshold: 3}")]
    [InlineData("by-default", "imagePullPolicy: IfNotPresent")]
    public async Task Readiness_ByThePort(string name, string probe)
    {
        await fixture.Kubectl.ApplyAsync(Probed(name, Manifests.Httpd, probe));
        await fixture.ReadyAsync(name);
        await fixture.AnswersAsync(name, 200);
        await fixture.Kubectl.OkAsync("delete", "ksvc", name);
    }

    /// <summary>A program that is alive no longer is restarted, and its Event says what the probe saw. The port it names is not the one that counts.</summary>
    [Fact]
    public async Task Liveness_Lost_RestartsTheContainer()
    {
        const string Dying = """["sh", "-c", "mkdir -p /tmp/NAME; echo ok > /tmp/NAME/alive; (./busybox sleep 3; rm /tmp/NAME/alive) & exec ./busybox httpd -f -p 127.0.0.1:$(PORT) -h /tmp/NAME"]""";
        await fixture.Kubectl.ApplyAsync(Probed("dying", Dying, "livenessProbe: {httpGet: {path: /alive, port: 9}, periodSeconds: 1, failureThreshold: 2}"));
        await fixture.ReadyAsync("dying");
        await PodAsync("dying", p => (int?)p["status"]?["containerStatuses"]?[0]?["restartCount"] > 0);
        await fixture.UntilAsync(
            "/api/v1/namespaces/default/events?fieldSelector=reason=Unhealthy",
            e => ((string?)e["message"])!.Contains("Liveness probe failed: HTTP probe failed with statuscode: 404", StringComparison.Ordinal));
        await fixture.Kubectl.OkAsync("delete", "ksvc", "dying");
    }

    /// <summary>Liveness begins after startup has succeeded: a slow start is not a death.</summary>
    [Fact]
    public async Task Liveness_DoesNotCountBeforeStartupSucceeded()
    {
        await fixture.Kubectl.ApplyAsync(Probed(
            "slow-start", Served,
            "startupProbe: {httpGet: {path: /index.html}, periodSeconds: 1, failureThreshold: 30}\n        livenessProbe: {httpGet: {path: /index.html}, periodSeconds: 1, failureThreshold: 1}"));
        await fixture.ReadyAsync("slow-start");
        await fixture.AnswersAsync("slow-start", 200);
        Assert.Equal("0", await fixture.Kubectl.OkAsync("get", "pods", "-l", "serving.knative.dev/service=slow-start", "-o", "jsonpath={.items[0].status.containerStatuses[0].restartCount}"));
        await fixture.Kubectl.OkAsync("delete", "ksvc", "slow-start");
    }

    [Fact]
    public async Task Startup_ThatFails_RestartsTheContainer()
    {
        await fixture.Kubectl.ApplyAsync(Probed(
            "no-start", Manifests.Httpd, "startupProbe: {httpGet: {path: /no/such}, periodSeconds: 1, failureThreshold: 2}"));
        await PodAsync("no-start", p => (int?)p["status"]?["containerStatuses"]?[0]?["restartCount"] > 0
            && ((string?)p["status"]?["containerStatuses"]?[0]?["lastState"]?["terminated"]?["message"])?.Contains("Startup probe failed", StringComparison.Ordinal) == true);
        await fixture.Kubectl.OkAsync("delete", "ksvc", "no-start");
    }

    private static string Probed(string name, string args, string probe) => Manifests.Service(name, args)
        .Replace("        envFrom: []", "        " + probe, StringComparison.Ordinal).Replace("NAME", name, StringComparison.Ordinal);

    private Task PodAsync(string service, Func<System.Text.Json.Nodes.JsonObject, bool> wanted) =>
        fixture.UntilAsync($"/api/v1/namespaces/default/pods?labelSelector=serving.knative.dev/service={service}", wanted);
}
