namespace Serval.Proxy;

internal enum BodyKind
{
    None,
    Length,
    Chunked,
    UntilClose,
}

/// <summary>Takes one message's body out of an input buffer, piece by piece.</summary>
internal sealed class BodyDecoder
{
    private readonly ChunkedDecoder _chunked = new();
    private long _left;

    public BodyKind Kind { get; private set; }

    public bool Done { get; private set; }

    public bool Bad { get; private set; }

    /// <summary>Known bytes still to come; 0 when not known.</summary>
    public long Left => _left;

    public ReadOnlySpan<byte> Trailers => Kind == BodyKind.Chunked ? _chunked.Trailers : default;

    public void Reset(BodyKind kind, long length)
    {
        Kind = kind == BodyKind.Length && length == 0 ? BodyKind.None : kind;
        _left = Kind == BodyKind.Length ? length : 0;
        Done = Kind == BodyKind.None;
        Bad = false;
        if (kind == BodyKind.Chunked)
        {
            _chunked.Reset();
        }
    }

    /// <summary>Consumes what is there of the body; the data stays in the buffer at <paramref name="offset"/> until the next receive.</summary>
    public int Decode(InputBuffer input, out int offset)
    {
        offset = input.Start;
        if (Done)
        {
            return 0;
        }
        if (Kind == BodyKind.Chunked)
        {
            var start = input.Start;
            var count = _chunked.Decode(input.Bytes, ref start, input.End, out offset);
            input.Start = start;
            (Done, Bad) = (_chunked.Done, _chunked.Bad);
            return count;
        }
        var take = Kind == BodyKind.UntilClose ? input.Count : (int)Math.Min(_left, input.Count);
        input.Start += take;
        if (Kind == BodyKind.Length)
        {
            _left -= take;
            Done = _left == 0;
        }
        return take;
    }

    /// <summary>The peer closed: whether that is a proper end.</summary>
    public bool End()
    {
        Done |= Kind == BodyKind.UntilClose;
        return Done;
    }
}
