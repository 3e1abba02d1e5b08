using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Threading.Tasks.Sources;

namespace Serval.Proxy;

/// <summary>A transport on a managed socket, with one reused operation each way.</summary>
[SuppressMessage("Design", "CA1001", Justification = "Close ends the socket; its operations hold nothing of their own on Unix and may still be completing.")]
internal sealed class SocketTransport : Transport
{
    private readonly Socket _socket;
    private readonly Operation _receive;
    private readonly Operation _send;
    private int _closing;
    private int _disposed;
    private int _receiving;

    public SocketTransport(Socket socket)
    {
        _socket = socket;
        _receive = new Operation(this);
        _send = new Operation(null);
        var remote = socket.RemoteEndPoint;
        (RemoteAddress, RemotePort) = (AddressOf(remote), (remote as IPEndPoint)?.Port ?? 0);
    }

    /// <summary>For handing the socket over; the transport must not be used afterwards.</summary>
    public Socket Socket => _socket;

    public override IPAddress RemoteAddress { get; }

    public override int RemotePort { get; }

    public override IPAddress LocalAddress => AddressOf(_socket.LocalEndPoint);

    public override bool ReceiveBegun => _receive.Begun;

    public override bool ReceiveDone => _receive.Begun && _receive.IsDone;

    public override void BeginReceive(byte[] buffer, int offset, int count)
    {
        Debug.Assert(count > 0, "A receive needs room.");
        _receive.Begin(buffer, offset, count);
        Interlocked.Exchange(ref _receiving, 1);
        try
        {
            if (!_socket.ReceiveAsync(_receive))
            {
                _receive.Complete();
            }
        }
        catch (ObjectDisposedException)
        {
            _receive.Fail();
        }
    }

    public override ValueTask<int> EndReceiveAsync() => _receive.Task;

    public override async ValueTask<bool> SendAsync(ReadOnlyMemory<byte> bytes)
    {
        MemoryMarshal.TryGetArray(bytes, out var segment);
        var (offset, left) = (segment.Offset, segment.Count);
        while (left > 0)
        {
            _send.Begin(segment.Array!, offset, left);
            try
            {
                if (!_socket.SendAsync(_send))
                {
                    _send.Complete();
                }
            }
            catch (ObjectDisposedException)
            {
                _send.Fail();
            }
            var sent = await _send.Task;
            if (sent <= 0)
            {
                return false;
            }
            offset += sent;
            left -= sent;
        }
        return true;
    }

    public override void ShutdownSend() => Shutdown(SocketShutdown.Send);

    public override void Close(bool reset = false)
    {
        if (reset)
        {
            ResetOnClose(_socket);
            Interlocked.Exchange(ref _closing, 1);
            Dispose();
            return;
        }
        // Disposing a socket with an operation under way resets the connection, and what the peer has not read yet is lost. So the operation
        // is ended by a shutdown, and the socket is disposed when it has ended.
        if (Interlocked.Exchange(ref _closing, 1) == 0)
        {
            Shutdown(SocketShutdown.Both);
            if (Volatile.Read(ref _receiving) == 0)
            {
                Dispose();
            }
        }
    }

    public override bool PollPeerGone() => IsPeerGone(_socket);

    internal static bool IsPeerGone(Socket socket)
    {
        try
        {
            return socket.Poll(0, SelectMode.SelectError) || (socket.Poll(0, SelectMode.SelectRead) && socket.Available == 0);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            return true;
        }
    }

    /// <summary>Whoever closes the socket now resets the connection.</summary>
    internal static void ResetOnClose(Socket socket)
    {
        try
        {
            socket.LingerState = new LingerOption(true, 0);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // already gone
        }
    }

    internal static IPAddress AddressOf(EndPoint? end) => end is not IPEndPoint ip ? IPAddress.None
        : ip.Address.IsIPv4MappedToIPv6 ? ip.Address.MapToIPv4() : ip.Address;

    private void Shutdown(SocketShutdown how)
    {
        try
        {
            _socket.Shutdown(how);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // already gone
        }
    }

    private void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
        {
            _socket.Dispose();
        }
    }

    private void EndReceive(int result)
    {
        Interlocked.Exchange(ref _receiving, 0);
        if (Volatile.Read(ref _closing) == 1)
        {
            Dispose();
        }
        // The watcher before the result: once that is set, the flow may go on and reuse the operation.
        if (result <= 0)
        {
            Watcher?.OnPeerGone();
        }
    }

    private sealed class Operation(SocketTransport? watched) : SocketAsyncEventArgs(true), IValueTaskSource<int>
    {
        private ManualResetValueTaskSourceCore<int> _core;

        /// <summary>Touched by the flow that owns the connection only.</summary>
        public bool Begun { get; private set; }

        public bool IsDone => _core.GetStatus(_core.Version) != ValueTaskSourceStatus.Pending;

        public ValueTask<int> Task => new(this, _core.Version);

        public void Begin(byte[] buffer, int offset, int count)
        {
            Debug.Assert(!Begun, "One operation at a time.");
            Begun = true;
            _core.Reset();
            SetBuffer(buffer, offset, count);
        }

        public void Complete() => Finish(SocketError == SocketError.Success ? BytesTransferred : Failed);

        public void Fail() => Finish(Failed);

        public int GetResult(short token)
        {
            var result = _core.GetResult(token);
            Begun = false;
            return result;
        }

        public ValueTaskSourceStatus GetStatus(short token) => _core.GetStatus(token);

        public void OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
            _core.OnCompleted(continuation, state, token, flags);

        protected override void OnCompleted(SocketAsyncEventArgs e) => Complete();

        private void Finish(int result)
        {
            watched?.EndReceive(result);
            _core.SetResult(result);
        }
    }
}
