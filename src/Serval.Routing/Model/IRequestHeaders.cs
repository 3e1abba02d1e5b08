namespace Serval.Routing;

/// <summary>The headers of a request being matched.</summary>
public interface IRequestHeaders
{
    /// <param name="name">Compared without case.</param>
    /// <param name="value">Compared with case.</param>
    bool Has(string name, ReadOnlySpan<byte> value);
}
