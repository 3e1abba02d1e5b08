using System.Diagnostics;
using System.Net.Sockets;

namespace Serval.Node.Network;

/// <summary>
/// Held by the one Serval that removes leftovers and claims a network. A socket's name without a file (unix(7)): it is of the network namespace, as
/// what it guards, and goes with its process.
/// </summary>
internal sealed class SetupLock : IDisposable
{
    private static readonly UnixDomainSocketEndPoint s_name = new("\0serval-network");
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(20); // each of the firewall's tools may take five

    private readonly Socket _socket;

    private SetupLock(Socket socket) => _socket = socket;

    /// <summary>Waits for the others, but not for ever: one may hang, or anyone else have the name.</summary>
    public static SetupLock Take()
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        for (var since = Stopwatch.GetTimestamp(); ;)
        {
            try
            {
                socket.Bind(s_name);
                return new SetupLock(socket);
            }
            catch (SocketException) when (Stopwatch.GetElapsedTime(since) < s_patience)
            {
                Task.Delay(s_pause, TimeProvider.System).Wait(); // other processes do not live in a test's time
            }
            catch (SocketException)
            {
                return new SetupLock(socket);
            }
        }
    }

    public void Dispose() => _socket.Dispose();
}
