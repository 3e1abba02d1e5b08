using System.Net;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Serval.Kube.Certificates;
using Serval.Kube.Http;

namespace Serval.Signals;

/// <summary>
/// Serves what this process has to those who may have it, over HTTPS with a certificate made at the start, whose hash readers find on the process's
/// Lease (<see cref="PeerLease"/>). Everybody may ask <c>/healthz</c>.
/// </summary>
public sealed class SignalServer : IAsyncDisposable
{
    internal const int MostBody = 64 << 10;
    internal const int MostHeaders = MostLine + (32 << 10); // over HTTP/2 the line is among them
    private const int MostLine = 64 << 10; // as at the API server, whose commands for pods come on
    private const int MostConnections = 2000;
    private static readonly TimeSpan s_lifetime = TimeSpan.FromDays(3650);
    private static readonly TimeSpan s_grace = TimeSpan.FromSeconds(2);

    private readonly TimeProvider _time;
    private readonly ServiceProvider _services;
    private readonly IServer _server;
    private readonly X509Certificate2 _certificate;
    private readonly CancellationTokenSource _stopping = new();

    private SignalServer(SignalServerOptions options)
    {
        _time = options.Time;
        _certificate = Issue(options);
        Certificate = Hash(_certificate);
        _services = ServerServices.Build(options.Loggers);
        Configure(_services.GetRequiredService<IOptions<KestrelServerOptions>>().Value, options, _certificate);
        _server = _services.GetRequiredService<IServer>();
    }

    /// <summary>Where others reach it.</summary>
    public Uri Address { get; private set; } = new("https://127.0.0.1");

    /// <summary>SHA-256 of its certificate (DER), in hexadecimal digits.</summary>
    public string Certificate { get; }

    /// <exception cref="InvalidOperationException">The port is taken; with what to do.</exception>
    public static async Task<SignalServer> StartAsync(SignalServerOptions options, IEnumerable<ISignalEndpoint> endpoints, CancellationToken ct)
    {
        var server = new SignalServer(options);
        try
        {
            await server.ListenAsync(options, endpoints, ct);
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        using (var limit = new CancellationTokenSource(s_grace, _time))
        {
            await _server.StopAsync(limit.Token);
        }
        await _services.DisposeAsync();
        _certificate.Dispose();
        _stopping.Dispose();
    }

    internal static string Hash(X509Certificate certificate) => Convert.ToHexStringLower(SHA256.HashData(certificate.GetRawCertData()));

    /// <summary>Whom tokens must be for that are shown to the server with this certificate.</summary>
    internal static string Audience(string certificate) => $"serval.dev/signals/{certificate}";

    private async Task ListenAsync(SignalServerOptions options, IEnumerable<ISignalEndpoint> endpoints, CancellationToken ct)
    {
        var access = new SignalAccess(options.Client, Audience(Certificate), options.Time);
        try
        {
            await _server.StartAsync(new SignalApplication(endpoints, access, options.Loggers.CreateLogger<SignalServer>(), _stopping.Token), ct);
        }
        catch (IOException e) when (e.InnerException is AddressInUseException)
        {
            throw new InvalidOperationException(
                $"port {options.Port} on {options.Listen} is already in use, so signals cannot be served there; stop the program that uses it, or choose another port (0 takes a free one)", e);
        }
        var port = BindingAddress.Parse(_server.Features.Get<IServerAddressesFeature>()!.Addresses.First()).Port;
        Address = new Uri($"https://{new IPEndPoint(options.Advertise, port)}");
    }

    private static X509Certificate2 Issue(SignalServerOptions options)
    {
        using var authority = new CertificateAuthority(CertificateAuthority.Generate("serval-signals", options.Time), options.Time);
        return authority.IssueServer("serval-signals", [options.Advertise.ToString()], s_lifetime).ToCertificate();
    }

    private static void Configure(KestrelServerOptions settings, SignalServerOptions options, X509Certificate2 certificate)
    {
        settings.AddServerHeader = false;
        settings.Limits.MaxConcurrentConnections = MostConnections;
        settings.Limits.MaxRequestBodySize = MostBody;
        settings.Limits.MaxRequestLineSize = MostLine;
        settings.Limits.MaxRequestHeadersTotalSize = MostHeaders;
        settings.Limits.Http2.MaxStreamsPerConnection = SignalApplication.MostOfUser;
        settings.Limits.Http2.MaxRequestHeaderFieldSize = MostHeaders;
        settings.Limits.MinResponseDataRate = null; // streams are judged by what writes them
        settings.Listen(options.Listen, options.Port, listen =>
        {
            listen.Protocols = HttpProtocols.Http1AndHttp2;
            listen.UseHttps(new HttpsConnectionAdapterOptions { ServerCertificate = certificate, SslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13 });
        });
    }
}
