using System.Buffers.Binary;
using System.Net.Sockets;

namespace Serval.Node.Names;

/// <summary>Packets on a TCP connection: two bytes say the length of each (RFC 1035 section 4.2.2).</summary>
internal static class DnsStream
{
    private const int Prefix = 2;

    /// <summary>The next packet; null at the end, and when it is shorter than a header or longer than it may be.</summary>
    public static async Task<byte[]?> ReadAsync(Socket socket, int longest, CancellationToken ct)
    {
        var prefix = new byte[Prefix];
        if (!await FillAsync(socket, prefix, ct) || BinaryPrimitives.ReadUInt16BigEndian(prefix) is var length && (length < DnsQuery.HeaderSize || length > longest))
        {
            return null;
        }
        var packet = new byte[length];
        return await FillAsync(socket, packet, ct) ? packet : null;
    }

    public static async Task WriteAsync(Socket socket, byte[] packet, CancellationToken ct)
    {
        var framed = new byte[Prefix + packet.Length];
        BinaryPrimitives.WriteUInt16BigEndian(framed, (ushort)packet.Length);
        packet.CopyTo(framed, Prefix);
        for (var left = framed.AsMemory(); left.Length > 0;)
        {
            left = left[await socket.SendAsync(left, ct)..];
        }
    }

    private static async Task<bool> FillAsync(Socket socket, Memory<byte> buffer, CancellationToken ct)
    {
        while (buffer.Length > 0)
        {
            if (await socket.ReceiveAsync(buffer, ct) is not 0 and var read)
            {
                buffer = buffer[read..];
            }
            else
            {
                return false;
            }
        }
        return true;
    }
}
