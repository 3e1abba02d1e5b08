using System.IO.Pipelines;

namespace Serval.Kube.Spdy;

/// <summary>One stream that the client opened: both its directions.</summary>
internal sealed class SpdyStream(SpdyConnection connection, uint id, IReadOnlyDictionary<string, string> headers) : AsyncStream
{
    private const int MostUnread = 256 * 1024;
    private const int ChunkSize = 32 * 1024;

    private readonly Pipe _incoming = new(new PipeOptions(pauseWriterThreshold: MostUnread, resumeWriterThreshold: MostUnread / 2, useSynchronizationContext: false));
    private Stream? _reader;
    private int _sent; // 1 when this side has ended
    private int _received; // 1 when the other has

    public uint Id => id;

    /// <summary>The header; empty when the client gave none of that name.</summary>
    public string Header(string name) => headers.GetValueOrDefault(name, "");

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        (_reader ??= _incoming.Reader.AsStream()).ReadAsync(buffer, cancellationToken);

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        for (; buffer.Length > 0; buffer = buffer[Math.Min(ChunkSize, buffer.Length)..])
        {
            if (Volatile.Read(ref _sent) == 1)
            {
                throw new IOException("the stream has ended");
            }
            await connection.SendAsync(SpdyFrame.WriteData(id, 0, buffer.Span[..Math.Min(ChunkSize, buffer.Length)]));
        }
    }

    /// <summary>This side sends no more.</summary>
    public async ValueTask EndAsync()
    {
        if (Interlocked.Exchange(ref _sent, 1) == 0)
        {
            await connection.SendAsync(SpdyFrame.WriteData(id, SpdyFrame.Fin, []));
            ForgetWhenOver();
        }
    }

    /// <summary>Nobody reads or writes it any more: what still comes is dropped.</summary>
    public override async ValueTask DisposeAsync()
    {
        await EndAsync();
        await _incoming.Reader.CompleteAsync();
        await base.DisposeAsync();
    }

    /// <summary>What the client sent; it is held up while too much of it is unread.</summary>
    internal async ValueTask TakeAsync(ReadOnlyMemory<byte> bytes, CancellationToken ct)
    {
        if (Volatile.Read(ref _received) == 0)
        {
            await _incoming.Writer.WriteAsync(bytes, ct);
        }
    }

    /// <summary>The client sends no more, and after a reset takes no more.</summary>
    internal async ValueTask CloseAsync(bool reset)
    {
        if (reset)
        {
            Volatile.Write(ref _sent, 1);
        }
        if (Interlocked.Exchange(ref _received, 1) == 0)
        {
            await _incoming.Writer.CompleteAsync(reset ? new IOException("the client reset the stream") : null);
        }
        ForgetWhenOver();
    }

    private void ForgetWhenOver()
    {
        if (Volatile.Read(ref _sent) == 1 && Volatile.Read(ref _received) == 1)
        {
            connection.Forget(id);
        }
    }
}
