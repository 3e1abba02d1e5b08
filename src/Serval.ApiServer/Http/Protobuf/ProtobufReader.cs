using System.Buffers.Binary;
using System.Text;

namespace Serval.ApiServer.Http;

/// <summary>Reads the protobuf wire format: tags, variable-length integers, delimited bytes.</summary>
internal ref struct ProtobufReader(ReadOnlySpan<byte> bytes)
{
    private ReadOnlySpan<byte> _rest = bytes;

    /// <summary>The current field's value: an integer, or the bits of a fixed-length one.</summary>
    public ulong Integer { get; private set; }

    /// <summary>The current field's bytes when it is delimited.</summary>
    public ReadOnlySpan<byte> Bytes { get; private set; }

    public int Number { get; private set; }

    public bool IsDelimited { get; private set; }

    public readonly string Text => Encoding.UTF8.GetString(Bytes);

    /// <summary>Moves to the next field. Throws <see cref="FormatException"/> when the bytes are not protobuf.</summary>
    public bool Next()
    {
        if (_rest.IsEmpty)
        {
            return false;
        }
        var tag = Variable();
        Number = (int)(tag >> 3);
        IsDelimited = (tag & 7) == 2;
        switch (tag & 7)
        {
            case 0:
                Integer = Variable();
                break;
            case 1:
                Integer = BinaryPrimitives.ReadUInt64LittleEndian(Take(8));
                break;
            case 2:
                var length = Variable();
                Bytes = Take(length > int.MaxValue ? int.MaxValue : (int)length);
                break;
            case 5:
                Integer = BinaryPrimitives.ReadUInt32LittleEndian(Take(4));
                break;
            default:
                throw new FormatException($"field {Number} has an unknown wire type");
        }
        return true;
    }

    /// <summary>The integers of a packed list.</summary>
    public static List<long> Packed(ReadOnlySpan<byte> bytes)
    {
        var reader = new ProtobufReader(bytes);
        var values = new List<long>();
        while (!reader._rest.IsEmpty)
        {
            values.Add((long)reader.Variable());
        }
        return values;
    }

    private ulong Variable()
    {
        ulong value = 0;
        for (var shift = 0; shift < 64; shift += 7)
        {
            var next = Take(1)[0];
            value |= (ulong)(next & 0x7f) << shift;
            if (next < 0x80)
            {
                return value;
            }
        }
        throw new FormatException("an integer is too long");
    }

    private ReadOnlySpan<byte> Take(int count)
    {
        if (count > _rest.Length)
        {
            throw new FormatException("the message ends in the middle of a field");
        }
        var taken = _rest[..count];
        _rest = _rest[count..];
        return taken;
    }
}
