using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging.Abstractions;
using Serval.ApiServer.Pipeline;
using Serval.ApiServer.Store;

namespace Serval.ApiServer.Tests.Http;

/// <summary>Paths that are sent as they are, dots and empty steps and all.</summary>
public sealed class AskedPathTests : IAsyncLifetime
{
    private const string Maps = "/api/v1/namespaces/default/configmaps";

    private SqliteStore _store = null!;
    private EmbeddedKubeClient _client = null!;
    private ApiServerFixture _server = null!;

    public async Task InitializeAsync()
    {
        _store = await SqliteStore.OpenAsync(new StoreOptions());
        _client = new EmbeddedKubeClient(_store, TimeProvider.System, NullLoggerFactory.Instance);
        _server = await ApiServerFixture.StartAsync(o => o with { Client = _client });
        await _server.SendAsync(HttpMethod.Post, "/api/v1/namespaces", """{"metadata":{"name":"default"}}""");
        await _server.SendAsync(HttpMethod.Post, "/api/v1/namespaces", """{"metadata":{"name":"other"}}""");
        await _server.CreateConfigMapAsync("one");
        await _server.SendAsync(HttpMethod.Post, "/api/v1/namespaces/other/configmaps", """{"metadata":{"name":"two"}}""");
    }

    public async Task DisposeAsync()
    {
        await _server.DisposeAsync();
        _client.Dispose();
        await _store.DisposeAsync();
    }

    /// <summary>A name of dots is no way up: above it is the namespace.</summary>
    [Theory]
    [InlineData("DELETE", Maps + "/..", 400, "Name parameter invalid: \"..\": may not be '..'")]
    [InlineData("DELETE", Maps + "/%2e%2E", 400, "Name parameter invalid: \"..\": may not be '..'")]
    [InlineData("GET", Maps + "/.", 400, "Name parameter invalid: \".\": may not be '.'")]
    [InlineData("GET", Maps + "/.%2e?watch=1", 400, "Name parameter invalid: \"..\": may not be '..'")]
    [InlineData("DELETE", "/api/v1/namespaces/proxy/configmaps/..", 400, "Name parameter invalid: \"..\": may not be '..'")]
    [InlineData("DELETE", Maps + "/proxy/..", 400, "Name parameter invalid: \"..\": may not be '..'")]
    [InlineData("GET", "/api/v1/../v1/namespaces/default", 404, "the server could not find the requested resource")]
    [InlineData("GET", Maps + "/..one", 404, "configmaps \"..one\" not found")]
    public async Task Dots_AreNoWayUp(string method, string path, int code, string message)
    {
        Assert.Equal((code, message), await SendAsync(method, path));
        Assert.Equal(200, (await SendAsync("GET", "/api/v1/namespaces/default")).Code);
    }

    /// <summary>Clients that are given no namespace leave its step empty, and mean them all.</summary>
    [Theory]
    [InlineData("/api/v1/namespaces//configmaps", "one,two")]
    [InlineData("/api/v1/namespaces//configmaps?fieldSelector=metadata.name%3Dtwo", "two")]
    public async Task AnEmptyNamespace_IsEveryNamespace(string path, string names)
    {
        var list = await _server.GetAsync(path);
        Assert.Equal(names, string.Join(',', list["items"]!.AsArray().Select(i => (string?)i!["metadata"]!["name"])));
    }

    [Theory]
    [InlineData("GET", "/api/v1/namespaces//configmaps/one")]
    [InlineData("GET", "/api/v1/namespaces//")]
    [InlineData("POST", "/api/v1/namespaces//configmaps")]
    [InlineData("DELETE", "/api/v1/namespaces//configmaps")]
    public async Task AnEmptyNamespace_IsOneOfNothingElse(string method, string path) => Assert.Equal(404, (await SendAsync(method, path)).Code);

    /// <summary>kubectl prints it.</summary>
    [Theory]
    [InlineData("/api/v1/namespaces/default/endpoints", "299 - \"v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice\"")]
    [InlineData("/api/v1/namespaces/default/endpoints/none", "299 - \"v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice\"")]
    [InlineData("/apis/discovery.k8s.io/v1/namespaces/default/endpointslices", "")]
    public async Task Endpoints_AreWarnedOf(string path, string warning)
    {
        using var response = await _server.Client.GetAsync(new Uri(path, UriKind.Relative));
        Assert.Equal(warning, response.Headers.TryGetValues("Warning", out var all) ? Assert.Single(all) : "");
    }

    private async Task<(int Code, string Message)> SendAsync(string method, string path)
    {
        var exact = new Uri(_server.Client.BaseAddress!.GetLeftPart(UriPartial.Authority) + path, new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true });
        using var request = new HttpRequestMessage(new HttpMethod(method), exact);
        using var response = await _server.Client.SendAsync(request);
        return ((int)response.StatusCode, (string?)JsonNode.Parse(await response.Content.ReadAsStringAsync())!["message"] ?? "");
    }
}
