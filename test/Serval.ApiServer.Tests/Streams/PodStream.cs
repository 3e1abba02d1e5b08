using System.Net.WebSockets;
using System.Text;
using System.Text.Json.Nodes;

namespace Serval.ApiServer.Tests.Streams;

/// <summary>A client of a pod's streams over WebSocket: messages with their channels.</summary>
internal sealed class PodStream(ClientWebSocket socket) : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(20);

    public ClientWebSocket Socket => socket;

    public static async Task<PodStream> OpenAsync(ApiServerFixture server, string path, params string[] protocols)
    {
        var socket = new ClientWebSocket();
        foreach (var protocol in protocols)
        {
            socket.Options.AddSubProtocol(protocol);
        }
        socket.Options.SetRequestHeader("Authorization", "Bearer " + server.AdminToken);
        socket.Options.RemoteCertificateValidationCallback = (_, certificate, _, _) => server.Trusts(certificate);
        using var limit = new CancellationTokenSource(s_patience);
        await socket.ConnectAsync(new UriBuilder(server.Host.Address) { Scheme = "wss", Path = path.Split('?')[0], Query = path.Split('?')[^1] }.Uri, limit.Token);
        return new PodStream(socket);
    }

    public Task SendAsync(byte channel, string text) => SendAsync([channel, .. Encoding.UTF8.GetBytes(text)]);

    public Task SendAsync(byte[] message, WebSocketMessageType type = WebSocketMessageType.Binary) =>
        socket.SendAsync(message, type, endOfMessage: true, CancellationToken.None);

    /// <summary>The next message; null when the server closes.</summary>
    public async Task<byte[]?> ReceiveAsync()
    {
        using var limit = new CancellationTokenSource(s_patience);
        var message = new MemoryStream();
        var chunk = new byte[64 * 1024];
        while (true)
        {
            var got = await socket.ReceiveAsync(chunk.AsMemory(), limit.Token);
            if (got.MessageType == WebSocketMessageType.Close)
            {
                await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, limit.Token);
                return null;
            }
            message.Write(chunk, 0, got.Count);
            if (got.EndOfMessage)
            {
                return message.ToArray();
            }
        }
    }

    /// <summary>What comes until the server closes: the text of each channel.</summary>
    public async Task<Dictionary<int, string>> ReadAllAsync()
    {
        var all = new Dictionary<int, string>();
        while (await ReceiveAsync() is { } message)
        {
            all[message[0]] = all.GetValueOrDefault(message[0], "") + Encoding.UTF8.GetString(message, 1, message.Length - 1);
        }
        return all;
    }

    public static JsonObject Status(string text) => (JsonObject)JsonNode.Parse(text)!;

    public void Dispose() => socket.Dispose();
}
