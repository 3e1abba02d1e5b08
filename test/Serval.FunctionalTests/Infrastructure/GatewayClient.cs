using System.Net;
using System.Net.Http.Headers;
using System.Net.WebSockets;
using System.Text;

namespace Serval.Testing;

/// <summary>HTTP through the gateway, in the version a test wants; a service is addressed by its public host.</summary>
internal sealed class GatewayClient(int port) : IDisposable
{
    private readonly HttpClient _http = new(new SocketsHttpHandler { UseProxy = false }) { Timeout = TimeSpan.FromSeconds(100) };

    /// <summary>Returns when the head of the answer is there.</summary>
    internal Task<HttpResponseMessage> SendAsync(
        string service, string path = "/", bool http2 = false, HttpContent? body = null, CancellationToken ct = default, params (string Name, string Value)[] headers)
    {
        var request = new HttpRequestMessage(body is null ? HttpMethod.Get : HttpMethod.Post, $"http://127.0.0.1:{port}{path}")
        {
            Version = http2 ? HttpVersion.Version20 : HttpVersion.Version11,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Headers = { Host = Host(service) },
            Content = body,
        };
        foreach (var (name, value) in headers)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }
        return _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, ct);
    }

    internal async Task<(int Code, string Text)> AskAsync(string service, string path = "/", bool http2 = false, params (string Name, string Value)[] headers)
    {
        using var response = await SendAsync(service, path, http2, headers: headers);
        return ((int)response.StatusCode, await response.Content.ReadAsStringAsync());
    }

    /// <summary>A call of gRPC: its messages are framed by the caller.</summary>
    internal Task<HttpResponseMessage> CallAsync(string service, string path, HttpContent body, CancellationToken ct = default, params (string Name, string Value)[] headers)
    {
        body.Headers.ContentType = new MediaTypeHeaderValue("application/grpc");
        return SendAsync(service, path, http2: true, body, ct, [("TE", "trailers"), .. headers]);
    }

    /// <summary>A WebSocket at the echo program's <c>/echo</c>, and the pod it says it is.</summary>
    internal async Task<(ClientWebSocket Socket, string Pod)> ConnectAsync(string service)
    {
        var socket = new ClientWebSocket();
        socket.Options.SetRequestHeader("Host", Host(service));
        await socket.ConnectAsync(new Uri($"ws://127.0.0.1:{port}/echo"), CancellationToken.None);
        return (socket, await HearAsync(socket));
    }

    /// <summary>The next message.</summary>
    internal static async Task<string> HearAsync(ClientWebSocket socket)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(100));
        var (text, buffer) = (new StringBuilder(), new byte[4096]);
        ValueWebSocketReceiveResult part;
        do
        {
            part = await socket.ReceiveAsync(buffer.AsMemory(), patience.Token);
            text.Append(Encoding.UTF8.GetString(buffer, 0, part.Count));
        }
        while (!part.EndOfMessage);
        return text.ToString();
    }

    public void Dispose() => _http.Dispose();

    private static string Host(string service) => service.Contains('.', StringComparison.Ordinal) ? service : $"{service}.default.localhost";
}
