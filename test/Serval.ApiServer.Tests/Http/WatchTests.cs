using System.Text.Json.Nodes;
using Serval.Api;

namespace Serval.ApiServer.Tests.Http;

public sealed class WatchTests : IAsyncLifetime
{
    private const string Maps = "/api/v1/namespaces/default/configmaps";
    private ApiServerFixture _server = null!;

    public async Task InitializeAsync() => _server = await ApiServerFixture.StartAsync(o => o with { MaxWatches = 3 });

    public async Task DisposeAsync() => await _server.DisposeAsync();

    [Fact]
    public async Task Watch_Changes_ArriveAsTheyHappen()
    {
        await _server.CreateConfigMapAsync("one");
        using var watch = await OpenAsync(Maps + "?watch=true");
        Assert.Equal(("ADDED", "one"), Summary(await watch.NextAsync()));
        await _server.SendAsync(HttpMethod.Patch, Maps + "/one", """{"data":{"b":"2"}}""", "application/merge-patch+json");
        Assert.Equal(("MODIFIED", "one"), Summary(await watch.NextAsync()));
        await _server.SendAsync(HttpMethod.Delete, Maps + "/one");
        Assert.Equal(("DELETED", "one"), Summary(await watch.NextAsync()));
    }

    [Fact]
    public async Task Option_OfOneObject_WatchesNothing()
    {
        await _server.CreateConfigMapAsync("two");
        Assert.Equal("two", (string?)(await _server.GetAsync(Maps + "/two?watch=true&fieldSelector=metadata.name%3Dother"))["metadata"]!["name"]);
    }

    /// <summary>apiserver: pkg/endpoints/installer.go, the actions WATCH and WATCHLIST.</summary>
    [Theory]
    [InlineData("/api/v1/watch/namespaces/default/configmaps/two")]
    [InlineData("/api/v1/watch/namespaces/default/configmaps?fieldSelector=metadata.name=two&watch=false")]
    [InlineData("/api/v1/watch/configmaps?fieldSelector=metadata.name=two")]
    public async Task Watch_ByItsOldPath_IsTheSame(string path)
    {
        await _server.CreateConfigMapAsync("one");
        await _server.CreateConfigMapAsync("two");
        using var watch = await OpenAsync(path);
        Assert.Equal(("ADDED", "two"), Summary(await watch.NextAsync()));
    }

    [Theory]
    [InlineData("POST", "/api/v1/watch/namespaces/default/configmaps", 405)]
    [InlineData("DELETE", "/api/v1/watch/namespaces/default/configmaps/one", 405)]
    [InlineData("GET", "/api/v1/watch/namespaces/default/pods/one/status", 404)]
    [InlineData("GET", "/api/v1/watch", 404)]
    [InlineData("GET", "/watch/pods", 404)]
    public async Task OldPath_IsOfWatchesAlone(string method, string path, int code)
    {
        var (response, _) = await _server.SendAsync(new HttpMethod(method), path, method == "POST" ? """{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"a"}}""" : null);
        Assert.Equal(code, (int)response.StatusCode);
    }

    [Fact]
    public async Task Watch_SendInitialEvents_EndsThemWithAMarkedBookmark()
    {
        await _server.CreateConfigMapAsync("one");
        using var watch = await OpenAsync(Maps + "?watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true");
        Assert.Equal(("ADDED", "one"), Summary(await watch.NextAsync()));
        var mark = await watch.NextAsync();
        Assert.Equal("BOOKMARK", (string?)mark!["type"]);
        Assert.Equal("true", (string?)mark["object"]!["metadata"]!["annotations"]!["k8s.io/initial-events-end"]);
    }

    [Fact]
    public async Task Watch_Timeout_EndsItCleanly()
    {
        using var watch = await OpenAsync(Maps + "?watch=true&timeoutSeconds=5");
        _server.Clock.Advance(TimeSpan.FromSeconds(6));
        Assert.Null(await watch.NextAsync());
    }

    [Fact]
    public async Task Watch_Expired_IsAnErrorFrame()
    {
        _server.Objects.Fails = ApiException.Expired("too old resource version");
        using var watch = await OpenAsync(Maps + "?watch=true&resourceVersion=1");
        var frame = await watch.NextAsync();
        Assert.Equal("ERROR", (string?)frame!["type"]);
        Assert.Equal((410, "Expired"), ((int)frame["object"]!["code"]!, (string?)frame["object"]!["reason"]));
        Assert.Null(await watch.NextAsync());
    }

    [Fact]
    public async Task Watch_RefusedSelector_IsAPlainStatus()
    {
        _server.Objects.Fails = ApiException.BadRequest("unable to parse requirement");
        var (response, _) = await _server.SendAsync(HttpMethod.Get, Maps + "?watch=true&labelSelector=!!");
        Assert.Equal(400, (int)response.StatusCode);
    }

    [Fact]
    public async Task Watch_AsTable_SendsColumnsOnce()
    {
        await _server.CreateConfigMapAsync("one");
        await _server.CreateConfigMapAsync("two");
        using var watch = await OpenAsync(Maps + "?watch=true", "application/json;as=Table;v=v1;g=meta.k8s.io,application/json");
        var first = (await watch.NextAsync())!["object"]!;
        var second = (await watch.NextAsync())!["object"]!;
        Assert.Equal(3, first["columnDefinitions"]!.AsArray().Count);
        Assert.Empty(second["columnDefinitions"]!.AsArray());
        Assert.Equal("""["two",1,"0s"]""", second["rows"]![0]!["cells"]!.ToJsonString());
    }

    [Fact]
    public async Task Watch_MoreThanAllowed_Is429()
    {
        using var a = await OpenAsync(Maps + "?watch=true");
        using var b = await OpenAsync(Maps + "?watch=true");
        using var c = await OpenAsync(Maps + "?watch=true");
        var (response, body) = await _server.SendAsync(HttpMethod.Get, Maps + "?watch=true");
        Assert.Equal(429, (int)response.StatusCode);
        Assert.Equal("TooManyRequests", (string?)body["reason"]);
    }

    [Fact]
    public async Task Dispose_OpenWatch_EndsItCleanly()
    {
        using var watch = await OpenAsync(Maps + "?watch=true");
        await _server.Host.DisposeAsync();
        Assert.Null(await watch.NextAsync());
    }

    [Theory]
    [InlineData("1.1")]
    [InlineData("2.0")]
    public async Task Watch_ClientLeaves_ReleasesTheWatch(string version)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, Maps + "?watch=true") { Version = Version.Parse(version) };
        var response = await _server.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        Assert.Equal(1, _server.Objects.OpenWatches);
        response.Dispose();
        await Poll.UntilAsync(() => _server.Objects.OpenWatches == 0);
    }

    private async Task<Frames> OpenAsync(string path, string accept = "application/json")
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.TryAddWithoutValidation("Accept", accept);
        var response = await _server.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        response.EnsureSuccessStatusCode();
        return new Frames(response, new StreamReader(await response.Content.ReadAsStreamAsync()));
    }

    private static (string?, string?) Summary(JsonNode? frame) => ((string?)frame!["type"], (string?)frame["object"]!["metadata"]!["name"]);

    private sealed record Frames(HttpResponseMessage Response, StreamReader Reader) : IDisposable
    {
        public async Task<JsonNode?> NextAsync() =>
            await Reader.ReadLineAsync() is { } line ? JsonNode.Parse(line) : null;

        public void Dispose() => Response.Dispose();
    }
}
