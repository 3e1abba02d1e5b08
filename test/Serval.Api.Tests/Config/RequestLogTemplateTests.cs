using System.Text.Json.Nodes;
using Serval.Api.Config;

namespace Serval.Api.Tests.Config;

public sealed class RequestLogTemplateTests
{
    private static readonly LoggedRequest s_request = new()
    {
        Method = "POST", Target = "/a?b=\"c\"", Host = "h", Protocol = "HTTP/1.1", RemoteAddress = "10.0.0.1:99", ContentLength = 4,
        Headers = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase)
        {
            ["user-agent"] = "curl", ["referer"] = "http://r/'<x>", ["traceparent"] = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", ["X-Id"] = "7",
        },
        Status = 200, Size = 12, Latency = TimeSpan.FromMicroseconds(31),
        Revision = "rev", Namespace = "ns", Service = "svc", Configuration = "cfg", PodName = "pn", PodIP = "10.8.0.2",
    };

    [Theory]
    [InlineData("plain", "plain\n")]
    [InlineData("{{.Request.Method}}\n", "POST\n")]
    [InlineData("{{ .Request.URL }} {{.Request.URL.Path}} {{.Request.URL.RawQuery}}", "/a?b=\"c\" /a b=\"c\"\n")]
    [InlineData("{{js .Request.RequestURI}}|{{.Request.RequestURI | js}}", "/a?b\\u003D\\\"c\\\"|/a?b\\u003D\\\"c\\\"\n")]
    [InlineData("{{js .Request.Referer}}", "http://r/\\'\\u003Cx\\u003E\n")]
    [InlineData("{{.Request.Header.Get \"x-id\"}}{{js (.Request.Header.Get `X-None`)}}", "7\n")]
    [InlineData("{{.Response.Code}} {{.Response.Size}} {{.Response.Latency}}", "200 12 3.1e-05\n")]
    [InlineData("{{.Revision.Name}}, {{.Revision.Namespace}}, {{.Revision.Service}}, {{.Revision.Configuration}}, {{.Revision.PodName}}, {{.Revision.PodIP}}", "rev, ns, svc, cfg, pn, 10.8.0.2\n")]
    [InlineData("{{.TraceID}}", "4bf92f3577b34da6a3ce929d0e0e4736\n")]
    [InlineData("a {{- .Request.Host -}} b", "ahb\n")]
    public void Template_RendersALine(string template, string line)
    {
        Assert.True(RequestLogTemplate.TryParse(template, out var parsed, out var error), error);
        Assert.Equal(line, parsed.Render(s_request));
    }

    [Fact]
    public void Default_IsJson()
    {
        var line = RequestLogTemplate.Default.Render(s_request with { Target = "/a" , Headers = new Dictionary<string, string> { ["X-B3-Traceid"] = "b3" } });
        var json = JsonNode.Parse(line)!;
        Assert.Equal(("POST", "/a", "4", 200, "10.8.0.2", "b3"), (
            (string?)json["httpRequest"]!["requestMethod"], (string?)json["httpRequest"]!["requestUrl"], (string?)json["httpRequest"]!["requestSize"],
            (int?)json["httpRequest"]!["status"], (string?)json["httpRequest"]!["serverIp"], (string?)json["traceId"]));
    }

    [Theory]
    [InlineData("{{}}", "cannot use {{}}: allowed are .Request.Method, ")]
    [InlineData("{{.Request.Something}}", "cannot use {{.Request.Something}}")]
    [InlineData("{{if .Request.Method}}x{{end}}", "cannot use {{if .Request.Method}}")]
    [InlineData("{{.Request.Header.Get \"a b\"}}", "cannot use ")]
    [InlineData("{{.Request.Header.Get }}", "cannot use ")]
    [InlineData("{{printf .Request.Method}}", "cannot use ")]
    [InlineData("{{.Request.Method", "has {{ without }}")]
    public void Template_ThatIsNotUnderstood_IsRefused(string template, string error)
    {
        Assert.False(RequestLogTemplate.TryParse(template, out _, out var why));
        Assert.StartsWith(error, why, StringComparison.Ordinal);
        var (kept, refused) = ServingConfig.Default.With("config-observability", new Dictionary<string, string> { ["logging.request-log-template"] = template });
        Assert.Equal("logging.request-log-template", refused?.Key);
        Assert.Same(ServingConfig.Default, kept);
    }
}
