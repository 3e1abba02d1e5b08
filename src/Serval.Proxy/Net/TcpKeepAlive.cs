using System.Net.Sockets;

namespace Serval.Proxy;

/// <summary>
/// Finds peers that vanished without a word: a probe after 15 s of silence, then each 15 s, and nine without an answer end the connection. The
/// values of Go's listeners and dialers (<c>net.KeepAliveConfig</c>), and so of Knative's queue-proxy and activator.
/// </summary>
internal static class TcpKeepAlive
{
    private const int Seconds = 15;
    private const int Probes = 9;

    /// <summary>Sockets a listening one accepts are like it.</summary>
    public static void TurnOn(Socket socket)
    {
        socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime, Seconds);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval, Seconds);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveRetryCount, Probes);
    }
}
