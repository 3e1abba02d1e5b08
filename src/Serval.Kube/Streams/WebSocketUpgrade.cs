using System.Net.WebSockets;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Serval.Api;

namespace Serval.Kube.Streams;

/// <summary>The server's side of the opening handshake (RFC 6455, section 4.2).</summary>
internal static class WebSocketUpgrade
{
    private const string Magic = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    private const int KeySize = 16;

    public static bool IsAsked(HttpRequest request) =>
        request.Headers.Upgrade.Any(u => string.Equals(u, "websocket", StringComparison.OrdinalIgnoreCase)) && CanUpgrade(request.HttpContext);

    public static bool CanUpgrade(HttpContext http) => http.Features.Get<IHttpUpgradeFeature>()?.IsUpgradableRequest == true;

    /// <summary>What the client would like to speak, best first.</summary>
    public static IReadOnlyList<string> Offered(HttpRequest request) => request.Headers.GetCommaSeparatedValues("Sec-WebSocket-Protocol");

    /// <summary>Switches protocols. From then on the response is not HTTP any more.</summary>
    /// <param name="http">The request.</param>
    /// <param name="protocol">The subprotocol chosen; empty is none.</param>
    public static async Task<WebSocket> AcceptAsync(HttpContext http, string protocol)
    {
        var request = http.Request;
        var key = request.Headers.SecWebSocketKey.ToString();
        if (!HttpMethods.IsGet(request.Method) || request.Headers.SecWebSocketVersion != "13" || !IsKey(key))
        {
            throw ApiException.BadRequest("the WebSocket handshake is not one of RFC 6455: GET, Sec-WebSocket-Version 13 and a Sec-WebSocket-Key of 16 bytes are needed");
        }
        var headers = http.Response.Headers;
        headers.Upgrade = "websocket";
        headers.SecWebSocketAccept = Accept(key);
        if (protocol.Length > 0)
        {
            headers.SecWebSocketProtocol = protocol;
        }
        var stream = await http.Features.GetRequiredFeature<IHttpUpgradeFeature>().UpgradeAsync();
        // Nobody asks the socket for its subprotocol, and it would not take one with a slash.
        return WebSocket.CreateFromStream(stream, new WebSocketCreationOptions { IsServer = true, KeepAliveInterval = TimeSpan.FromSeconds(30) });
    }

    private static bool IsKey(string key)
    {
        Span<byte> bytes = stackalloc byte[KeySize];
        return Convert.TryFromBase64String(key, bytes, out var length) && length == KeySize;
    }

#pragma warning disable CA5350 // the handshake's own: nothing is kept secret by it
    private static string Accept(string key) => Convert.ToBase64String(SHA1.HashData(Encoding.ASCII.GetBytes(key + Magic)));
#pragma warning restore CA5350
}
