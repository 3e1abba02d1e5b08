using System.Diagnostics;

namespace Serval.Proxy;

/// <summary>Writes a chunk's frame around data where it stands in the input buffer.</summary>
internal static class ChunkFrame
{
    private static readonly byte[] s_end = "0\r\n\r\n"u8.ToArray();

    /// <summary>
    /// The bytes to send for data at <paramref name="offset"/>. There is room before it (<see cref="InputBuffer.HeadRoom"/>) and behind it: either
    /// everything received was consumed, or the old frame that ended the body stood there and was at least as long as the new one.
    /// </summary>
    public static ReadOnlyMemory<byte> Wrap(InputBuffer input, int offset, int count, bool last, ReadOnlySpan<byte> trailers)
    {
        if (count == 0)
        {
            return !last ? default : trailers.IsEmpty ? s_end : End(trailers);
        }
        var bytes = input.Bytes;
        var start = offset;
        bytes[--start] = (byte)'\n';
        bytes[--start] = (byte)'\r';
        for (var size = count; size > 0; size >>= 4)
        {
            bytes[--start] = "0123456789abcdef"u8[size & 15];
        }
        var end = offset + count;
        bytes[end++] = (byte)'\r';
        bytes[end++] = (byte)'\n';
        if (last)
        {
            "0\r\n"u8.CopyTo(bytes.AsSpan(end));
            trailers.CopyTo(bytes.AsSpan(end + 3));
            end += 3 + trailers.Length;
            "\r\n"u8.CopyTo(bytes.AsSpan(end));
            end += 2;
        }
        Debug.Assert(end <= input.Start || input.Count == 0, "A frame must not reach into unread bytes.");
        return bytes.AsMemory(start, end - start);
    }

    private static byte[] End(ReadOnlySpan<byte> trailers)
    {
        var bytes = new byte[trailers.Length + 5];
        "0\r\n"u8.CopyTo(bytes);
        trailers.CopyTo(bytes.AsSpan(3));
        "\r\n"u8.CopyTo(bytes.AsSpan(3 + trailers.Length));
        return bytes;
    }
}
