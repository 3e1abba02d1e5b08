using System.Buffers.Binary;
using System.Net;

namespace Serval.Node.Names;

/// <summary>Writes the answers to a <see cref="DnsQuery"/>, and reads what other servers answered (RFC 1035, RFC 2308).</summary>
internal static class DnsReply
{
    public const int LargestDatagram = 512;
    public const int Largest = 65535;
    public const byte FormatError = 1;
    public const byte ServerFailure = 2;
    public const byte UnknownName = 3;
    public const byte NotImplemented = 4;
    public const byte Refused = 5;

    private const uint Seconds = 5; // as CoreDNS gives cluster names
    private const int MostRecords = 1000;
    private const int Truncated = 2;

    /// <summary>For a packet whose question could not be read.</summary>
    public static byte[] Error(ReadOnlySpan<byte> packet, byte code)
    {
        var reply = new byte[DnsQuery.HeaderSize];
        packet[..2].CopyTo(reply);
        reply[2] = (byte)(0x80 | (packet[2] & 0x79)); // an answer to the same operation
        reply[3] = (byte)(0x80 | code);
        return reply;
    }

    /// <summary>An answer without records.</summary>
    public static byte[] Error(DnsQuery query, byte code) => Head(query, code, 0, 0).ToArray();

    /// <summary>That the zone has no such name, or the name no such record, for a few seconds.</summary>
    public static byte[] Nothing(DnsQuery query, bool nameExists, string zone)
    {
        var reply = Head(query, nameExists ? (byte)0 : UnknownName, 0, 1);
        byte[] names = [.. DnsQuery.Encode("ns.dns." + zone), .. DnsQuery.Encode("hostmaster." + zone)];
        Record(reply, DnsQuery.Encode(zone), DnsQuery.TypeSoa, names.Length + 20);
        reply.Write(names);
        foreach (var number in (ReadOnlySpan<uint>)[1, 7200, 1800, 86400, Seconds])
        {
            Write(reply, number);
        }
        return reply.ToArray();
    }

    /// <summary>Addresses of the name, or of the name it stands for.</summary>
    public static byte[] Addresses(DnsQuery query, IReadOnlyList<IPAddress> addresses, string? alias = null)
    {
        var records = Math.Min(addresses.Count, MostRecords);
        var reply = Head(query, 0, records + (alias is null ? 0 : 1), 0);
        byte[] owner = [0xc0, DnsQuery.HeaderSize]; // the question's name
        if (alias is not null)
        {
            var target = DnsQuery.Encode(alias);
            Record(reply, owner, DnsQuery.TypeCname, target.Length);
            var at = (ushort)reply.Length;
            reply.Write(target);
            owner = [(byte)(0xc0 | at >> 8), (byte)at];
        }
        for (var i = 0; i < records; i++)
        {
            var address = addresses[(i + query.Id) % addresses.Count].GetAddressBytes(); // each client begins with another
            Record(reply, owner, address.Length == 4 ? DnsQuery.TypeA : DnsQuery.TypeAaaa, address.Length);
            reply.Write(address);
        }
        return reply.ToArray();
    }

    /// <summary>What fits a datagram: the reply, or word that a stream is needed.</summary>
    public static byte[] ForDatagram(DnsQuery query, byte[] reply)
    {
        if (reply.Length <= LargestDatagram)
        {
            return reply;
        }
        var shorter = Error(query, 0);
        shorter[2] |= Truncated;
        return shorter;
    }

    /// <summary>Whether a packet answers this query, asked under this number.</summary>
    public static bool Answers(ReadOnlySpan<byte> packet, ushort id, ReadOnlySpan<byte> question) =>
        packet.Length >= DnsQuery.HeaderSize + question.Length && DnsQuery.Number(packet, 0) == id && (packet[2] & 0xf8) == 0x80
        && DnsQuery.Number(packet, 4) == 1 && EqualsIgnoreCase(packet.Slice(DnsQuery.HeaderSize, question.Length), question);

    /// <summary>The addresses of one type that an answer holds, whatever their names; null when it is malformed.</summary>
    public static List<IPAddress>? ReadAddresses(ReadOnlySpan<byte> packet, int questionLength, ushort type)
    {
        var found = new List<IPAddress>();
        var at = DnsQuery.HeaderSize + questionLength;
        for (int left = DnsQuery.Number(packet, 6); left > 0; left--)
        {
            if (!TrySkipName(packet, ref at) || at + 10 > packet.Length)
            {
                return null;
            }
            var (recordType, recordClass, length) = (DnsQuery.Number(packet, at), DnsQuery.Number(packet, at + 2), DnsQuery.Number(packet, at + 8));
            at += 10;
            if (at + length > packet.Length)
            {
                return null;
            }
            if (recordType == type && recordClass == DnsQuery.ClassInternet && length == (type == DnsQuery.TypeA ? 4 : 16) && found.Count < MostRecords)
            {
                found.Add(new IPAddress(packet.Slice(at, length)));
            }
            at += length;
        }
        return found;
    }

    // Pointers are not followed, so there is no loop to fall into.
    private static bool TrySkipName(ReadOnlySpan<byte> packet, ref int at)
    {
        while (at < packet.Length)
        {
            var length = packet[at];
            switch (length >> 6)
            {
                case 3:
                    at += 2;
                    return at <= packet.Length;
                case 0:
                    at += 1 + length;
                    if (length == 0)
                    {
                        return true;
                    }
                    break;
                default:
                    return false;
            }
        }
        return false;
    }

    private static MemoryStream Head(DnsQuery query, byte code, int answers, int authorities)
    {
        var reply = new MemoryStream();
        Write(reply, query.Id);
        reply.WriteByte((byte)(0x84 | (query.WantsRecursion ? 1 : 0))); // an answer, authoritative
        reply.WriteByte((byte)(0x80 | code)); // recursion available
        Write(reply, (ushort)1);
        Write(reply, (ushort)answers);
        Write(reply, (ushort)authorities);
        Write(reply, (ushort)0);
        reply.Write(query.Question);
        return reply;
    }

    private static void Record(MemoryStream reply, ReadOnlySpan<byte> owner, ushort type, int length)
    {
        reply.Write(owner);
        Write(reply, type);
        Write(reply, DnsQuery.ClassInternet);
        Write(reply, Seconds);
        Write(reply, (ushort)length);
    }

    private static void Write(MemoryStream reply, ushort number)
    {
        Span<byte> bytes = stackalloc byte[2];
        BinaryPrimitives.WriteUInt16BigEndian(bytes, number);
        reply.Write(bytes);
    }

    private static void Write(MemoryStream reply, uint number)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, number);
        reply.Write(bytes);
    }

    private static bool EqualsIgnoreCase(ReadOnlySpan<byte> a, ReadOnlySpan<byte> b) =>
        System.Text.Ascii.EqualsIgnoreCase(a, b) || a.SequenceEqual(b);
}
