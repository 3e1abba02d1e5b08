using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging;

namespace Serval.Signals;

/// <summary>
/// Serves what this process has to those who may have it, over HTTPS with a certificate made at the start, whose hash readers find on the process's
/// Lease (<see cref="PeerLease"/>). Everybody may ask <c>/healthz</c>.
/// </summary>
public sealed class SignalServer : IAsyncDisposable
{
    private readonly HttpsServer _server;

    private SignalServer(HttpsServer server) => (_server, Certificate) = (server, Hash(server.Certificate));

    /// <summary>Where others reach it.</summary>
    public Uri Address => _server.Address;

    /// <summary>SHA-256 of its certificate (DER), in hexadecimal digits.</summary>
    public string Certificate { get; }

    /// <exception cref="InvalidOperationException">The port is taken; with what to do.</exception>
    public static async Task<SignalServer> StartAsync(SignalServerOptions options, IEnumerable<ISignalEndpoint> endpoints, CancellationToken ct)
    {
        var server = new SignalServer(new HttpsServer(options, "serval-signals", [options.Advertise.ToString()], asksForCertificates: false));
        try
        {
            var access = new SignalAccess(options.Client, Audience(server.Certificate), options.Time);
            await server._server.ListenAsync("signals", new SignalApplication(endpoints, access, options.Loggers.CreateLogger<SignalServer>(), server._server.Stopping), ct);
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    internal static string Hash(X509Certificate certificate) => Convert.ToHexStringLower(SHA256.HashData(certificate.GetRawCertData()));

    /// <summary>Whom tokens must be for that are shown to the server with this certificate.</summary>
    internal static string Audience(string certificate) => $"serval.dev/signals/{certificate}";
}
