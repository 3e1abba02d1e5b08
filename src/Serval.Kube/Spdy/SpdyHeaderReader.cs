using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace Serval.Kube.Spdy;

/// <summary>
/// Reads the header blocks of one direction, which are one zlib stream with a preset dictionary (RFC 1950). The platform's inflater takes none:
/// it gets a stored block that holds the dictionary first (RFC 1951, 3.2.4), and what comes of that is thrown away.
/// </summary>
internal sealed class SpdyHeaderReader : IDisposable
{
    /// <summary>Most bytes of one inflated block.</summary>
    public const int MostInflated = 64 * 1024;

    private const int Method = 8;
    private const int HasDictionary = 0x20;
    private const int HeadWithDictionary = 6;

    private readonly Feed _feed = new();
    private readonly DeflateStream _inflater;
    private bool _begun;

    public SpdyHeaderReader() => _inflater = new DeflateStream(_feed, CompressionMode.Decompress);

    /// <summary>The headers of the next block; names are in lower case. Throws <see cref="SpdyException"/>.</summary>
    public Dictionary<string, string> Read(ReadOnlyMemory<byte> block)
    {
        if (!_begun)
        {
            block = Begin(block);
        }
        _feed.Next(block);
        try
        {
            return ReadPairs();
        }
        catch (Exception e) when (e is InvalidDataException or EndOfStreamException)
        {
            throw new SpdyException($"a header block cannot be read: {e.Message}");
        }
    }

    public void Dispose() => _inflater.Dispose();

    private ReadOnlyMemory<byte> Begin(ReadOnlyMemory<byte> block)
    {
        var head = block.Span;
        if (head.Length < HeadWithDictionary || (head[0] & 0xF) != Method || ((head[0] << 8) | head[1]) % 31 != 0)
        {
            throw new SpdyException("the first header block does not begin a zlib stream");
        }
        _begun = true;
        var dictionary = SpdyDictionary.Bytes;
        var stored = new byte[5 + dictionary.Length];
        BinaryPrimitives.WriteUInt16LittleEndian(stored.AsSpan(1), (ushort)dictionary.Length);
        BinaryPrimitives.WriteUInt16LittleEndian(stored.AsSpan(3), (ushort)~dictionary.Length);
        dictionary.CopyTo(stored, 5);
        _feed.Next(stored);
        _inflater.ReadExactly(new byte[dictionary.Length]);
        return block[((head[1] & HasDictionary) != 0 ? HeadWithDictionary : 2)..];
    }

    private Dictionary<string, string> ReadPairs()
    {
        var left = MostInflated;
        var headers = new Dictionary<string, string>(StringComparer.Ordinal);
        for (var pairs = ReadNumber(ref left); pairs > 0; pairs--)
        {
            var name = ReadText(ref left);
            headers[name] = ReadText(ref left);
        }
        return headers;
    }

    private uint ReadNumber(ref int left)
    {
        Span<byte> number = stackalloc byte[4];
        Take(ref left, number.Length);
        _inflater.ReadExactly(number);
        return BinaryPrimitives.ReadUInt32BigEndian(number);
    }

    private string ReadText(ref int left)
    {
        var length = ReadNumber(ref left);
        Take(ref left, length);
        var text = new byte[length];
        _inflater.ReadExactly(text);
        return Encoding.UTF8.GetString(text);
    }

    private static void Take(ref int left, long size)
    {
        if (size > left)
        {
            throw new SpdyException($"a header block is larger than {MostInflated} bytes");
        }
        left -= (int)size;
    }

    /// <summary>Ends with each block; the inflater goes on with the next.</summary>
    private sealed class Feed : MemoryStream
    {
        private ReadOnlyMemory<byte> _block;

        public void Next(ReadOnlyMemory<byte> block) => _block = block;

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override int Read(Span<byte> buffer)
        {
            var count = Math.Min(buffer.Length, _block.Length);
            _block.Span[..count].CopyTo(buffer);
            _block = _block[count..];
            return count;
        }
    }
}
