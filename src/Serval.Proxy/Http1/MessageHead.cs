namespace Serval.Proxy;

/// <summary>One header line: offsets from the head's first byte.</summary>
internal readonly record struct HeaderField(int Line, int NameLength, int Value, int ValueLength, int NextLine, KnownHeader Known);

[Flags]
internal enum ConnectionOptions : byte
{
    None = 0,
    Close = 1,
    KeepAlive = 2,
    Upgrade = 4,

    /// <summary>Names other headers, which are for this hop only.</summary>
    Others = 8,
}

/// <summary>A parsed head, reused from message to message. Offsets, not copies: it is valid while the bytes stay where they are.</summary>
internal sealed class MessageHead(int maxHeaders)
{
    private readonly HeaderField[] _fields = new HeaderField[maxHeaders];

    public int FieldCount { get; private set; }

    public ReadOnlySpan<HeaderField> Fields => _fields.AsSpan(0, FieldCount);

    /// <summary>Bytes of the head, with the empty line.</summary>
    public int Length { get; set; }

    public Range Method { get; set; }

    /// <summary>The target in origin form (or <c>*</c>).</summary>
    public Range Target { get; set; }

    /// <summary>The host of the target if it had one, else the Host header; may be empty in HTTP/1.0.</summary>
    public Range Host { get; set; }

    public int Status { get; set; }

    public bool Http10 { get; set; }

    /// <summary>-1 when absent.</summary>
    public long ContentLength { get; set; }

    public bool Chunked { get; set; }

    public ConnectionOptions Connection { get; set; }

    public bool Expects100 { get; set; }

    /// <summary>Seen once each; an index into <see cref="Fields"/>, -1 when absent.</summary>
    public int Upgrade { get; set; }

    public bool KeepsAlive => Http10
        ? (Connection & (ConnectionOptions.KeepAlive | ConnectionOptions.Close)) == ConnectionOptions.KeepAlive
        : (Connection & ConnectionOptions.Close) == 0;

    public void Reset()
    {
        FieldCount = 0;
        Length = 0;
        Method = Target = Host = default;
        Status = 0;
        Http10 = false;
        ContentLength = -1;
        Chunked = false;
        Connection = ConnectionOptions.None;
        Expects100 = false;
        Upgrade = -1;
    }

    public bool Add(in HeaderField field)
    {
        if (FieldCount == _fields.Length)
        {
            return false;
        }
        _fields[FieldCount++] = field;
        return true;
    }
}
