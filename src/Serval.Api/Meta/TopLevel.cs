using System.Text;
using System.Text.Json;

namespace Serval.Api;

/// <summary>Finds and exchanges one member of the outermost object in canonical bytes without reading the rest into a tree.</summary>
internal static class TopLevel
{
    /// <summary>The value's bytes; empty when there is no such member.</summary>
    public static ReadOnlyMemory<byte> Find(byte[] canonical, string name)
    {
        var (start, end, found) = Locate(canonical, Encoding.UTF8.GetBytes(name));
        return found ? canonical.AsMemory(start, end - start) : default;
    }

    /// <summary>The bytes with that member's value exchanged, or with the member put in its place.</summary>
    public static byte[] Replace(byte[] canonical, string name, ReadOnlySpan<byte> value)
    {
        var key = Encoding.UTF8.GetBytes(name);
        var (start, end, found) = Locate(canonical, key);
        if (found)
        {
            return Join(canonical.AsSpan(0, start), value, canonical.AsSpan(end));
        }
        var before = canonical.AsSpan(0, start);
        var last = canonical[start] == (byte)'}';
        byte[] member = [.. last && before.Length > 1 ? ",\""u8 : "\""u8, .. key, .. "\":"u8, .. value, .. last ? ""u8 : ","u8];
        return Join(before, member, canonical.AsSpan(start));
    }

    /// <summary>Where the value lies, or where the member would be inserted.</summary>
    private static (int Start, int End, bool Found) Locate(byte[] canonical, ReadOnlySpan<byte> name)
    {
        var reader = CanonicalJson.Tokens(canonical);
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var at = (int)reader.TokenStartIndex;
            var order = reader.ValueSpan.SequenceCompareTo(name);
            if (order > 0)
            {
                return (at, at, false);
            }
            reader.Read();
            var start = (int)reader.TokenStartIndex;
            reader.Skip();
            if (order == 0)
            {
                return (start, (int)reader.BytesConsumed, true);
            }
        }
        return ((int)reader.TokenStartIndex, (int)reader.TokenStartIndex, false);
    }

    private static byte[] Join(ReadOnlySpan<byte> a, ReadOnlySpan<byte> b, ReadOnlySpan<byte> c)
    {
        var result = new byte[a.Length + b.Length + c.Length];
        a.CopyTo(result);
        b.CopyTo(result.AsSpan(a.Length));
        c.CopyTo(result.AsSpan(a.Length + b.Length));
        return result;
    }
}
