namespace Serval.ApiServer.Tests.Http;

public sealed class LogTests : IAsyncLifetime
{
    private const string Log = "/api/v1/namespaces/default/pods/web/log";
    private ApiServerFixture _server = null!;

    public async Task InitializeAsync()
    {
        _server = await ApiServerFixture.StartAsync();
        await _server.SendAsync(HttpMethod.Post, "/api/v1/namespaces/default/pods", """{"metadata":{"name":"web"}}""");
    }

    public async Task DisposeAsync() => await _server.DisposeAsync();

    [Fact]
    public async Task Log_Whole_IsPlainText()
    {
        using var response = await _server.Client.GetAsync(Log + "?container=main&tailLines=5&timestamps=true&sinceTime=2026-01-01T00:00:00Z");
        Assert.Equal("hello from default/web\n", await response.Content.ReadAsStringAsync());
        Assert.Equal("text/plain", response.Content.Headers.ContentType!.ToString());
        var options = _server.Streams.LastOptions!;
        Assert.Equal(("main", 5L, true), (options.Container, options.TailLines, options.Timestamps));
        Assert.Equal(2026, options.SinceTime!.Value.Year);
    }

    [Fact]
    public async Task Log_Follow_ArrivesLineByLine()
    {
        using var response = await _server.Client.GetAsync(Log + "?follow=true", HttpCompletionOption.ResponseHeadersRead);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync());
        Assert.Equal("hello from default/web", await reader.ReadLineAsync());
        _server.Streams.More.SetResult();
        Assert.Equal("more", await reader.ReadLineAsync());
        Assert.Null(await reader.ReadLineAsync());
    }

    [Fact]
    public async Task Log_MoreThanAllowed_Is429_UntilOneEnds()
    {
        await using var server = await ApiServerFixture.StartAsync(o => o with { MaxWatches = 1 });
        await server.SendAsync(HttpMethod.Post, "/api/v1/namespaces/default/pods", """{"metadata":{"name":"web"}}""");
        using var response = await server.Client.GetAsync(Log + "?follow=true", HttpCompletionOption.ResponseHeadersRead);
        var (refused, body) = await server.SendAsync(HttpMethod.Get, Log);
        Assert.Equal((429, "too many logs are open (1); close some, or try again"), ((int)refused.StatusCode, (string?)body["message"]));
        server.Streams.More.SetResult();
        await response.Content.ReadAsStringAsync();
        Assert.Equal("hello from default/web\n", await server.Client.GetStringAsync(Log));
    }

    [Fact]
    public async Task Log_FollowWhenTheServerStops_EndsCleanly()
    {
        using var response = await _server.Client.GetAsync(Log + "?follow=true", HttpCompletionOption.ResponseHeadersRead);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync());
        Assert.Equal("hello from default/web", await reader.ReadLineAsync());
        await _server.Host.DisposeAsync();
        Assert.Null(await reader.ReadLineAsync());
    }

    [Theory]
    [InlineData(Log + "?container=absent", 400)]
    [InlineData(Log + "?tailLines=-1", 422)]
    [InlineData(Log + "?sinceSeconds=1&sinceTime=2026-01-01T00:00:00Z", 422)]
    [InlineData(Log + "?sinceTime=yesterday", 400)]
    [InlineData("/api/v1/namespaces/default/pods/other/log", 404)]
    public async Task Log_ThatCannotBeHad_IsAStatus(string path, int code)
    {
        var (response, body) = await _server.SendAsync(HttpMethod.Get, path);
        Assert.Equal(code, (int)response.StatusCode);
        Assert.Equal("Status", (string?)body["kind"]);
    }
}
