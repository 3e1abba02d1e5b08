using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace Serval.StoreConformance;

/// <summary>A line between a client and a server that can be cut: all connections at once, without a goodbye.</summary>
internal sealed class CutLine : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly ConcurrentDictionary<Socket, byte> _open = [];
    private readonly int _target;
    private readonly Task _accepting;

    private readonly TimeSpan _latency;

    /// <param name="target">The server's port.</param>
    /// <param name="latency">How long what is sent takes, at least, either way.</param>
    public CutLine(int target, TimeSpan latency = default)
    {
        (_target, _latency) = (target, latency);
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    public int Cuts { get; private set; }

    public void Cut()
    {
        foreach (var (socket, _) in _open)
        {
            socket.Close(0);
            Cuts++;
        }
    }

    public async ValueTask DisposeAsync()
    {
        _listener.Stop();
        Cut();
        await _accepting;
        _listener.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                _ = ForwardAsync(await _listener.AcceptTcpClientAsync());
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // stopped
        }
    }

    private async Task CopyAsync(NetworkStream from, NetworkStream to)
    {
        if (_latency == TimeSpan.Zero)
        {
            await from.CopyToAsync(to);
            return;
        }
        using var pause = new PeriodicTimer(_latency);
        var buffer = new byte[64 << 10];
        while (await from.ReadAsync(buffer) is > 0 and var count)
        {
            await pause.WaitForNextTickAsync();
            await to.WriteAsync(buffer.AsMemory(0, count));
        }
    }

    private async Task ForwardAsync(TcpClient client)
    {
        using var server = new TcpClient();
        var socket = client.Client;
        _open[socket] = 0;
        try
        {
            await server.ConnectAsync(IPAddress.Loopback, _target);
            var (near, far) = (client.GetStream(), server.GetStream());
            await Task.WhenAny(CopyAsync(near, far), CopyAsync(far, near));
        }
        catch (Exception e) when (e is SocketException or InvalidOperationException or IOException)
        {
            // cut while it was made
        }
        finally
        {
            _open.TryRemove(socket, out _);
            client.Dispose();
        }
    }
}
