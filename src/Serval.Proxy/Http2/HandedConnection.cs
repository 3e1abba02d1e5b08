using System.Buffers;
using System.IO.Pipelines;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;

namespace Serval.Proxy;

/// <summary>A socket on which the HTTP/1.1 handler has read an HTTP/2 preface, as a connection for Kestrel.</summary>
internal sealed class HandedConnection : DefaultConnectionContext, IMemoryPoolFeature
{
    private readonly Socket _socket;
    private readonly NetworkStream _stream;
    private readonly CancellationTokenSource _closed = new();

    public HandedConnection(Socket socket, byte[] received)
    {
        _socket = socket;
        _stream = new NetworkStream(socket, ownsSocket: true);
        ConnectionId = Guid.NewGuid().ToString("n");
        LocalEndPoint = socket.LocalEndPoint;
        RemoteEndPoint = socket.RemoteEndPoint;
        ConnectionClosed = _closed.Token;
        Features.Set<IMemoryPoolFeature>(this);
        Transport = new Duplex(
            PipeReader.Create(new ReplayStream(received, _stream), new StreamPipeReaderOptions(bufferSize: 16 * 1024, leaveOpen: true)),
            PipeWriter.Create(new ForgivingStream(_stream, Lost), new StreamPipeWriterOptions(leaveOpen: true)));
    }

    public MemoryPool<byte> MemoryPool => MemoryPool<byte>.Shared;

    public override void Abort(ConnectionAbortedException abortReason)
    {
        _socket.Dispose();
        _closed.Cancel();
    }

    public override async ValueTask DisposeAsync()
    {
        await _closed.CancelAsync();
        await _stream.DisposeAsync();
        await base.DisposeAsync();
        _closed.Dispose();
    }

    /// <summary>The client has gone: the server hears of it by <c>ConnectionClosed</c>.</summary>
    private void Lost()
    {
        try
        {
            _closed.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // The connection has ended already.
        }
    }

    private sealed record Duplex(PipeReader Input, PipeWriter Output) : IDuplexPipe;

    /// <summary>Reads first what was read before.</summary>
    private sealed class ReplayStream(byte[] first, Stream rest) : Stream
    {
        private int _at;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            var count = Math.Min(buffer.Length, first.Length - _at);
            if (count == 0)
            {
                return rest.ReadAsync(buffer, cancellationToken);
            }
            first.AsMemory(_at, count).CopyTo(buffer);
            _at += count;
            return ValueTask.FromResult(count);
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
