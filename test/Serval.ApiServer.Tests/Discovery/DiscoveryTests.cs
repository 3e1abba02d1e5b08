using System.Net;
using Microsoft.AspNetCore.Http;
using Serval.Api;
using Serval.ApiServer.Discovery;

namespace Serval.ApiServer.Tests.Discovery;

public sealed class DiscoveryTests : IAsyncLifetime
{
    private const string Aggregated =
        "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json";

    private ApiServerFixture _server = null!;

    public async Task InitializeAsync() => _server = await ApiServerFixture.StartAsync();

    public async Task DisposeAsync() => await _server.DisposeAsync();

    [Fact]
    public async Task Aggregated_ListsKindsWithSubresources()
    {
        var (response, body) = await _server.SendAsync(HttpMethod.Get, "/apis", accept: Aggregated);
        Assert.Equal("application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList", response.Content.Headers.ContentType!.ToString().Replace(" ", "", StringComparison.Ordinal));
        var apps = body["items"]!.AsArray().Single(g => (string?)g!["metadata"]!["name"] == "apps")!;
        var deployments = apps["versions"]![0]!["resources"]!.AsArray().Single(r => (string?)r!["resource"] == "deployments")!;
        Assert.Equal(["scale", "status"], deployments["subresources"]!.AsArray().Select(s => (string?)s!["subresource"]));
        Assert.Equal("autoscaling", (string?)deployments["subresources"]![0]!["responseKind"]!["group"]);
        Assert.Equal("""{"group":"","version":"","kind":"Deployment"}""", deployments["responseKind"]!.ToJsonString());
        var serving = body["items"]!.AsArray().Single(g => (string?)g!["metadata"]!["name"] == "serving.knative.dev")!;
        Assert.All(serving["versions"]![0]!["resources"]!.AsArray(), r => Assert.Equal("serving.knative.dev", (string?)r!["responseKind"]!["group"]));
    }

    [Fact]
    public async Task Plain_ListsGroupsAndResources()
    {
        Assert.Equal("v1", (string?)(await _server.GetAsync("/api"))["versions"]![0]);
        Assert.Contains("serving.knative.dev", (await _server.GetAsync("/apis"))["groups"]!.AsArray().Select(g => (string?)g!["name"]));
        Assert.Equal("serving.knative.dev/v1", (string?)(await _server.GetAsync("/apis/serving.knative.dev"))["preferredVersion"]!["groupVersion"]);
        var serving = (await _server.GetAsync("/apis/serving.knative.dev/v1"))["resources"]!.AsArray();
        var service = serving.Single(r => (string?)r!["name"] == "services")!;
        Assert.Equal(["kservice", "ksvc"], service["shortNames"]!.AsArray().Select(s => (string?)s));
        var pods = (await _server.GetAsync("/api/v1"))["resources"]!.AsArray().Select(r => (string?)r!["name"]);
        Assert.Contains("pods/log", pods);
    }

    [Fact]
    public async Task Namespaces_AreNotDeletedTogether()
    {
        var verbs = (await _server.GetAsync("/api/v1"))["resources"]!.AsArray().Single(r => (string?)r!["name"] == "namespaces")!["verbs"]!.AsArray().Select(v => (string?)v);
        Assert.Equal(["create", "delete", "get", "list", "patch", "update", "watch"], verbs);
        var (response, _) = await _server.SendAsync(HttpMethod.Delete, "/api/v1/namespaces");
        Assert.Equal(HttpStatusCode.MethodNotAllowed, response.StatusCode);
    }

