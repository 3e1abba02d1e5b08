using System.Net;
using System.Net.Sockets;
using Serval.Node.Sockets;

namespace Serval.Node.Network;

/// <summary>
/// Takes connections at a pod's address for a program that listens on the pod's 127.0.0.1 alone: for gateways of other processes, which cannot make a socket
/// in the pod's network, so for nobody but the machine. Ends with the listener; connections end with either of their ends.
/// </summary>
internal sealed class LoopbackRelay : IDisposable
{
    private const int MostConnections = 1024; // others wait with the kernel

    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(100);

    private readonly PodNamespace _pod;
    private readonly int _port;
    private readonly TimeProvider _time;
    private readonly Socket _listener;
    private readonly SemaphoreSlim _free = new(MostConnections);
    private volatile bool _disposed;

    private LoopbackRelay(PodNamespace pod, int port, TimeProvider time, Socket listener)
    {
        (_pod, _port, _time, _listener) = (pod, port, time, listener);
        _ = AcceptAsync();
    }

    /// <summary>Null when something listens at the pod's address itself.</summary>
    public static LoopbackRelay? TryStart(PodNamespace pod, int port, TimeProvider time)
    {
        var listener = pod.OpenSocket();
        try
        {
            listener.Bind(new IPEndPoint(pod.Address, port));
            listener.Listen();
            return new LoopbackRelay(pod, port, time, listener);
        }
        catch (SocketException)
        {
            listener.Dispose();
            return null;
        }
    }

    public void Dispose()
    {
        _disposed = true;
        _listener.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (!_disposed)
        {
            await _free.WaitAsync();
            try
            {
                _ = PassAsync(await _listener.AcceptAsync());
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                _free.Release();
                await Task.Delay(s_pause, _time); // out of descriptors, unless it ended
            }
        }
    }

    private async Task PassAsync(Socket client)
    {
        try
        {
            using (client)
            {
                if (client.RemoteEndPoint is not IPEndPoint { Address: var from } || !from.Equals(_pod.Gateway))
                {
                    SocketRelay.Reset(client); // a pod: its own 127.0.0.1 is not for others
                    return;
                }
                using var program = await _pod.ConnectLoopbackAsync(_port, CancellationToken.None);
                await SocketRelay.CarryAsync(client, program, CancellationToken.None);
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The program is going: the client sees an end.
        }
        finally
        {
            _free.Release();
        }
    }
}
