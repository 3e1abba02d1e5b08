using Serval.Routing;

namespace Serval.Proxy;

/// <summary>An HTTP/1.1 client's request to an instance that speaks HTTP/2.</summary>
internal sealed partial class Http1Connection
{
    private bool TryPrepareHttp2(ReadOnlySpan<byte> bytes, RevisionPolicy policy)
    {
        _ = bytes;
        _ = policy;
        return false;
    }

    private ValueTask ForwardHttp2Async() => default;

    private void CancelHttp2()
    {
    }
}
