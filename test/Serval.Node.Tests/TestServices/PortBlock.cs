using System.Net;
using System.Net.Sockets;
using Serval.Node.Sockets;

namespace Serval.Node.Tests;

/// <summary>
/// Ports of a node that nobody listens on, and that no other test of this machine is given while the block is held: who has a block
/// has its first port for UDP, which is nothing to the node.
/// </summary>
internal sealed class PortBlock : IDisposable
{
    public const int Size = 20;

    private const int FirstOfAll = 21000;
    private const int Blocks = 400;

    private static int s_next = Environment.ProcessId * 50;

    private readonly Socket _claim;

    private PortBlock(Socket claim, int first)
    {
        _claim = claim;
        First = first;
    }

    public int First { get; }

    public int Last => First + Size - 1;

    /// <summary>Takes the next free block. Where a process begins is its own, as a rule.</summary>
    public static PortBlock Take()
    {
        var listening = InstanceSockets.Dump().Select(s => s.Port).ToHashSet();
        for (var i = 0; i < Blocks; i++)
        {
            var first = FirstOfAll + ((Interlocked.Increment(ref s_next) & int.MaxValue) % Blocks * Size);
            if (!Enumerable.Range(first, Size).Any(listening.Contains) && Claim(first) is { } claim)
            {
                return new PortBlock(claim, first);
            }
        }
        throw new InvalidOperationException($"no {Size} ports in a row from {FirstOfAll} to {FirstOfAll + (Blocks * Size) - 1} are free; something else on this machine listens on them");
    }

    public void Dispose() => _claim.Dispose();

    private static Socket? Claim(int port)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp) { ExclusiveAddressUse = true };
        try
        {
            socket.Bind(new IPEndPoint(IPAddress.Loopback, port));
            return socket;
        }
        catch (SocketException)
        {
            socket.Dispose();
            return null;
        }
    }
}
