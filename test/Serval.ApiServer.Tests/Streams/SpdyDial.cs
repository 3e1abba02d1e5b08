using System.Net.Security;
using System.Net.Sockets;
using System.Net.WebSockets;
using Serval.Kube.Tests.Spdy;

namespace Serval.ApiServer.Tests.Streams;

/// <summary>Clients of an API server that speak SPDY.</summary>
internal static class SpdyDial
{
    /// <summary>Asks a server to speak SPDY. Returns the head of its answer too.</summary>
    public static async Task<(string Head, SpdyClient Client)> ConnectAsync(ApiServerFixture server, string path, string protocols)
    {
        var (head, stream) = await UpgradeAsync(server, $"POST {path}", "Upgrade: SPDY/3.1", $"X-Stream-Protocol-Version: {protocols}", "Content-Length: 0");
        return (head, new SpdyClient(stream));
    }

    /// <summary>The same through a WebSocket. The platform's client would not ask for a protocol with a slash.</summary>
    public static async Task<(string Head, SpdyClient Client)> TunnelAsync(ApiServerFixture server, string path, string protocols)
    {
        var (head, stream) = await UpgradeAsync(
            server, $"GET {path}", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", $"Sec-WebSocket-Protocol: {protocols}");
        var socket = WebSocket.CreateFromStream(stream, new WebSocketCreationOptions { IsServer = false });
        return (head, new SpdyClient(WebSocketStream.Create(socket, WebSocketMessageType.Binary, ownsWebSocket: true)));
    }

    private static async Task<(string Head, Stream Stream)> UpgradeAsync(ApiServerFixture server, string line, params string[] headers)
    {
        var tcp = new TcpClient();
        await tcp.ConnectAsync(server.Host.Address.Host, server.Host.Address.Port);
        var tls = new SslStream(tcp.GetStream(), leaveInnerStreamOpen: false, (_, certificate, _, _) => server.Trusts(certificate));
        await tls.AuthenticateAsClientAsync(server.Host.Address.Host);
        return (await SpdyClient.UpgradeAsync(tls, line, [$"Authorization: Bearer {server.AdminToken}", .. headers]), tls);
    }
}
