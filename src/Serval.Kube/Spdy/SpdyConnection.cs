using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using Serval.Kube.Streams;

namespace Serval.Kube.Spdy;

/// <summary>
/// The server's side of a SPDY/3.1 connection whose streams the client opens (draft-mbelshe-httpbis-spdy-00; as much of it as moby/spdystream
/// speaks: there is no flow control by windows, so what is too much is not read).
/// </summary>
/// <param name="transport">The bytes, to be disposed by the caller.</param>
/// <param name="limit">Ends it; hears of each frame.</param>
/// <param name="accept">Whether a stream with such headers is one that is served.</param>
/// <param name="opened">Takes each stream, when the client has been told that it is open. It must not wait.</param>
[SuppressMessage("Design", "CA1001", Justification = "Nothing asks the semaphore for a handle, so it holds nothing.")]
internal sealed class SpdyConnection(Stream transport, IdleLimit limit, Func<SpdyStream, bool> accept, Action<SpdyStream> opened)
{
    private const int MostStreams = 256;
    private const int MostPayload = 1024 * 1024;
    private const int ChunkSize = 32 * 1024;
    private const byte RefusedStream = 3;
    private const int SynStreamHead = 10; // ids, priority and slot

    private readonly ConcurrentDictionary<uint, SpdyStream> _streams = new();
    private readonly SemaphoreSlim _turn = new(1); // of who sends
    private uint _last; // id of the latest stream
    private bool _replied;

    /// <summary>Reads until the client has gone. Throws <see cref="SpdyException"/> when it speaks something else.</summary>
    public async Task RunAsync()
    {
        var ct = limit.Token;
        using var headers = new SpdyHeaderReader();
        var head = new byte[SpdyFrame.HeadSize];
        try
        {
            while (await transport.ReadAtLeastAsync(head, head.Length, throwOnEndOfStream: false, ct) == head.Length)
            {
                limit.Touch();
                var frame = SpdyFrame.Parse(head);
                if (frame.Length > MostPayload)
                {
                    throw new SpdyException($"a frame of {frame.Length} bytes is too large; at most {MostPayload} are taken");
                }
                await (frame.Type == 0 ? ReadDataAsync(frame, ct) : ReadControlAsync(frame, headers, ct));
            }
        }
        finally
        {
            foreach (var stream in _streams.Values)
            {
                await stream.CloseAsync(reset: true);
            }
        }
    }

    internal async Task SendAsync(byte[] frame)
    {
        await _turn.WaitAsync(limit.Token);
        try
        {
            limit.Touch();
            await transport.WriteAsync(frame, limit.Token);
        }
        finally
        {
            _turn.Release();
        }
    }

    internal void Forget(uint id) => _streams.TryRemove(id, out _);

    private async Task ReadDataAsync(SpdyFrame frame, CancellationToken ct)
    {
        var stream = _streams.GetValueOrDefault(frame.Stream);
        var chunk = new byte[Math.Min(ChunkSize, frame.Length)];
        for (var left = frame.Length; left > 0;)
        {
            var piece = chunk.AsMemory(0, Math.Min(chunk.Length, left));
            await transport.ReadExactlyAsync(piece, ct);
            left -= piece.Length;
            if (stream is not null)
            {
                await stream.TakeAsync(piece, ct);
            }
        }
        if (stream is not null && (frame.Flags & SpdyFrame.Fin) != 0)
        {
            await stream.CloseAsync(reset: false);
        }
    }

    private async Task ReadControlAsync(SpdyFrame frame, SpdyHeaderReader headers, CancellationToken ct)
    {
        var payload = new byte[frame.Length];
        await transport.ReadExactlyAsync(payload, ct);
        switch (frame.Type)
        {
            case SpdyType.SynStream when payload.Length >= SynStreamHead:
                await OpenAsync(IdOf(payload), headers.Read(payload.AsMemory(SynStreamHead)), (frame.Flags & SpdyFrame.Fin) != 0);
                break;
            case SpdyType.SynReply or SpdyType.Headers when payload.Length >= sizeof(uint):
                _ = headers.Read(payload.AsMemory(sizeof(uint))); // nobody needs them, but the blocks after it build on it
                break;
            case SpdyType.RstStream when payload.Length == 2 * sizeof(uint):
                if (_streams.TryGetValue(IdOf(payload), out var stream))
                {
                    await stream.CloseAsync(reset: true);
                }
                break;
            case SpdyType.Ping when payload.Length == sizeof(uint) && IdOf(payload) % 2 == 1:
                await SendAsync(SpdyFrame.Write(SpdyType.Ping, 0, payload));
                break;
            case SpdyType.SynStream or SpdyType.SynReply or SpdyType.Headers or SpdyType.RstStream or SpdyType.Ping:
                throw new SpdyException($"a frame of type {frame.Type} has a wrong length or number");
            default:
                break; // settings, windows, farewells, and what is not known
        }
    }

    private async Task OpenAsync(uint id, Dictionary<string, string> headers, bool ended)
    {
        if (id % 2 == 0 || id <= _last)
        {
            throw new SpdyException($"a client cannot open a stream of number {id} after {_last}");
        }
        _last = id;
        var stream = new SpdyStream(this, id, headers);
        _streams[id] = stream;
        if (_streams.Count > MostStreams || !accept(stream))
        {
            Forget(id);
            await SendAsync(SpdyFrame.Write(SpdyType.RstStream, 0, [.. Bytes(id), 0, 0, 0, RefusedStream]));
            return;
        }
        await ReplyAsync(id);
        if (ended)
        {
            await stream.CloseAsync(reset: false);
        }
        opened(stream);
    }

    // A block of no headers, stored: a zlib header before the first, and an empty block after each, at which the client's inflater stops.
    private async Task ReplyAsync(uint id)
    {
        byte[] head = _replied ? [] : [0x78, 0x01];
        _replied = true;
        await SendAsync(SpdyFrame.Write(SpdyType.SynReply, 0, [.. Bytes(id), .. head, 0, 4, 0, 0xFB, 0xFF, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF]));
    }

    private static byte[] Bytes(uint number)
    {
        var bytes = new byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, number);
        return bytes;
    }

    private static uint IdOf(byte[] payload) => BinaryPrimitives.ReadUInt32BigEndian(payload) & SpdyFrame.StreamMask;
}
