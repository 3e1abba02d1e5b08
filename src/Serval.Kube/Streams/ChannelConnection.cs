using System.Buffers;
using System.Buffers.Text;
using System.Diagnostics.CodeAnalysis;
using System.Net.WebSockets;

namespace Serval.Kube.Streams;

/// <summary>The messages of a WebSocket whose subprotocol has channels.</summary>
[SuppressMessage("Design", "CA1001", Justification = "Nothing asks the semaphore for a handle, so it holds nothing.")]
internal sealed class ChannelConnection(WebSocket socket, ChannelProtocol protocol, IdleLimit limit)
{
    private const int ChunkSize = 32 * 1024;
    private const int MostCollected = 1024 * 1024;

    private readonly SemaphoreSlim _turn = new(1); // of who sends
    private readonly ArrayBufferWriter<byte> _text = new(); // of a message in base64, which is taken whole

    /// <summary>Takes a piece of a message; <paramref name="last"/> ends the message.</summary>
    public delegate ValueTask Taker(int channel, ReadOnlyMemory<byte> piece, bool last);

    /// <summary>Reads until the client closes. It left without a word, or was wrong: <see cref="WebSocketException"/>, <see cref="IOException"/>.</summary>
    public async Task ReadAsync(Taker take)
    {
        var chunk = new byte[ChunkSize];
        int? channel = null;
        while (true)
        {
            var got = await socket.ReceiveAsync(chunk.AsMemory(), limit.Token);
            if (got.MessageType == WebSocketMessageType.Close)
            {
                await CloseAsync();
                return;
            }
            limit.Touch();
            var piece = chunk.AsMemory(0, got.Count);
            if (channel is null && piece.Length > 0)
            {
                channel = protocol.IsBase64 ? piece.Span[0] - '0' : piece.Span[0];
                piece = piece[1..];
            }
            if (channel is { } number && (!protocol.IsBase64 || await CollectAsync(piece, got.EndOfMessage)))
            {
                await take(number, protocol.IsBase64 ? Decoded() : piece, got.EndOfMessage);
            }
            channel = got.EndOfMessage ? null : channel;
        }
    }

    /// <summary>Sends a message. <see cref="IOException"/>: the client has gone.</summary>
    public async Task SendAsync(byte channel, ReadOnlyMemory<byte> bytes)
    {
        await _turn.WaitAsync(limit.Token);
        try
        {
            limit.Touch();
            var message = Message(channel, bytes.Span);
            await socket.SendAsync(message, protocol.IsBase64 ? WebSocketMessageType.Text : WebSocketMessageType.Binary, endOfMessage: true, limit.Token);
        }
        catch (WebSocketException e)
        {
            await limit.CancelAsync();
            throw new IOException("the client has gone", e);
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>Says goodbye, unless that is done: a client that said it first has its answer from who reads, maybe in this moment.</summary>
    public async Task CloseAsync()
    {
        try
        {
            await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, limit.Token);
        }
        catch (WebSocketException)
        {
            // It has closed, or gone.
        }
    }

    /// <returns>Whether the message is whole.</returns>
    private async ValueTask<bool> CollectAsync(ReadOnlyMemory<byte> piece, bool last)
    {
        if (_text.WrittenCount + piece.Length > MostCollected)
        {
            await socket.CloseOutputAsync(WebSocketCloseStatus.MessageTooBig, null, limit.Token);
            throw new IOException("a message of the client is too large");
        }
        _text.Write(piece.Span);
        return last;
    }

    // What is no base64 is nothing, as to upstream.
    private ReadOnlyMemory<byte> Decoded()
    {
        var bytes = new byte[Base64.GetMaxDecodedFromUtf8Length(_text.WrittenCount)];
        var whole = Base64.DecodeFromUtf8(_text.WrittenSpan, bytes, out _, out var length) == OperationStatus.Done;
        _text.ResetWrittenCount();
        return whole ? bytes.AsMemory(0, length) : ReadOnlyMemory<byte>.Empty;
    }

    private byte[] Message(byte channel, ReadOnlySpan<byte> bytes)
    {
        if (!protocol.IsBase64)
        {
            return [channel, .. bytes];
        }
        var text = new byte[1 + Base64.GetMaxEncodedToUtf8Length(bytes.Length)];
        text[0] = (byte)('0' + channel);
        _ = Base64.EncodeToUtf8(bytes, text.AsSpan(1), out _, out _);
        return text;
    }
}