    /// <summary>The values are those of any Kubernetes server; what is not stored has none.</summary>
    [Theory]
    [InlineData("/api/v1", "pods", "xPOwRZ+Yhw8=")]
    [InlineData("/api/v1", "pods/status", null)]
    [InlineData("/api/v1", "configmaps", "qFsyl6wFWjQ=")]
    [InlineData("/apis/apps/v1", "deployments", "8aSe+NMegvE=")]
    [InlineData("/apis/authorization.k8s.io/v1", "subjectaccessreviews", null)]
    public async Task Plain_TellsTheStoredVersion(string path, string name, string? hash) => Assert.Equal(
        hash, (string?)(await _server.GetAsync(path))["resources"]!.AsArray().Single(r => (string?)r!["name"] == name)!["storageVersionHash"]);

    /// <summary>A Status below a group of the server's own, a page elsewhere, nothing below <c>/openapi/v3</c>: as kube-apiserver 1.36 answers.</summary>
    [Theory]
    [InlineData("/api/v2", "Status")]
    [InlineData("/api//v1", "Status")]
    [InlineData("/api/v1/nothings", "Status")]
    [InlineData("/api/v9/pods", "Status")]
    [InlineData("/apis/apps/v9", "Status")]
    [InlineData("/apis/apps//v1", "Status")]
    [InlineData("/apis/apps/v1/nothings/x", "Status")]
    [InlineData("/apis/authorization.k8s.io/v1/nothings", "Status")]
    [InlineData("/apis/none.example", "page")]
    [InlineData("/apis/none.example/v1/nothings", "page")]
    [InlineData("/apis/serving.knative.dev/v9", "page")]
    [InlineData("/apis/serving.knative.dev/v1/nothings", "page")]
    [InlineData("/apis//apps", "page")]
    [InlineData("//api", "page")]
    [InlineData("/nothing", "page")]
    [InlineData("/healthz/nothing", "page")]
    [InlineData("/healthz/ping/more", "page")]
    [InlineData("/openapi", "page")]
    [InlineData("/openapi/v1", "page")]
    [InlineData("/openapi/v3/", "")]
    [InlineData("/openapi/v3/api/v9", "")]
    public async Task Unknown_Is404(string path, string expected)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, _server.Client.BaseAddress + path[1..]);
        using var response = await _server.Client.SendAsync(request);
        var body = await response.Content.ReadAsStringAsync();
        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
        Assert.Equal(expected, body.Length == 0 ? "" : body == "404 page not found\n" ? "page" : body.Contains("the server could not find the requested resource", StringComparison.Ordinal) ? "Status" : body);
        Assert.Equal(expected switch { "Status" => "application/json", "page" => "text/plain; charset=utf-8", _ => null }, response.Content.Headers.ContentType?.ToString());
    }

    /// <summary>What may be kept, and in which form: kube-apiserver 1.36's answers but for YAML and protobuf.</summary>
    [Theory]
    [InlineData("GET", "/apis", "application/json", "200 application/json; no-cache, private")]
    [InlineData("GET", "/api", "*/*", "200 application/json; no-cache, private")]
    [InlineData("GET", "/apis/apps/v1", "application/json", "200 application/json; no-cache, private")]
    [InlineData("GET", "/apis", "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList", "200 application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList; public")]
    [InlineData("GET", "/apis", "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json", "200 application/json; no-cache, private")]
    [InlineData("GET", "/apis", "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList", "406 only the following media types are accepted: application/json")]
    [InlineData("GET", "/apis", "application/json;g=other;v=v2;as=APIGroupDiscoveryList", "406 only the following media types are accepted: application/json")]
    [InlineData("GET", "/apis", "text/html", "406 only the following media types are accepted: application/json")]
    [InlineData("GET", "/apis", "text/html,*/*;q=0.8", "200 application/json; no-cache, private")]
    [InlineData("GET", "/api", "text/html", "406 406: Not Acceptable\n\nAvailable representations: application/json")]
    [InlineData("GET", "/api/v1", "text/html", "406 406: Not Acceptable\n\nAvailable representations: application/json")]
    [InlineData("GET", "/api/v1", "application/json;as=Table;v=v1;g=meta.k8s.io", "406 only the following media types are accepted: application/json")]
    [InlineData("GET", "/apis/apps", "text/html", "406 only the following media types are accepted: application/json")]
    [InlineData("GET", "/version", "text/html", "406 406: Not Acceptable\n\nAvailable representations: application/json")]
    [InlineData("GET", "/version", "application/json;as=Table;v=v1;g=meta.k8s.io", "200 application/json; no-cache, private")]
    [InlineData("GET", "/", "text/html", "200 application/json; no-cache, private")]
    [InlineData("POST", "/apis", "application/json", "200 application/json; no-cache, private")]
    [InlineData("POST", "/version", "application/json", "405 the server does not allow this method on the requested resource")]
    [InlineData("POST", "/api/v1", "application/json", "405 the server does not allow this method on the requested resource")]
    [InlineData("POST", "/api/v9", "application/json", "404 the server could not find the requested resource")]
    public async Task Document_IsInTheFormAskedFor(string method, string path, string accept, string expected)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        request.Headers.TryAddWithoutValidation("Accept", accept);
        using var response = await _server.Client.SendAsync(request);
        var body = await response.Content.ReadAsStringAsync();
        var type = response.Content.Headers.ContentType!.ToString().Replace("; ", ";", StringComparison.Ordinal);
        Assert.Equal(expected, (int)response.StatusCode == 200
            ? $"200 {type}; {string.Join(", ", response.Headers.CacheControl!.ToString().Split(", ").OrderDescending().Reverse().OrderBy(c => c == "private"))}"
            : $"{(int)response.StatusCode} {System.Text.Json.Nodes.JsonNode.Parse(body)!["message"]}");
        Assert.Equal(type.Contains("Discovery", StringComparison.Ordinal), response.Headers.ETag is not null);
    }

    /// <summary>Paths and host names are the client's choice: they do not fill the memory.</summary>
    [Fact]
    public async Task Documents_AreKeptOnce_HoweverTheyAreAskedFor()
    {
        var handler = new DiscoveryHandler(KindRegistry.BuiltIn);
        foreach (var path in (string[])["/apis/apps/v1", "/apis/apps/v1/"])
        {
            foreach (var host in (string[])["a.example", "b.example"])
            {
                await GetAsync(path, host);
                await GetAsync("/api", host);
            }
        }
        Assert.Equal(1, handler.Count);

        async Task GetAsync(string path, string host)
        {
            var context = new DefaultHttpContext();
            (context.Request.Method, context.Request.Path, context.Request.Host) = ("GET", path, new HostString(host));
            using var body = new MemoryStream();
            context.Response.Body = body;
            await handler.GetAsync(context);
            Assert.Equal(200, context.Response.StatusCode);
            Assert.True(path != "/api" || System.Text.Encoding.UTF8.GetString(body.ToArray()).Contains(host, StringComparison.Ordinal));
        }
    }

    [Fact]
    public async Task ETag_Known_Is304()
    {
        var (first, _) = await _server.SendAsync(HttpMethod.Get, "/apis", accept: Aggregated);
        using var again = new HttpRequestMessage(HttpMethod.Get, "/apis");
        again.Headers.TryAddWithoutValidation("Accept", Aggregated);
        again.Headers.TryAddWithoutValidation("If-None-Match", first.Headers.ETag!.ToString());
        using var response = await _server.Client.SendAsync(again);
        Assert.Equal(HttpStatusCode.NotModified, response.StatusCode);
    }

    [Fact]
    public async Task Version_SaysWhichKubernetesThisIs()
    {
        var version = await _server.GetAsync("/version");
        Assert.Equal(("1", "36"), ((string?)version["major"], (string?)version["minor"]));
        Assert.Equal(("1", "36", "1", "35"), (
            (string?)version["emulationMajor"], (string?)version["emulationMinor"], (string?)version["minCompatibilityMajor"], (string?)version["minCompatibilityMinor"]));
        Assert.StartsWith("v1.36.0+serval", (string?)version["gitVersion"], StringComparison.Ordinal);
    }
}
