using System.Net.WebSockets;

namespace Serval.Kube.Streams;

/// <summary>
/// The bytes that a WebSocket's messages carry, whatever their bounds: a tunnel (apimachinery pkg/util/httpstream; apiserver util/proxy/websocket.go).
/// Whoever has left, with a word or without, is an <see cref="IOException"/> to who writes; the platform's own stream says then that it is none to be read or written.
/// </summary>
/// <param name="socket">To be disposed by the caller.</param>
internal sealed class TunnelStream(WebSocket socket) : AsyncStream
{
    /// <summary>0 when the client has said goodbye.</summary>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        try
        {
            while (true)
            {
                var got = await socket.ReceiveAsync(buffer, cancellationToken);
                if (got.MessageType == WebSocketMessageType.Close)
                {
                    await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, cancellationToken);
                    return 0;
                }
                if (got.Count > 0 || buffer.Length == 0)
                {
                    return got.Count;
                }
            }
        }
        catch (WebSocketException e)
        {
            throw Gone(e);
        }
    }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        try
        {
            await socket.SendAsync(buffer, WebSocketMessageType.Binary, endOfMessage: true, cancellationToken);
        }
        catch (WebSocketException e)
        {
            throw Gone(e);
        }
    }

    private static IOException Gone(WebSocketException e) => new("the client has gone", e);
}
