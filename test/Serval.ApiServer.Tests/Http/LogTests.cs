using System.Net.WebSockets;
using System.Text;
using Serval.ApiServer.Tests.Streams;

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

    [Theory]
    [InlineData("", false)]
    [InlineData("binary.k8s.io", false)]
    [InlineData("base64.binary.k8s.io", true)]
    public async Task Log_OverAWebSocket_BeginsWithAnEmptyMessage_AndIsClosed(string protocol, bool isText)
    {
        string[] protocols = protocol.Length == 0 ? [] : [protocol];
        using var client = await PodStream.OpenAsync(_server, Log + "?follow=true", protocols);
        Assert.Equal(protocol, client.Socket.SubProtocol ?? "");
        Assert.Empty((await client.ReceiveAsync())!);
        Assert.Equal("hello from default/web\n", Text(await client.ReceiveAsync()));
        _server.Streams.More.SetResult();
        Assert.Equal("more\n", Text(await client.ReceiveAsync()));
        Assert.Null(await client.ReceiveAsync());

        string Text(byte[]? message) => Encoding.UTF8.GetString(isText ? Convert.FromBase64String(Encoding.ASCII.GetString(message!)) : message!);
    }

    [Fact]
    public async Task Log_OverAWebSocketWhoseClientLeaves_EndsWithIt()
    {
        using var client = await PodStream.OpenAsync(_server, Log + "?follow=true", "binary.k8s.io");

        await client.Socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, CancellationToken.None); // the server answers when it has stopped to follow

        Assert.Equal(WebSocketState.Closed, client.Socket.State);
    }

    [Theory]
    [InlineData(Log, "v4.channel.k8s.io")]
    [InlineData(Log + "?container=absent", "binary.k8s.io")]
    public async Task Log_OverAWebSocket_ThatCannotBeHad_IsRefusedBeforeTheHandshake(string path, string protocol)
    {
        var refused = await Assert.ThrowsAsync<WebSocketException>(() => PodStream.OpenAsync(_server, path, protocol));
        Assert.Contains("400", refused.Message, StringComparison.Ordinal);
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
