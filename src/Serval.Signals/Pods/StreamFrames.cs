using System.Buffers.Binary;

namespace Serval.Signals;

/// <summary>What a frame of a stream to a pod is.</summary>
internal enum StreamFrame : byte
{
    /// <summary>Says that its sender is there.</summary>
    Pulse,

    /// <summary>To the pod: what a program reads, or bytes to a port.</summary>
    Input,

    /// <summary>To the pod: nothing more comes.</summary>
    InputEnd,

    /// <summary>To the pod: the terminal's width and height, two bytes each.</summary>
    Size,

    /// <summary>From the pod: what a program says, its log, or bytes of a port.</summary>
    Output,

    /// <summary>From the pod: what a program says on its other output.</summary>
    Error,

    /// <summary>From the pod, the last: how it ended (<see cref="StreamResult"/>).</summary>
    Result,
}

/// <summary>
/// Both ways of one connection that carries streams of a pod: a byte that says what it is, four with the size (big endian), and that much. Who reads too
/// slowly holds the sender up: nothing grows. An end that hears nothing while it listens takes the other for dead.
/// </summary>
internal sealed class StreamFrames : IAsyncDisposable
{
    /// <summary>What the connection is switched to (RFC 9110, 7.8).</summary>
    public const string Protocol = "serval-streams";

    /// <summary>The most that a frame carries; larger writes are several.</summary>
    public const int MostInOne = 32 << 10;

    private const int HeadSize = 5;

    private readonly Stream _transport;
    private readonly TimeProvider _time;
    private readonly SemaphoreSlim _turn = new(1);
    private readonly byte[] _sent = new byte[HeadSize + MostInOne]; // guarded by _turn
    private readonly ITimer _pulse;
    private readonly CancellationTokenSource _over = new();

    public StreamFrames(Stream transport, TimeProvider time)
    {
        (_transport, _time) = (transport, time);
        _pulse = time.CreateTimer(static self => _ = ((StreamFrames)self!).PulseAsync(), this, LineStream.Pulse, LineStream.Pulse);
    }

    /// <exception cref="IOException">The other end has gone.</exception>
    public async Task SendAsync(StreamFrame kind, ReadOnlyMemory<byte> bytes, CancellationToken ct)
    {
        do
        {
            var piece = bytes[..Math.Min(bytes.Length, MostInOne)];
            bytes = bytes[piece.Length..];
            await _turn.WaitAsync(ct);
            try
            {
                await WriteAsync(kind, piece);
            }
            finally
            {
                _turn.Release();
            }
        }
        while (bytes.Length > 0);
    }

    /// <summary>Passes on every frame but pulses, until who takes them wants no more or the other end is done.</summary>
    /// <exception cref="IOException">It sends nonsense, or is not there any more.</exception>
    public async Task ReadAsync(Func<StreamFrame, ReadOnlyMemory<byte>, ValueTask<bool>> take, CancellationToken ct)
    {
        using var silence = new CancellationTokenSource(Timeout.InfiniteTimeSpan, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(ct, silence.Token);
        try
        {
            await ReadAsync(take, silence, either.Token);
        }
        catch (OperationCanceledException e) when (silence.IsCancellationRequested && !ct.IsCancellationRequested)
        {
            throw new IOException("the other end has fallen silent", e);
        }
    }

    /// <summary>Nobody takes what is sent any more: what is being sent ends.</summary>
    public void Abandon() => _over.Cancel();

    public async ValueTask DisposeAsync()
    {
        await _pulse.DisposeAsync();
        await _over.CancelAsync();
        await _transport.DisposeAsync();
    }

    private async Task ReadAsync(Func<StreamFrame, ReadOnlyMemory<byte>, ValueTask<bool>> take, CancellationTokenSource silence, CancellationToken ct)
    {
        var head = new byte[HeadSize];
        var body = new byte[MostInOne];
        while (await FillAsync(head, silence, ct))
        {
            var size = BinaryPrimitives.ReadInt32BigEndian(head.AsSpan(1));
            if (size is < 0 or > MostInOne || head[0] > (byte)StreamFrame.Result)
            {
                throw new IOException("the other end does not speak this protocol");
            }
            if (!await FillAsync(body.AsMemory(0, size), silence, ct))
            {
                throw new IOException("the connection ended within a frame");
            }
            if ((StreamFrame)head[0] is not StreamFrame.Pulse and var kind && !await take(kind, body.AsMemory(0, size)))
            {
                return;
            }
        }
    }

    private async Task PulseAsync()
    {
        if (!await _turn.WaitAsync(0))
        {
            return; // what is being sent says it as well
        }
        try
        {
            await WriteAsync(StreamFrame.Pulse, ReadOnlyMemory<byte>.Empty);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or ObjectDisposedException)
        {
            // Who reads hears of it.
        }
        finally
        {
            _turn.Release();
        }
    }

    // A frame is written whole or the connection is over, whoever has no patience any more.
    private async Task WriteAsync(StreamFrame kind, ReadOnlyMemory<byte> bytes)
    {
        _sent[0] = (byte)kind;
        BinaryPrimitives.WriteInt32BigEndian(_sent.AsSpan(1), bytes.Length);
        bytes.CopyTo(_sent.AsMemory(HeadSize));
        await _transport.WriteAsync(_sent.AsMemory(0, HeadSize + bytes.Length), _over.Token);
        await _transport.FlushAsync(_over.Token);
    }

    /// <summary>False when it ended before the first byte. While nobody listens, silence is no sign of anything.</summary>
    private async ValueTask<bool> FillAsync(Memory<byte> buffer, CancellationTokenSource silence, CancellationToken ct)
    {
        for (var filled = 0; filled < buffer.Length;)
        {
            silence.CancelAfter(LineStream.Silence);
            var read = await _transport.ReadAsync(buffer[filled..], ct);
            if (read == 0)
            {
                return filled == 0 ? false : throw new IOException("the connection ended within a frame");
            }
            filled += read;
        }
        silence.CancelAfter(Timeout.InfiniteTimeSpan);
        return true;
    }
}
