using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace Serval.ApiServer.Http;

/// <summary>Writes the wire format of Protocol Buffers (protobuf.dev/programming-guides/encoding); what has its default value is left out by the caller.</summary>
internal sealed class ProtobufWriter
{
    private const int Varint = 0;
    private const int Fixed64 = 1;
    private const int Bytes = 2;

    private readonly ArrayBufferWriter<byte> _buffer = new();

    public ReadOnlyMemory<byte> Written => _buffer.WrittenMemory;

    public void Text(int field, string value) => Content(field, Encoding.UTF8.GetBytes(value));

    public void Number(int field, long value)
    {
        Raw((ulong)(uint)((field << 3) | Varint));
        Raw((ulong)value);
    }

    public void Real(int field, double value)
    {
        Raw((ulong)(uint)((field << 3) | Fixed64));
        BinaryPrimitives.WriteDoubleLittleEndian(_buffer.GetSpan(8), value);
        _buffer.Advance(8);
    }

    public void Message(int field, Action<ProtobufWriter> write)
    {
        var inner = new ProtobufWriter();
        write(inner);
        Content(field, inner.Written.Span);
    }

    private void Content(int field, ReadOnlySpan<byte> bytes)
    {
        Raw((ulong)(uint)((field << 3) | Bytes));
        Raw((ulong)bytes.Length);
        _buffer.Write(bytes);
    }

    private void Raw(ulong value)
    {
        var span = _buffer.GetSpan(10);
        var at = 0;
        for (; value >= 0x80; value >>= 7)
        {
            span[at++] = (byte)(value | 0x80);
        }
        span[at++] = (byte)value;
        _buffer.Advance(at);
    }
}
