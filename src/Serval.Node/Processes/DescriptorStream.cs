using System.Runtime.InteropServices;
using Serval.Kube;

namespace Serval.Node.Processes;

/// <summary>One end of a pipe or terminal, opened with O_NONBLOCK, which it owns. For one reader or one writer, who disposes it when done.</summary>
internal sealed class DescriptorStream(int fd, bool write) : AsyncStream
{
    private const int EIO = 5;
    private const int EAGAIN = 11;

    private int _open = 1;

    public override bool CanRead => !write;

    public override bool CanWrite => write;

    /// <summary>0 at the end, which for a terminal is when no program has it open any more.</summary>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (true)
        {
            var (count, error) = TryRead(buffer.Span);
            switch (error)
            {
                case 0:
                    return count;
                case EIO:
                    return 0;
                case Libc.EINTR:
                    break;
                case EAGAIN:
                    await DescriptorPoller.Shared.Value.WaitAsync(fd, write: false, cancellationToken);
                    break;
                default:
                    throw Failed(error);
            }
        }
    }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (buffer.Length > 0)
        {
            var (count, error) = TryWrite(buffer.Span);
            switch (error)
            {
                case 0:
                    buffer = buffer[count..];
                    break;
                case Libc.EINTR:
                    break;
                case EAGAIN:
                    await DescriptorPoller.Shared.Value.WaitAsync(fd, write: true, cancellationToken);
                    break;
                default:
                    throw Failed(error);
            }
        }
    }

    protected override void Dispose(bool disposing)
    {
        if (Interlocked.Exchange(ref _open, 0) == 1)
        {
            _ = Libc.close(fd);
        }
        base.Dispose(disposing);
    }

    private unsafe (int Count, int Error) TryRead(Span<byte> buffer)
    {
        ObjectDisposedException.ThrowIf(Volatile.Read(ref _open) == 0, this);
        fixed (byte* start = buffer)
        {
            var count = Libc.read(fd, start, (nuint)buffer.Length);
            return ((int)count, count < 0 ? Marshal.GetLastPInvokeError() : 0);
        }
    }

    private unsafe (int Count, int Error) TryWrite(ReadOnlySpan<byte> buffer)
    {
        ObjectDisposedException.ThrowIf(Volatile.Read(ref _open) == 0, this);
        fixed (byte* start = buffer)
        {
            var count = Libc.write(fd, start, (nuint)buffer.Length);
            return ((int)count, count < 0 ? Marshal.GetLastPInvokeError() : 0);
        }
    }

    private static IOException Failed(int error) => new(Libc.ErrorText(error));
}
