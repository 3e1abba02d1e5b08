using System.Buffers;
using System.Runtime.InteropServices;
using System.Text;
using Serval.Node.Processes;

namespace Serval.Node.Network;

/// <summary>A request the kernel refused.</summary>
internal sealed class NetlinkException(string what, int error) : Exception($"{what}: {Libc.ErrorText(error)}")
{
    public int Error { get; } = error;
}

/// <summary>A socket of rtnetlink in the network namespace it was made in. One caller at a time.</summary>
internal sealed unsafe class Netlink : IDisposable
{
    public const int Exists = 17; // EEXIST
    private const int AF_NETLINK = 16;
    private const int SOCK_RAW = 3;
    private const ushort Ack = 4;
    private const ushort NLMSG_ERROR = 2;
    private const ushort NLMSG_DONE = 3;
    private const int HeaderSize = 16;
    private const int BufferSize = 64 * 1024;

    private readonly byte[] _buffer = ArrayPool<byte>.Shared.Rent(BufferSize);
    private readonly int _socket;

    public Netlink()
    {
        _socket = Libc.socket(AF_NETLINK, SOCK_RAW | Libc.O_CLOEXEC, 0);
        if (_socket < 0)
        {
            throw new NetlinkException("cannot speak rtnetlink", Marshal.GetLastPInvokeError());
        }
    }

    public void Dispose()
    {
        _ = Libc.close(_socket);
        ArrayPool<byte>.Shared.Return(_buffer);
    }

    /// <summary>One change, done when this returns. Throws <see cref="NetlinkException"/>.</summary>
    public void Do(string what, ushort type, ushort flags, ReadOnlySpan<byte> family, Action<NetlinkMessage> attributes)
    {
        var message = new NetlinkMessage(type, (ushort)(flags | Ack), family);
        attributes(message);
        var error = Exchange(message, static (_, _) => { });
        if (error != 0)
        {
            throw new NetlinkException(what, error);
        }
    }

    /// <summary>Everything of a kind: the message's bytes after the netlink header.</summary>
    public void Dump(ushort type, ReadOnlySpan<byte> family, Action<ReadOnlyMemory<byte>> one)
    {
        const ushort dump = 0x300;
        Exchange(new NetlinkMessage(type, dump, family), (_, message) => one(message));
    }

    /// <summary>The number of an interface; 0 when there is none of this name.</summary>
    public int IndexOf(string name)
    {
        var index = 0;
        var message = new NetlinkMessage(Rtnetlink.GetLink, Ack, new byte[Rtnetlink.LinkHeaderSize]).Add(Rtnetlink.LinkName, name);
        Exchange(message, (_, link) => index = BitConverter.ToInt32(link.Span[4..]));
        return index;
    }

    /// <summary>The attributes after a family's header.</summary>
    public static Dictionary<ushort, ReadOnlyMemory<byte>> Attributes(ReadOnlyMemory<byte> message, int familyHeader)
    {
        var result = new Dictionary<ushort, ReadOnlyMemory<byte>>();
        for (var rest = message[familyHeader..]; rest.Length >= 4;)
        {
            var length = BitConverter.ToUInt16(rest.Span);
            if (length < 4 || length > rest.Length)
            {
                break;
            }
            result[(ushort)(BitConverter.ToUInt16(rest.Span[2..]) & 0x3fff)] = rest[4..length];
            rest = rest[Math.Min(rest.Length, (length + 3) & ~3)..];
        }
        return result;
    }

    public static string Text(ReadOnlyMemory<byte> value) => Encoding.UTF8.GetString(value.Span).TrimEnd('\0');

    private int Exchange(NetlinkMessage message, Action<ushort, ReadOnlyMemory<byte>> answer)
    {
        var bytes = message.Bytes;
        fixed (byte* request = bytes)
        {
            if (Libc.send(_socket, request, (nuint)bytes.Length, 0) < 0)
            {
                return Marshal.GetLastPInvokeError();
            }
        }
        while (true)
        {
            int length;
            fixed (byte* buffer = _buffer)
            {
                length = (int)Libc.recv(_socket, buffer, BufferSize, 0);
            }
            if (length < 0)
            {
                return Marshal.GetLastPInvokeError();
            }
            if (Read(_buffer.AsMemory(0, length), answer) is { } end)
            {
                return end;
            }
        }
    }

    /// <returns>The error number when this was the last piece.</returns>
    private static int? Read(ReadOnlyMemory<byte> messages, Action<ushort, ReadOnlyMemory<byte>> answer)
    {
        while (messages.Length >= HeaderSize)
        {
            var length = BitConverter.ToInt32(messages.Span);
            var type = BitConverter.ToUInt16(messages.Span[4..]);
            if (length < HeaderSize || length > messages.Length || type == NLMSG_DONE)
            {
                return 0;
            }
            if (type == NLMSG_ERROR)
            {
                return -BitConverter.ToInt32(messages.Span[HeaderSize..]); // 0 acknowledges
            }
            answer(type, messages[HeaderSize..length]);
            messages = messages[Math.Min(messages.Length, (length + 3) & ~3)..];
        }
        return null;
    }
}
