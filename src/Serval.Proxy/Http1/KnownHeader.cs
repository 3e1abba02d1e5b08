using System.Text;

namespace Serval.Proxy;

/// <summary>Headers the proxy acts on.</summary>
internal enum KnownHeader : byte
{
    None,
    Accept,
    Connection,
    ContentLength,
    Expect,
    Forwarded,
    Host,
    KeepAlive,
    NetworkHash,
    NetworkProbe,
    ProxyAuthenticate,
    ProxyAuthorization,
    ProxyConnection,
    Te,
    Trailer,
    TransferEncoding,
    Upgrade,
    XForwardedFor,
    XForwardedHost,
    XForwardedProto,
}

internal static class KnownHeaders
{
    public static KnownHeader Find(ReadOnlySpan<byte> name) => name.Length switch
    {
        2 => Is(name, "te"u8, KnownHeader.Te),
        4 => Is(name, "host"u8, KnownHeader.Host),
        6 => (name[0] | 0x20) == 'a' ? Is(name, "accept"u8, KnownHeader.Accept) : Is(name, "expect"u8, KnownHeader.Expect),
        7 => (name[0] | 0x20) == 'u' ? Is(name, "upgrade"u8, KnownHeader.Upgrade) : Is(name, "trailer"u8, KnownHeader.Trailer),
        9 => Is(name, "forwarded"u8, KnownHeader.Forwarded),
        10 => (name[0] | 0x20) == 'c' ? Is(name, "connection"u8, KnownHeader.Connection) : Is(name, "keep-alive"u8, KnownHeader.KeepAlive),
        14 => (name[0] | 0x20) == 'c' ? Is(name, "content-length"u8, KnownHeader.ContentLength) : Is(name, "k-network-hash"u8, KnownHeader.NetworkHash),
        15 => (name[0] | 0x20) == 'x' ? Is(name, "x-forwarded-for"u8, KnownHeader.XForwardedFor) : Is(name, "k-network-probe"u8, KnownHeader.NetworkProbe),
        16 => (name[0] | 0x20) == 'x' ? Is(name, "x-forwarded-host"u8, KnownHeader.XForwardedHost) : Is(name, "proxy-connection"u8, KnownHeader.ProxyConnection),
        17 => (name[0] | 0x20) == 'x' ? Is(name, "x-forwarded-proto"u8, KnownHeader.XForwardedProto) : Is(name, "transfer-encoding"u8, KnownHeader.TransferEncoding),
        18 => Is(name, "proxy-authenticate"u8, KnownHeader.ProxyAuthenticate),
        19 => Is(name, "proxy-authorization"u8, KnownHeader.ProxyAuthorization),
        _ => KnownHeader.None,
    };

    private static KnownHeader Is(ReadOnlySpan<byte> name, ReadOnlySpan<byte> known, KnownHeader header) =>
        Ascii.EqualsIgnoreCase(name, known) ? header : KnownHeader.None;
}
