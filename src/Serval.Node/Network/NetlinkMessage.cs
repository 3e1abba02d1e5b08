using System.Buffers.Binary;
using System.Net;
using System.Text;

namespace Serval.Node.Network;

/// <summary>One request of rtnetlink (rtnetlink(7)): a header, the header of its family, and attributes, which may hold others.</summary>
internal sealed class NetlinkMessage
{
    private const int HeaderSize = 16;
    private const ushort Request = 1;
    private const ushort Nested = 0x8000;

    private readonly byte[] _bytes = new byte[1024];
    private int _length;

    /// <param name="type">RTM_….</param>
    /// <param name="flags">NLM_F_… beside NLM_F_REQUEST.</param>
    /// <param name="family">The family's header.</param>
    public NetlinkMessage(ushort type, ushort flags, ReadOnlySpan<byte> family)
    {
        BitConverter.TryWriteBytes(_bytes.AsSpan(4), type);
        BitConverter.TryWriteBytes(_bytes.AsSpan(6), (ushort)(flags | Request));
        _length = HeaderSize;
        Raw(family);
    }

    /// <summary>The whole message.</summary>
    public ReadOnlySpan<byte> Bytes
    {
        get
        {
            BitConverter.TryWriteBytes(_bytes, _length);
            return _bytes.AsSpan(0, _length);
        }
    }

    public NetlinkMessage Raw(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(_bytes.AsSpan(_length));
        _length += (bytes.Length + 3) & ~3;
        return this;
    }

    public NetlinkMessage Add(ushort attribute, ReadOnlySpan<byte> value)
    {
        BitConverter.TryWriteBytes(_bytes.AsSpan(_length), (ushort)(4 + value.Length));
        BitConverter.TryWriteBytes(_bytes.AsSpan(_length + 2), attribute);
        _length += 4;
        return Raw(value);
    }

    public NetlinkMessage Add(ushort attribute, int value) => Add(attribute, BitConverter.GetBytes(value));

    public NetlinkMessage Add(ushort attribute, IPAddress value) => Add(attribute, value.GetAddressBytes());

    public NetlinkMessage Add(ushort attribute, string value) => Add(attribute, Encoding.UTF8.GetBytes(value + "\0"));

    /// <summary>An attribute that holds what <paramref name="inner"/> adds.</summary>
    public NetlinkMessage Nest(ushort attribute, Action<NetlinkMessage> inner)
    {
        var start = _length;
        _length += 4;
        inner(this);
        BinaryPrimitives.WriteUInt16LittleEndian(_bytes.AsSpan(start), (ushort)(_length - start));
        BinaryPrimitives.WriteUInt16LittleEndian(_bytes.AsSpan(start + 2), (ushort)(attribute | Nested));
        return this;
    }
}
