using System.Net;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Serval.Kube.Certificates;
using Serval.Kube.Http;

namespace Serval.Signals;

/// <summary>Serves one application over HTTPS, with a certificate made at the start.</summary>
internal sealed class HttpsServer : IAsyncDisposable
{
    internal const int MostBody = 64 << 10;
    internal const int MostHeaders = MostLine + (32 << 10); // over HTTP/2 the line is among them
    private const int MostLine = 64 << 10; // as at the API server, whose commands for pods come on
    private const int MostConnections = 2000;
    private static readonly TimeSpan s_lifetime = TimeSpan.FromDays(3650);
    private static readonly TimeSpan s_grace = TimeSpan.FromSeconds(2);

    private readonly SignalServerOptions _options;
    private readonly ServiceProvider _services;
    private readonly IServer _server;
    private readonly CancellationTokenSource _stopping = new();

    /// <param name="options">Where it listens.</param>
    /// <param name="name">The common name of its certificate.</param>
    /// <param name="hosts">What the certificate is for.</param>
    /// <param name="asksForCertificates">Clients may show one, of whatever authority: the application judges.</param>
    public HttpsServer(SignalServerOptions options, string name, IReadOnlyList<string> hosts, bool asksForCertificates)
    {
        _options = options;
        Certificate = Issue(name, hosts, options.Time);
        _services = ServerServices.Build(options.Loggers);
        Configure(_services.GetRequiredService<IOptions<KestrelServerOptions>>().Value, asksForCertificates);
        _server = _services.GetRequiredService<IServer>();
    }

    /// <summary>Where others reach it.</summary>
    public Uri Address { get; private set; } = new("https://127.0.0.1");

    public X509Certificate2 Certificate { get; }

    /// <summary>Cancelled when it ends.</summary>
    public CancellationToken Stopping => _stopping.Token;

    /// <param name="what">What cannot be served when the port is taken.</param>
    /// <param name="application">Answers.</param>
    /// <param name="ct">Gives up.</param>
    /// <exception cref="InvalidOperationException">The port is taken; with what to do.</exception>
    public async Task ListenAsync(string what, IHttpApplication<HttpContext> application, CancellationToken ct)
    {
        try
        {
            await _server.StartAsync(application, ct);
        }
        catch (IOException e) when (e.InnerException is AddressInUseException)
        {
            throw new InvalidOperationException(
                $"port {_options.Port} on {_options.Listen} is already in use, so {what} cannot be served there; stop the program that uses it, or choose another port (0 takes a free one)", e);
        }
        var port = BindingAddress.Parse(_server.Features.Get<IServerAddressesFeature>()!.Addresses.First()).Port;
        Address = new Uri($"https://{new IPEndPoint(_options.Advertise, port)}");
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        using (var limit = new CancellationTokenSource(s_grace, _options.Time))
        {
            await _server.StopAsync(limit.Token);
        }
        await _services.DisposeAsync();
        Certificate.Dispose();
        _stopping.Dispose();
    }

    private static X509Certificate2 Issue(string name, IReadOnlyList<string> hosts, TimeProvider time)
    {
        using var authority = new CertificateAuthority(CertificateAuthority.Generate(name, time), time);
        return authority.IssueServer(name, hosts, s_lifetime).ToCertificate();
    }

    private void Configure(KestrelServerOptions settings, bool asksForCertificates)
    {
        settings.AddServerHeader = false;
        settings.Limits.MaxConcurrentConnections = MostConnections;
        settings.Limits.MaxRequestBodySize = MostBody;
        settings.Limits.MaxRequestLineSize = MostLine;
        settings.Limits.MaxRequestHeadersTotalSize = MostHeaders;
        settings.Limits.Http2.MaxStreamsPerConnection = UserStreams.Most;
        settings.Limits.Http2.MaxRequestHeaderFieldSize = MostHeaders;
        settings.Limits.MinResponseDataRate = null; // streams are judged by what writes them
        settings.Listen(_options.Listen, _options.Port, listen =>
        {
            listen.Protocols = HttpProtocols.Http1AndHttp2;
            listen.UseHttps(new HttpsConnectionAdapterOptions
            {
                ServerCertificate = Certificate, SslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
                ClientCertificateMode = asksForCertificates ? ClientCertificateMode.AllowCertificate : ClientCertificateMode.NoCertificate,
                ClientCertificateValidation = asksForCertificates ? static (_, _, _) => true : null,
            });
        });
    }
}
