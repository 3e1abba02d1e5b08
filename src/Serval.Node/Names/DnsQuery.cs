using System.Buffers.Binary;
using System.Text;

namespace Serval.Node.Names;

/// <summary>What a packet that came in as a query turned out to be.</summary>
internal enum DnsReading
{
    /// <summary>A question to answer.</summary>
    Question,

    /// <summary>Not a query: nothing is answered, so that two servers never keep talking.</summary>
    Ignored,

    /// <summary>It breaks RFC 1035.</summary>
    Malformed,

    /// <summary>An operation other than QUERY.</summary>
    NotImplemented,
}

/// <summary>
/// One question of a DNS client (RFC 1035 section 4.1), read strictly: one question, no compression (there is nothing before it to point to), no
/// answers. What follows the question (EDNS) is not looked at and not passed on.
/// </summary>
internal sealed class DnsQuery
{
    public const int HeaderSize = 12;
    public const ushort TypeA = 1;
    public const ushort TypeCname = 5;
    public const ushort TypeSoa = 6;
    public const ushort TypeAaaa = 28;
    public const ushort ClassInternet = 1;
    public const int LongestName = 255;
    private const int LongestLabel = 63;
    private const ushort TypeIxfr = 251;
    private const ushort TypeAxfr = 252;

    private DnsQuery(ushort id, bool recursion, byte[] question, string? name)
    {
        (Id, WantsRecursion, Question, Name) = (id, recursion, question, name);
        Type = BinaryPrimitives.ReadUInt16BigEndian(question.AsSpan(question.Length - 4));
        Class = BinaryPrimitives.ReadUInt16BigEndian(question.AsSpan(question.Length - 2));
    }

    public ushort Id { get; }

    public bool WantsRecursion { get; }

    /// <summary>The question as it stands in the packet: name, type, class.</summary>
    public byte[] Question { get; }

    /// <summary>The name in lower case without the last dot; null when it has bytes that no host name has.</summary>
    public string? Name { get; }

    public ushort Type { get; }

    public ushort Class { get; }

    /// <summary>Whether it asks for a whole zone.</summary>
    public bool IsTransfer => Type is TypeAxfr or TypeIxfr;

    /// <summary>Reads a packet.</summary>
    public static DnsReading Read(ReadOnlySpan<byte> packet, out DnsQuery? query)
    {
        query = null;
        if (packet.Length < HeaderSize || (packet[2] & 0x80) != 0)
        {
            return DnsReading.Ignored;
        }
        if ((packet[2] & 0x78) != 0)
        {
            return DnsReading.NotImplemented;
        }
        var (questions, answers, authorities, more) = (Number(packet, 4), Number(packet, 6), Number(packet, 8), Number(packet, 10));
        if (questions != 1 || answers != 0 || authorities != 0 || !TryReadName(packet, out var end, out var name))
        {
            return DnsReading.Malformed;
        }
        end += 4;
        if (end > packet.Length || (more == 0 && end != packet.Length))
        {
            return DnsReading.Malformed;
        }
        query = new DnsQuery(Number(packet, 0), (packet[2] & 1) != 0, packet[HeaderSize..end].ToArray(), name);
        return DnsReading.Question;
    }

    /// <summary>A packet that asks this question, or the same of another name.</summary>
    /// <param name="id">Its number.</param>
    /// <param name="name">Instead of the name asked for; its labels are valid.</param>
    public byte[] ToPacket(ushort id, string? name = null)
    {
        byte[] question = name is null ? Question : [.. Encode(name), .. Question.AsSpan(Question.Length - 4)];
        var packet = new byte[HeaderSize + question.Length];
        BinaryPrimitives.WriteUInt16BigEndian(packet, id);
        packet[2] = 1; // recursion desired
        packet[5] = 1;
        question.CopyTo(packet, HeaderSize);
        return packet;
    }

    /// <summary>A name as packets spell it.</summary>
    public static byte[] Encode(string name) =>
        [.. name.Split('.', StringSplitOptions.RemoveEmptyEntries).SelectMany(label => Encoding.ASCII.GetBytes(label).Prepend((byte)label.Length)), 0];

    /// <summary>Whether a name can be written in a packet.</summary>
    public static bool IsName(string name) => name.Length is > 0 and < LongestName - 1
        && name.Split('.').All(label => label.Length is > 0 and <= LongestLabel && label.All(c => IsHostByte((byte)c) && c < 0x80));

    internal static ushort Number(ReadOnlySpan<byte> packet, int at) => BinaryPrimitives.ReadUInt16BigEndian(packet[at..]);

    private static bool TryReadName(ReadOnlySpan<byte> packet, out int end, out string? name)
    {
        var text = new StringBuilder();
        var isHost = true;
        name = null;
        for (end = HeaderSize; end < packet.Length && packet[end] is not 0 and var length; end += 1 + length)
        {
            if (length > LongestLabel || end + 1 + length >= packet.Length || end + 2 + length - HeaderSize > LongestName)
            {
                return false;
            }
            var label = packet.Slice(end + 1, length);
            foreach (var one in label)
            {
                isHost &= IsHostByte(one);
            }
            text.Append(text.Length > 0 ? "." : "").Append(Encoding.Latin1.GetString(label).ToLowerInvariant());
        }
        if (end >= packet.Length)
        {
            return false;
        }
        end++;
        name = isHost ? text.ToString() : null;
        return true;
    }

    private static bool IsHostByte(byte one) => char.IsAsciiLetterOrDigit((char)one) || one is (byte)'-' or (byte)'_';
}
