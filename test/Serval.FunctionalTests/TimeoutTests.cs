using System.Net.WebSockets;

namespace Serval.FunctionalTests;

/// <summary>What a revision's three timeouts do to requests and WebSockets, and what the end of a pod does to those it has begun.</summary>
public sealed class TimeoutTests(ServalFixture fixture) : IClassFixture<ServalFixture>
{
    /// <summary>TestRevisionTimeout: before the head an answer that takes too long is 504; after it it ends, and its status was sent.</summary>
    [Theory]
    [InlineData("whole", "timeoutSeconds: 1", true)]
    [InlineData("start", "timeoutSeconds: 600, responseStartTimeoutSeconds: 1", false)]
    [InlineData("idle", "timeoutSeconds: 600, idleTimeoutSeconds: 1", true)]
    public async Task Answer_ThatTakesTooLong_Is504_OrEnds(string name, string spec, bool endsWhatHasBegun)
    {
        await fixture.ConfigureAsync("config-defaults", "max-revision-timeout-seconds", "600");
        await fixture.EchoAsync(name, spec);
        using var client = new GatewayClient(fixture.Serval.GatewayPort);
        Assert.Equal(200, (await client.AskAsync(name)).Code);
        Assert.Equal(504, (await client.AskAsync(name, "/hang")).Code);
        Assert.Equal(504, (await client.AskAsync(name, "/hang", http2: true)).Code);

        using var begun = await client.SendAsync(name, "/hang?begin");
        Assert.Equal(200, (int)begun.StatusCode);
        if (endsWhatHasBegun)
        {
            Assert.Equal("begun\nrequest timeout", await begun.Content.ReadAsStringAsync());
        }
    }

    /// <summary>TestWebSocketWithTimeout: messages that are answered may come for ever; one that is not ends the connection.</summary>
    [Theory]
    [InlineData("whole", "timeoutSeconds: 1")]
    [InlineData("start", "timeoutSeconds: 600, responseStartTimeoutSeconds: 1")]
    [InlineData("idle", "timeoutSeconds: 600, idleTimeoutSeconds: 1")]
    public async Task WebSocket_WithoutAnAnswerInTime_IsCutOff(string name, string spec)
    {
        await fixture.ConfigureAsync("config-defaults", "max-revision-timeout-seconds", "600");
        await fixture.EchoAsync(name, spec);
        using var client = new GatewayClient(fixture.Serval.GatewayPort);
        var (socket, _) = await client.ConnectAsync(name);
        using (socket)
        {
            await socket.SendAsync("hello"u8.ToArray(), WebSocketMessageType.Text, endOfMessage: true, CancellationToken.None);
            Assert.Equal("hello", await GatewayClient.HearAsync(socket));
            await socket.SendAsync(Array.Empty<byte>(), WebSocketMessageType.Text, endOfMessage: true, CancellationToken.None); // heard, not answered
            await Assert.ThrowsAsync<WebSocketException>(() => GatewayClient.HearAsync(socket));
        }
    }

    /// <summary>TestDestroyPodInflight, TestDestroyPodTimely and TestWebSocketGracefulShutdown: what has begun ends well, and then the pod goes.</summary>
    [Fact]
    public async Task Pod_ThatIsDeleted_AnswersWhatItHasBegun_AndGoes()
    {
        await fixture.EchoAsync("leaving", "timeoutSeconds: 300");
        using var client = new GatewayClient(fixture.Serval.GatewayPort);
        using var begun = await Wire.SendingAsync(
            fixture.Serval.GatewayPort, "POST /repeat HTTP/1.1\r\nHost: leaving.default.localhost\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n4\r\nping\r\n");
        await begun.UntilAsync("ping\r\n");
        var (socket, pod) = await client.ConnectAsync("leaving");
        using (socket)
        {
            await fixture.Kubectl.OkAsync("delete", "ksvc", "leaving");
            await fixture.UntilAsync($"/api/v1/namespaces/default/pods?fieldSelector=metadata.name={pod}", p => p["metadata"]!["deletionTimestamp"] is not null);
            await begun.SendAsync("4\r\npong\r\n");
            await begun.UntilAsync("pong\r\n");
            await begun.SendAsync("0\r\n\r\n");
            Assert.Equal("0\r\n\r\n", await begun.RestAsync());
            Assert.Equal("", await GatewayClient.HearAsync(socket));
            Assert.Equal(WebSocketCloseStatus.EndpointUnavailable, socket.CloseStatus);
            await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, "", CancellationToken.None);
        }
        await fixture.Kubectl.OkAsync("wait", "--for=delete", $"pod/{pod}", "--timeout=60s");
    }
}
