using System.Buffers.Binary;

namespace Serval.Kube.Spdy;

/// <summary>Types of control frames.</summary>
internal enum SpdyType : ushort
{
    SynStream = 1,
    SynReply = 2,
    RstStream = 3,
    Ping = 6,
    GoAway = 7,
    Headers = 8,
}

/// <summary>The first eight bytes of a frame (draft-mbelshe-httpbis-spdy-00, 2.2).</summary>
/// <param name="Type">Of a control frame; 0 of data.</param>
/// <param name="Stream">Of data.</param>
/// <param name="Flags">1 is the last of its stream.</param>
/// <param name="Length">Bytes that follow.</param>
internal readonly record struct SpdyFrame(SpdyType Type, uint Stream, byte Flags, int Length)
{
    public const int HeadSize = 8;
    public const byte Fin = 1;
    public const uint StreamMask = 0x7FFFFFFF;
    private const uint Control = 0x80000000;
    private const uint Version = 3;

    /// <summary>Throws <see cref="SpdyException"/> for another version.</summary>
    public static SpdyFrame Parse(ReadOnlySpan<byte> head)
    {
        var first = BinaryPrimitives.ReadUInt32BigEndian(head);
        var second = BinaryPrimitives.ReadUInt32BigEndian(head[4..]);
        var (flags, length) = ((byte)(second >> 24), (int)(second & 0xFFFFFF));
        if ((first & Control) == 0)
        {
            return new SpdyFrame(0, first, flags, length);
        }
        return (first & StreamMask) >> 16 == Version
            ? new SpdyFrame((SpdyType)(ushort)first, 0, flags, length)
            : throw new SpdyException("a frame is not of SPDY/3");
    }

    /// <summary>A whole frame with its payload.</summary>
    public static byte[] Write(SpdyType type, byte flags, params ReadOnlySpan<byte> payload) => Write(Control | (Version << 16) | (ushort)type, flags, payload);

    public static byte[] WriteData(uint stream, byte flags, ReadOnlySpan<byte> payload) => Write(stream, flags, payload);

    private static byte[] Write(uint first, byte flags, ReadOnlySpan<byte> payload)
    {
        var frame = new byte[HeadSize + payload.Length];
        BinaryPrimitives.WriteUInt32BigEndian(frame, first);
        BinaryPrimitives.WriteUInt32BigEndian(frame.AsSpan(4), ((uint)flags << 24) | (uint)payload.Length);
        payload.CopyTo(frame.AsSpan(HeadSize));
        return frame;
    }
}
