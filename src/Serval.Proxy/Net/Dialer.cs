using System.Net;
using System.Net.Sockets;

namespace Serval.Proxy;

/// <summary>Opens connections to instances: to their address, and when that refuses to their own 127.0.0.1.</summary>
internal sealed class Dialer(Func<IPAddress, Socket?> openInside)
{
    /// <param name="address">Where to.</param>
    /// <param name="connecting">Given each socket before it connects.</param>
    /// <param name="ct">Gives up.</param>
    public async ValueTask<Socket> ConnectAsync(EndPoint address, Action<Socket> connecting, CancellationToken ct)
    {
        if (address is not IPEndPoint ip)
        {
            return await ConnectAsync(new Socket(SocketType.Stream, ProtocolType.Tcp), address, connecting, ct);
        }
        try
        {
            return await ConnectAsync(new Socket(ip.AddressFamily, SocketType.Stream, ProtocolType.Tcp), address, connecting, ct);
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionRefused)
        {
            if (openInside(ip.Address) is not { } inside)
            {
                throw;
            }
            return await ConnectAsync(inside, new IPEndPoint(IPAddress.Loopback, ip.Port), connecting, ct);
        }
    }

    private static async ValueTask<Socket> ConnectAsync(Socket socket, EndPoint address, Action<Socket> connecting, CancellationToken ct)
    {
        try
        {
            socket.NoDelay = true;
            TcpKeepAlive.TurnOn(socket);
            connecting(socket);
            await socket.ConnectAsync(address, ct);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
