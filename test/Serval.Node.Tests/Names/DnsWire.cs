using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using Serval.Node.Names;

namespace Serval.Node.Tests.Names;

/// <summary>Packets as a client writes and reads them, by hand so that the server's mistakes are not shared.</summary>
internal static class DnsWire
{
    public const ushort A = 1;
    public const ushort Aaaa = 28;

    /// <summary>A question with recursion desired.</summary>
    public static byte[] Ask(string name, ushort type = A, ushort id = 0x1234, ushort @class = 1) =>
        [.. Header(id, 0x0100, 1, 0, 0, 0), .. Name(name), .. Number(type), .. Number(@class)];

    public static byte[] Header(ushort id, ushort flags, ushort questions, ushort answers, ushort authorities, ushort more) =>
        [.. Number(id), .. Number(flags), .. Number(questions), .. Number(answers), .. Number(authorities), .. Number(more)];

    public static byte[] Name(string name) =>
        [.. name.Split('.', StringSplitOptions.RemoveEmptyEntries).SelectMany(l => l.Select(c => (byte)c).Prepend((byte)l.Length)), 0];

    public static byte[] Number(ushort number) => [(byte)(number >> 8), (byte)number];

    public static int At(byte[] packet, int offset) => BinaryPrimitives.ReadUInt16BigEndian(packet.AsSpan(offset));

    public static int Code(byte[] packet) => packet[3] & 0xf;

    /// <summary>The addresses of an answer whose records are all of fixed size behind a pointer.</summary>
    public static IEnumerable<string> Addresses(byte[] packet, int questionLength)
    {
        var at = 12 + questionLength;
        for (var left = At(packet, 6); left > 0; left--)
        {
            at += (packet[at] & 0xc0) == 0xc0 ? 2 : throw new InvalidDataException("an owner that is no pointer");
            var (type, length) = (At(packet, at), At(packet, at + 8));
            if (type is A or Aaaa)
            {
                yield return new IPAddress(packet.AsSpan(at + 10, length)).ToString();
            }
            at += 10 + length;
        }
    }

    public static async Task<byte[]> DatagramAsync(IPEndPoint server, byte[] packet)
    {
        using var socket = new UdpClient(AddressFamily.InterNetwork);
        socket.Connect(server);
        await socket.SendAsync(packet);
        return (await socket.ReceiveAsync().WaitAsync(TimeSpan.FromSeconds(20))).Buffer;
    }

    public static async Task<byte[]?> StreamAsync(Socket socket, byte[] packet)
    {
        await DnsStream.WriteAsync(socket, packet, default);
        return await DnsStream.ReadAsync(socket, 65535, default);
    }
}
