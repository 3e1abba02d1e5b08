using System.Text;
using Serval.Routing;

namespace Serval.Proxy;

/// <summary>A parsed head's headers, for route matching.</summary>
internal readonly ref struct HeadHeaders(ReadOnlySpan<byte> bytes, MessageHead head) : IRequestHeaders
{
    private readonly ReadOnlySpan<byte> _bytes = bytes;

    /// <summary>The first value of a header, as UTF-8; null when it was not sent.</summary>
    public string? Find(string name)
    {
        foreach (ref readonly var field in head.Fields)
        {
            if (field.NameLength == name.Length && Ascii.EqualsIgnoreCase(_bytes.Slice(field.Line, field.NameLength), name))
            {
                return Encoding.UTF8.GetString(_bytes.Slice(field.Value, field.ValueLength));
            }
        }
        return null;
    }

    public bool Has(string name, ReadOnlySpan<byte> value)
    {
        foreach (ref readonly var field in head.Fields)
        {
            if (field.NameLength == name.Length && field.ValueLength == value.Length
                && Ascii.EqualsIgnoreCase(_bytes.Slice(field.Line, field.NameLength), name)
                && _bytes.Slice(field.Value, field.ValueLength).SequenceEqual(value))
            {
                return true;
            }
        }
        return false;
    }
}
