using System.Buffers;
using System.Buffers.Binary;
using System.Net;
using Serval.Node.Processes;

namespace Serval.Node.Sockets;

/// <summary>A listening TCP socket of this machine.</summary>
/// <param name="Port">Its port.</param>
/// <param name="Inode">What names it below /proc.</param>
/// <param name="Address">Where it listens.</param>
/// <param name="OnlyV6">IPV6_V6ONLY: connections over IPv4 do not reach it.</param>
internal readonly record struct ListeningSocket(int Port, uint Inode, IPAddress Address, bool OnlyV6)
{
    /// <summary>Whether a connection to 127.0.0.1 reaches it: other addresses of 127.0.0.0/8 are others.</summary>
    public bool TakesLoopback =>
        Address.Equals(IPAddress.IPv6Any) ? !OnlyV6
        : (Address.IsIPv4MappedToIPv6 ? Address.MapToIPv4() : Address) is var v4 && (v4.Equals(IPAddress.Any) || v4.Equals(IPAddress.Loopback));

    /// <summary>Whether requests reach it: those for a pod with an address of its own come there or to its 127.0.0.1.</summary>
    public bool Takes(IPAddress? pod) => TakesLoopback || (pod is not null && Address.Equals(pod));

    public override string ToString() => new IPEndPoint(Address, Port).ToString();
}

/// <summary>Asks the kernel which TCP sockets listen (netlink sock_diag; two round trips, tens of microseconds).</summary>
internal sealed unsafe class SockDiag : IDisposable
{
    private const int AF_INET = 2;
    private const int AF_INET6 = 10;
    private const int AF_NETLINK = 16;
    private const int SOCK_RAW = 3;
    private const int NETLINK_SOCK_DIAG = 4;
    private const ushort SOCK_DIAG_BY_FAMILY = 20;
    private const ushort NLMSG_ERROR = 2;
    private const ushort NLMSG_DONE = 3;
    private const ushort NLM_F_REQUEST_DUMP = 0x301;
    private const byte IPPROTO_TCP = 6;
    private const uint ListenState = 1 << 10;
    private const int HeaderSize = 16;
    private const int RequestSize = HeaderSize + 56;
    private const int AnswerSize = HeaderSize + 72;
    private const int BufferSize = 32 * 1024;
    private const int AttributeHeader = 4; // struct rtattr: length, type
    private const ushort INET_DIAG_SKV6ONLY = 11; // sent of every listening socket of AF_INET6

    private readonly Lock _lock = new();
    private readonly int _socket;
    private bool _disposed; // guarded by _lock

    public SockDiag()
    {
        _socket = Libc.socket(AF_NETLINK, SOCK_RAW | Libc.O_CLOEXEC, NETLINK_SOCK_DIAG);
        if (_socket < 0)
        {
            throw new InvalidOperationException(
                $"cannot ask the kernel for listening sockets: NETLINK_SOCK_DIAG: {Libc.LastErrorText()}; load the module inet_diag");
        }
    }

    /// <summary>Fills <paramref name="into"/> with every listening socket of the network namespace this was made in; none once disposed.</summary>
    public void Dump(List<ListeningSocket> into)
    {
        into.Clear();
        lock (_lock)
        {
            if (!_disposed)
            {
                Dump(AF_INET, into);
                Dump(AF_INET6, into);
            }
        }
    }

    public void Dispose()
    {
        lock (_lock)
        {
            _ = _disposed ? 0 : Libc.close(_socket);
            _disposed = true;
        }
    }

    private void Dump(byte family, List<ListeningSocket> into)
    {
        Span<byte> request = stackalloc byte[RequestSize];
        request.Clear();
        BitConverter.TryWriteBytes(request, RequestSize);
        BitConverter.TryWriteBytes(request[4..], SOCK_DIAG_BY_FAMILY);
        BitConverter.TryWriteBytes(request[6..], NLM_F_REQUEST_DUMP);
        request[HeaderSize] = family;
        request[HeaderSize + 1] = IPPROTO_TCP;
        BitConverter.TryWriteBytes(request[(HeaderSize + 4)..], ListenState);
        fixed (byte* bytes = request)
        {
            if (Libc.send(_socket, bytes, RequestSize, 0) < 0)
            {
                return;
            }
        }
        var rented = ArrayPool<byte>.Shared.Rent(BufferSize);
        fixed (byte* buffer = rented)
        {
            int length;
            do
            {
                length = (int)Libc.recv(_socket, buffer, BufferSize, 0);
            }
            while (length > 0 && Read(rented.AsSpan(0, length), into));
        }
        ArrayPool<byte>.Shared.Return(rented);
    }

    /// <returns>Whether more follows.</returns>
    private static bool Read(ReadOnlySpan<byte> messages, List<ListeningSocket> into)
    {
        while (messages.Length >= HeaderSize)
        {
            var length = BitConverter.ToInt32(messages);
            var type = BitConverter.ToUInt16(messages[4..]);
            if (type is NLMSG_DONE or NLMSG_ERROR || length < HeaderSize || length > messages.Length)
            {
                return false;
            }
            if (type == SOCK_DIAG_BY_FAMILY && length >= AnswerSize)
            {
                into.Add(ReadOne(messages[HeaderSize..length]));
            }
            messages = messages[Math.Min(messages.Length, (length + 3) & ~3)..];
        }
        return true;
    }

    private static ListeningSocket ReadOne(ReadOnlySpan<byte> message)
    {
        var address = message.Slice(8, message[0] == AF_INET ? 4 : 16);
        return new ListeningSocket(
            BinaryPrimitives.ReadUInt16BigEndian(message[4..]), BitConverter.ToUInt32(message[68..]), Known(address),
            OnlyV6(message[(AnswerSize - HeaderSize)..]));
    }

    private static bool OnlyV6(ReadOnlySpan<byte> attributes)
    {
        while (attributes.Length > AttributeHeader)
        {
            var length = BitConverter.ToUInt16(attributes);
            if (BitConverter.ToUInt16(attributes[2..]) == INET_DIAG_SKV6ONLY)
            {
                return attributes[AttributeHeader] != 0;
            }
            attributes = attributes[Math.Min(attributes.Length, Math.Max(AttributeHeader, (length + 3) & ~3))..];
        }
        return false;
    }

    private static IPAddress Known(ReadOnlySpan<byte> address) => address switch
    {
        [0, 0, 0, 0] => IPAddress.Any,
        [127, 0, 0, 1] => IPAddress.Loopback,
        _ when address.Length == 16 && !address.ContainsAnyExcept((byte)0) => IPAddress.IPv6Any,
        _ => new IPAddress(address),
    };
}
