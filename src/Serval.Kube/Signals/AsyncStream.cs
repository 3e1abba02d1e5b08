namespace Serval.Kube;

/// <summary>A connection's or pipe's bytes: derive to read and write them asynchronously, which is all it can.</summary>
public abstract class AsyncStream : Stream
{
    private const string NoPosition = "a connection has no position";
    private const string AsyncOnly = "a connection is read and written asynchronously";

    public override bool CanRead => true;

    public override bool CanWrite => true;

    public sealed override bool CanSeek => false;

    public sealed override long Length => throw new NotSupportedException(NoPosition);

    public sealed override long Position
    {
        get => throw new NotSupportedException(NoPosition);
        set => throw new NotSupportedException(NoPosition);
    }

    public sealed override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        throw new NotSupportedException("this end is written only");

    public sealed override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
        throw new NotSupportedException("this end is read only");

    public sealed override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException(AsyncOnly);

    public sealed override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException(AsyncOnly);

    public sealed override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException(NoPosition);

    public sealed override void SetLength(long value) => throw new NotSupportedException(NoPosition);

    /// <summary>What is written is sent at once.</summary>
    public sealed override void Flush()
    {
    }

    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
