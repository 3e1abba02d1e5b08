using System.Diagnostics;

namespace Serval.Proxy;

/// <summary>
/// Decodes a chunked body in place: data of all chunks in the given bytes is moved together. Strict: CRLF only, at most 15 hexadecimal digits,
/// extensions are dropped, trailers are kept when they are proper fields that do not change framing.
/// </summary>
internal sealed class ChunkedDecoder
{
    private const int MaxTrailers = 8 * 1024;
    private const int MaxExtension = 1024;
    private State _state;
    private long _size;
    private int _digits;
    private int _extension;
    private byte[] _trailer = [];
    private int _trailerLength;
    private int _lineStart;

    private enum State
    {
        Size,
        Extension,
        SizeLineFeed,
        Data,
        DataReturn,
        DataLineFeed,
        TrailerStart,
        Trailer,
        TrailerLineFeed,
        LastLineFeed,
        Done,
        Bad,
    }

    public bool Done => _state == State.Done;

    public bool Bad => _state == State.Bad;

    /// <summary>Trailer lines with their CRLFs.</summary>
    public ReadOnlySpan<byte> Trailers => _trailer.AsSpan(0, _trailerLength);

    public void Reset()
    {
        _state = State.Size;
        _size = 0;
        _digits = 0;
        _trailerLength = 0;
        _lineStart = 0;
    }

    /// <summary>Takes bytes in <paramref name="start"/>..<paramref name="end"/>; all of them unless the body ends before.</summary>
    /// <param name="bytes">The buffer; data in it is moved.</param>
    /// <param name="start">Set behind what was taken.</param>
    /// <param name="end">Where the bytes end.</param>
    /// <param name="data">Where the data begins.</param>
    /// <returns>How much data there is.</returns>
    public int Decode(byte[] bytes, ref int start, int end, out int data)
    {
        data = start;
        var count = 0;
        while (start < end && _state < State.Done)
        {
            if (_state != State.Data)
            {
                Step(bytes[start++]);
                continue;
            }
            var piece = (int)Math.Min(_size, end - start);
            if (count == 0)
            {
                data = start;
            }
            else
            {
                Debug.Assert(data + count <= start, "Data only moves down.");
                bytes.AsSpan(start, piece).CopyTo(bytes.AsSpan(data + count));
            }
            count += piece;
            start += piece;
            _size -= piece;
            if (_size == 0)
            {
                _state = State.DataReturn;
            }
        }
        return count;
    }

    private void Step(byte b) => _state = _state switch
    {
        State.Size => InSize(b),
        State.Extension => InExtension(b),
        State.SizeLineFeed => b != '\n' ? State.Bad : _size > 0 ? State.Data : State.TrailerStart,
        State.DataReturn => b == '\r' ? State.DataLineFeed : State.Bad,
        State.DataLineFeed => b == '\n' ? NextChunk() : State.Bad,
        State.TrailerStart => b == '\r' ? State.LastLineFeed : InTrailer(b),
        State.Trailer => b == '\r' ? State.TrailerLineFeed : InTrailer(b),
        State.TrailerLineFeed => b == '\n' ? EndTrailer() : State.Bad,
        State.LastLineFeed => b == '\n' ? State.Done : State.Bad,
        _ => State.Bad,
    };

    private State NextChunk()
    {
        _size = 0;
        _digits = 0;
        return State.Size;
    }

    private State InSize(byte b)
    {
        var digit = b switch
        {
            >= (byte)'0' and <= (byte)'9' => b - '0',
            >= (byte)'a' and <= (byte)'f' => b - 'a' + 10,
            >= (byte)'A' and <= (byte)'F' => b - 'A' + 10,
            _ => -1,
        };
        if (digit >= 0)
        {
            _size = (_size << 4) | (uint)digit;
            return ++_digits > 15 ? State.Bad : State.Size;
        }
        _extension = 0;
        return _digits == 0 ? State.Bad : b switch
        {
            (byte)'\r' => State.SizeLineFeed,
            (byte)';' => State.Extension,
            _ => State.Bad,
        };
    }

    private State InExtension(byte b) =>
        b == '\r' ? State.SizeLineFeed : (b < 0x20 && b != '\t') || b == 0x7f || ++_extension > MaxExtension ? State.Bad : State.Extension;

    private State InTrailer(byte b)
    {
        if (_trailerLength >= MaxTrailers - 2)
        {
            return State.Bad;
        }
        if (_trailerLength + 3 > _trailer.Length)
        {
            Array.Resize(ref _trailer, Math.Max(256, _trailer.Length * 2));
        }
        _trailer[_trailerLength++] = b;
        return State.Trailer;
    }

    private State EndTrailer()
    {
        if (!HttpParser.IsField(_trailer.AsSpan(_lineStart, _trailerLength - _lineStart), out var known))
        {
            return State.Bad;
        }
        if (known != KnownHeader.None)
        {
            _trailerLength = _lineStart; // framing and routing fields have no place here
        }
        else
        {
            _trailer[_trailerLength++] = (byte)'\r';
            _trailer[_trailerLength++] = (byte)'\n';
        }
        _lineStart = _trailerLength;
        return State.TrailerStart;
    }
}
