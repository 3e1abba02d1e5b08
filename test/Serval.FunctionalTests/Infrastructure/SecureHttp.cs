using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;

namespace Serval.FunctionalTests;

/// <summary>HTTPS to hosts that no resolver knows.</summary>
internal static class SecureHttp
{
    /// <summary>GET / that trusts this certificate alone, and what it signed.</summary>
    internal static async Task<string> GetAsync(IPEndPoint gateway, string host, string trusted)
    {
        using var root = X509Certificate2.CreateFromPem(trusted);
        var trust = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck, CustomTrustStore = { root } };
        using var client = new HttpClient(new SocketsHttpHandler
        {
            UseProxy = false,
            SslOptions = new SslClientAuthenticationOptions { CertificateChainPolicy = trust },
            ConnectCallback = async (_, ct) =>
            {
                var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
                await socket.ConnectAsync(gateway, ct);
                return new NetworkStream(socket, ownsSocket: true);
            },
        });
        return await client.GetStringAsync($"https://{host}:{gateway.Port}/");
    }
}
