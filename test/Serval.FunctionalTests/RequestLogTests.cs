using System.Text.Json.Nodes;

namespace Serval.FunctionalTests;

/// <summary>Request logs (config-observability), read by kubectl and serval.</summary>
public sealed class RequestLogTests(ServalFixture fixture) : IClassFixture<ServalFixture>
{
    private const string Observability = "config-observability";

    private Kubectl Kubectl => fixture.Kubectl;

    [Fact]
    public async Task TurnedOn_TheyAreReadAsTheSidecars_AndTurnedOff()
    {
        const string service = "logged";
        await fixture.ServiceAsync(service, """{"autoscaling.knative.dev/min-scale": "1"}""");
        await fixture.AnswersAsync(service, 200);
        Assert.Contains(
            "cannot use {{.Request.Nothing}}: allowed are ",
            await Kubectl.RefusedAsync(null, Manifests.Setting(Observability, "logging.request-log-template", "{{.Request.Nothing}}")), StringComparison.Ordinal);
        await LogsAsync("1", "logging.enable-request-log", "true");
        await AskAsync("/index.html?on");
        var pod = (await Kubectl.OkAsync("get", "pods", "-l", $"serving.knative.dev/service={service}", "-o", "jsonpath={.items[0].metadata.name}")).Trim();
        await fixture.UntilAsync("/api/v1/namespaces/default/pods", p => (string?)p["spec"]!["ephemeralContainers"]?[0]?["name"] == "queue-proxy");
        await Kubectl.FollowUntilAsync("/index.html?more", () => AskAsync("/index.html?more"), "logs", pod, "-c", "queue-proxy", "-f");

        await LogsAsync("2", "logging.enable-request-log", "false");
        await AskAsync("/index.html?off");
        await SetAsync("logging.request-log-template", "{{.Revision.Name}} {{.Request.Method}} {{.Request.URL}}");
        await LogsAsync("3", "logging.enable-request-log", "true");
        await AskAsync("/index.html?last");
        await Kubectl.FollowUntilAsync("?last", () => Task.CompletedTask, "logs", pod, "-c", "queue-proxy", "-f");
        var lines = (await Kubectl.OkAsync("logs", pod, "-c", "queue-proxy")).TrimEnd().Split('\n');
        var first = JsonNode.Parse(lines[0])!["httpRequest"]!;
        Assert.Equal(("GET", "/index.html?on", 200, "HTTP/1.1"), ((string?)first["requestMethod"], ((string?)first["requestUrl"]), (int?)first["status"], (string?)first["protocol"]));
        Assert.Equal("hello from busybox\n".Length.ToString(System.Globalization.CultureInfo.InvariantCulture), (string?)first["responseSize"]);
        Assert.Equal("logged-00001 GET /index.html?last", lines[^1]);
        Assert.Equal(3, lines.Length);
        var (code, output, _) = await fixture.Serval.RunAsync("logs", service, "-c", "queue-proxy");
        Assert.Equal((0, string.Join('\n', lines)), (code, output.TrimEnd()));

        // The revision's log URL is of the same map: when it is the new one, so is the rest.
        async Task LogsAsync(string url, string key, string value)
        {
            await SetAsync(key, value);
            await SetAsync("logging.revision-url-template", url);
            await fixture.UntilAsync("/apis/serving.knative.dev/v1/namespaces/default/revisions", r => (string?)r["metadata"]!["name"] == "logged-00001" && (string?)r["status"]?["logUrl"] == url);
        }

        async Task AskAsync(string path) => Assert.Equal(200, (await fixture.Serval.InvokeAsync(service, path)).Code);
    }

    private Task<string> SetAsync(string key, string value) => Kubectl.OkAsync(Manifests.Setting(Observability, key, value));
}
