using System.Net.Sockets;

namespace Serval.Proxy;

/// <summary>
/// The socket as Kestrel expects a transport's output: what is written to a client that has gone is dropped and told once,
/// never thrown (Kestrel reports an exception of its transport's writer as a fault of the server).
/// </summary>
internal sealed class ForgivingStream(NetworkStream stream, Action lost) : Stream
{
    private bool _lost;

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_lost)
        {
            return;
        }
        try
        {
            await stream.WriteAsync(buffer, cancellationToken);
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            _lost = true;
            lost();
        }
    }

    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public override void Flush()
    {
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
