using System.Net.Security;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Security.Authentication;
using Serval.Routing;

namespace Serval.Proxy;

/// <summary>
/// TLS handshakes with the certificates of the newest routes. A server name without a certificate, or none at all, is answered with the alert
/// <c>unrecognized_name</c> (RFC 6066, section 3).
/// </summary>
/// <param name="find">The certificate in force for a server name that a client of this socket asks for; null when there is none for it.</param>
internal sealed class TlsAcceptor(Func<string, Socket, ServerCertificate?> find)
{
    /// <summary>A fatal alert in the clear, as the handshake has not begun (RFC 8446, sections 5.1 and 6.2).</summary>
    private static readonly byte[] s_unrecognizedName = [21, 3, 3, 0, 2, 2, 112];

    private readonly ConditionalWeakTable<ServerCertificate, SslServerAuthenticationOptions> _options = [];

    /// <summary>Shakes hands. Null: it failed, and the socket is closed.</summary>
    public async Task<TlsClient?> AcceptAsync(Socket socket, CancellationToken ct)
    {
        var inner = new HandedStream(socket, []);
        var stream = new SslStream(inner, leaveInnerStreamOpen: false);
        try
        {
            await stream.AuthenticateAsServerAsync((_, hello, _, _) => ChooseAsync(inner, socket, hello.ServerName), null, ct);
            return new TlsClient(socket, inner, stream);
        }
        catch (Exception e) when (e is AuthenticationException or IOException or OperationCanceledException or ObjectDisposedException)
        {
            await stream.DisposeAsync();
            return null;
        }
    }

    private async ValueTask<SslServerAuthenticationOptions> ChooseAsync(HandedStream client, Socket socket, string name)
    {
        if (name.Length > 0 && find(name, socket) is { } certificate)
        {
            return _options.GetValue(certificate, Options);
        }
        await client.WriteAsync(s_unrecognizedName);
        throw new AuthenticationException("The client asks for a server name without a certificate.");
    }

    private static SslServerAuthenticationOptions Options(ServerCertificate certificate) => new()
    {
        ServerCertificateContext = SslStreamCertificateContext.Create(certificate.Leaf, certificate.Chain, offline: true),
        ApplicationProtocols = [SslApplicationProtocol.Http2, SslApplicationProtocol.Http11],
        EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
    };
}

/// <summary>A client after the handshake.</summary>
/// <param name="Socket">Owned by the stream.</param>
/// <param name="Inner">What goes over the wire.</param>
/// <param name="Stream">What it means.</param>
internal sealed record TlsClient(Socket Socket, HandedStream Inner, SslStream Stream)
{
    /// <summary>Whether HTTP/2 was agreed on (ALPN); else it is HTTP/1.1.</summary>
    public bool IsHttp2 => Stream.NegotiatedApplicationProtocol == SslApplicationProtocol.Http2;
}
