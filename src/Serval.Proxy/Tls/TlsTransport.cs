using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace Serval.Proxy;

/// <summary>A transport on a TLS connection. Its end is said with <c>close_notify</c>, so that an answer without a length is not taken for a cut one.</summary>
internal sealed class TlsTransport(TlsClient client, TimeProvider time) : Transport
{
    /// <summary>How long a client that does not read keeps the last alert waiting.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(5);

    private Task<int>? _receive;
    private int _writing; // 1: a send is under way, 2: the end was said
    private int _closing;

    public override IPAddress RemoteAddress { get; } = SocketTransport.AddressOf(client.Socket.RemoteEndPoint);

    public override int RemotePort { get; } = (client.Socket.RemoteEndPoint as IPEndPoint)?.Port ?? 0;

    public override IPAddress LocalAddress => SocketTransport.AddressOf(client.Socket.LocalEndPoint);

    public override bool IsSecure => true;

    public override bool ReceiveBegun => _receive is not null;

    public override bool ReceiveDone => _receive is { IsCompleted: true };

    public override void BeginReceive(byte[] buffer, int offset, int count)
    {
        Debug.Assert(_receive is null, "One receive at a time.");
        _receive = ReceiveAsync(buffer.AsMemory(offset, count));
    }

    public override async ValueTask<int> EndReceiveAsync()
    {
        var read = await _receive!;
        _receive = null;
        return read;
    }

    public override async ValueTask<bool> SendAsync(ReadOnlyMemory<byte> bytes)
    {
        if (Interlocked.CompareExchange(ref _writing, 1, 0) != 0)
        {
            return false;
        }
        try
        {
            await client.Stream.WriteAsync(bytes);
            return !client.Inner.IsLost;
        }
        catch (Exception e) when (IsGone(e))
        {
            return false;
        }
        finally
        {
            Interlocked.CompareExchange(ref _writing, 0, 1);
        }
    }

    public override void ShutdownSend() => _ = EndAsync(SocketShutdown.Send);

    public override void Close(bool reset = false)
    {
        if (reset)
        {
            SocketTransport.ResetOnClose(client.Socket);
            Interlocked.Exchange(ref _closing, 1);
            client.Socket.Dispose();
        }
        else if (Interlocked.Exchange(ref _closing, 1) == 0)
        {
            _ = CloseAsync(_receive);
        }
    }

    public override bool PollPeerGone() => SocketTransport.IsPeerGone(client.Socket);

    private async Task<int> ReceiveAsync(Memory<byte> buffer)
    {
        int read;
        try
        {
            read = await client.Stream.ReadAsync(buffer);
        }
        catch (Exception e) when (IsGone(e))
        {
            read = Failed;
        }
        // The watcher before the result: once that is there, the flow may go on.
        if (read <= 0)
        {
            Watcher?.OnPeerGone();
        }
        return read;
    }

    private async Task CloseAsync(Task<int>? receive)
    {
        await EndAsync(SocketShutdown.Both);
        if (receive is not null)
        {
            await receive; // disposing a socket with an operation under way resets the connection
        }
        await client.Stream.DisposeAsync();
    }

    /// <summary>Says that nothing more comes, unless a send is stuck, and closes the socket that way.</summary>
    private async Task EndAsync(SocketShutdown how)
    {
        try
        {
            if (Interlocked.CompareExchange(ref _writing, 2, 0) == 0)
            {
                await client.Stream.ShutdownAsync().WaitAsync(s_patience, time);
            }
            client.Socket.Shutdown(how);
        }
        catch (Exception e) when (IsGone(e) || e is TimeoutException)
        {
            client.Socket.Dispose(); // gone, or it does not read
        }
    }

    private static bool IsGone(Exception e) => e is IOException or SocketException or ObjectDisposedException or InvalidOperationException;
}
