using System.Buffers;
using System.IO.Pipelines;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;

namespace Serval.Proxy;

/// <summary>A connection that speaks HTTP/2, for Kestrel: a socket on which the HTTP/1.1 handler has read the preface, or one of TLS that agreed on it.</summary>
internal sealed class HandedConnection : DefaultConnectionContext, IMemoryPoolFeature
{
    private readonly Socket _socket;
    private readonly Stream _stream;
    private readonly CancellationTokenSource _closed = new();

    public HandedConnection(Socket socket, byte[] received, bool inside)
        : this(socket, new HandedStream(socket, received), null, inside)
    {
    }

    public HandedConnection(TlsClient client, bool inside)
        : this(client.Socket, client.Inner, client.Stream, inside)
    {
        Features.Set<ITlsConnectionFeature>(TlsFeatures.Instance);
        Features.Set<ITlsApplicationProtocolFeature>(TlsFeatures.Instance);
    }

    private HandedConnection(Socket socket, HandedStream wire, Stream? secure, bool inside)
    {
        _socket = socket;
        wire.Lost = Lost;
        _stream = secure ?? wire;
        ConnectionId = Guid.NewGuid().ToString("n");
        LocalEndPoint = socket.LocalEndPoint;
        RemoteEndPoint = socket.RemoteEndPoint;
        ConnectionClosed = _closed.Token;
        Inside = inside;
        Features.Set<IMemoryPoolFeature>(this);
        Features.Set(this);
        Transport = new Duplex(
            PipeReader.Create(_stream, new StreamPipeReaderOptions(bufferSize: 16 * 1024, leaveOpen: true)),
            PipeWriter.Create(_stream, new StreamPipeWriterOptions(leaveOpen: true)));
    }

    /// <summary>Whether it came by the private door.</summary>
    public bool Inside { get; }

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
}
