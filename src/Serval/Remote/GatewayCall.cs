using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using Serval.Kube.Remote;

namespace Serval.Remote;

/// <summary>HTTP to a service through a gateway: the URL says the host, the gateway's address says where to connect.</summary>
internal static class GatewayCall
{
    /// <param name="gateway">Where to connect; null is where the URL says.</param>
    /// <param name="timeout">Of a whole call.</param>
    /// <param name="authority">Vouches for certificates beside those the machine trusts.</param>
    public static HttpClient CreateClient(Uri? gateway, TimeSpan timeout, X509Certificate2? authority = null)
    {
        var handler = new SocketsHttpHandler
        {
            UseProxy = false,
            AllowAutoRedirect = false,
            UseCookies = false,
            SslOptions = new SslClientAuthenticationOptions
            {
                RemoteCertificateValidationCallback = (_, certificate, chain, errors) => errors == SslPolicyErrors.None
                    || (errors == SslPolicyErrors.RemoteCertificateChainErrors && authority is not null && IsSigned(certificate!, chain!, authority)),
            },
            ConnectCallback = (context, ct) => ConnectAsync(gateway, context.DnsEndPoint, ct),
        };
        return new HttpClient(new ConnectionHandler(handler), disposeHandler: true) { Timeout = timeout };
    }

    private static bool IsSigned(X509Certificate certificate, X509Chain received, X509Certificate2 authority)
    {
        using var chain = new X509Chain { ChainPolicy = { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck } };
        chain.ChainPolicy.CustomTrustStore.Add(authority);
        chain.ChainPolicy.ExtraStore.AddRange(received.ChainPolicy.ExtraStore);
        using var leaf = new X509Certificate2(certificate);
        return chain.Build(leaf);
    }

    private static async ValueTask<Stream> ConnectAsync(Uri? gateway, DnsEndPoint wanted, CancellationToken ct)
    {
        var host = gateway?.Host.Trim('[', ']') ?? wanted.Host;
        var port = gateway?.Port ?? wanted.Port;
        // Names below localhost mean this machine (RFC 6761), also where the resolver does not know that.
        var local = host.Equals("localhost", StringComparison.OrdinalIgnoreCase) || host.EndsWith(".localhost", StringComparison.OrdinalIgnoreCase);
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(local ? "127.0.0.1" : host is "0.0.0.0" or "::" ? "127.0.0.1" : host, port, ct);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
