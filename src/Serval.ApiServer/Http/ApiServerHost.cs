using System.Net;
using System.Security.Authentication;
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
using Serval.Api;
using Serval.Api.Networking;
using Serval.ApiServer.Access;
using Serval.ApiServer.Audit;
using Serval.ApiServer.Certificates;
using Serval.ApiServer.Discovery;
using Serval.ApiServer.Http;
using Serval.ApiServer.Pipeline;
using Serval.ApiServer.Proxying;
using Serval.ApiServer.Streams;
using Serval.Kube.Http;

namespace Serval.ApiServer;

/// <summary>The HTTPS face of the API server, from a started listener to a graceful end.</summary>
public sealed partial class ApiServerHost : IAsyncDisposable
{
    private static readonly TimeSpan s_grace = TimeSpan.FromSeconds(5);

    private readonly ApiServerOptions _options;
    private readonly Credentials _credentials;
    private readonly IServer _server;
    private readonly ServiceProvider _services;
    private readonly CancellationTokenSource _stopping;
    private readonly ILogger _logger;
    private readonly AuditLog? _audit;
    private readonly RbacAuthorizer _access;
    private int _disposed;

    private ApiServerHost(
        ApiServerOptions options, Credentials credentials, IServer server, ServiceProvider services, CancellationTokenSource stopping, ILogger logger)
    {
        _options = options;
        _credentials = credentials;
        _server = server;
        _services = services;
        _stopping = stopping;
        _logger = logger;
        _access = new RbacAuthorizer(options.Client);
        _audit = options.Audit == AuditLevel.Off
            ? null
            : new AuditLog(Path.Combine(options.DataDirectory, "audit.log"), options.Audit, AuditLog.FileSize, options.TimeProvider, logger);
    }

    /// <summary>Roles that run in processes of their own: each has a kubeconfig, and a service account of the same name (docs/access.md).</summary>
    private static readonly string[] s_roles = ["controller", "gateway", "node"];

    /// <summary>The port that is listened on.</summary>
    public int Port { get; private set; }

    /// <summary>The port at <see cref="ApiServerOptions.Inside"/>; another than <see cref="Port"/> only when any was asked for.</summary>
    public int InsidePort { get; private set; }

    /// <summary>Where clients on this machine reach the server.</summary>
    public Uri Address { get; private set; } = new("https://127.0.0.1");

    /// <summary>The administrator's kubeconfig, for <c>KUBECONFIG</c>.</summary>
    public string KubeconfigPath => Path.Combine(_options.DataDirectory, "kubeconfig");

    /// <summary>
    /// Opens the certificates, listens, and writes the kubeconfig. Throws <see cref="InvalidOperationException"/> with what to do when the
    /// port is taken or the certificates cannot be read.
    /// </summary>
    public static async Task<ApiServerHost> StartAsync(ApiServerOptions options, CancellationToken ct = default)
    {
        var credentials = Credentials.Open(Path.Combine(options.DataDirectory, "certificates"), Hosts(options), options.TimeProvider);
        var logger = options.LoggerFactory.CreateLogger("Serval.ApiServer");
        var services = ServerServices.Build(options.LoggerFactory);
        var stopping = new CancellationTokenSource();
        Configure(services.GetRequiredService<IOptions<KestrelServerOptions>>().Value, options, credentials);
        var server = services.GetRequiredService<IServer>();
        var host = new ApiServerHost(options, credentials, server, services, stopping, logger);
        try
        {
            await host.ListenAsync(host.Compose(), ct);
            return host;
        }
        catch
        {
            await host.DisposeAsync();
            throw;
        }
    }

    /// <summary>Ends watches and followed logs cleanly, finishes what is in flight, then closes.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }
        await _stopping.CancelAsync();
        using (var limit = new CancellationTokenSource(s_grace, _options.TimeProvider))
        {
            await _server.StopAsync(limit.Token);
        }
        await _services.DisposeAsync();
        if (_audit is not null)
        {
            await _audit.DisposeAsync();
        }
        _access.Dispose();
        _credentials.Dispose();
        _stopping.Dispose();
    }

    private async Task ListenAsync(ApiApplication application, CancellationToken ct)
    {
        try
        {
            await _server.StartAsync(application, ct);
        }
        catch (IOException e) when (e.InnerException is AddressInUseException)
        {
            throw new InvalidOperationException(
                $"port {_options.Port} on {_options.Address} is already in use, so the API server cannot listen there; "
                + $"stop the program that uses it, or choose another port with {_options.PortOption} (0 takes a free one)", e);
        }
        var bound = _server.Features.Get<IServerAddressesFeature>()!.Addresses.Select(a => BindingAddress.Parse(a).Port).ToList();
        Port = bound[0];
        InsidePort = bound[^1];
        Address = new Uri($"https://{ClientHost(_options.Address)}:{Port}");
        WriteKubeconfig();
        _credentials.ClientsRenewed += WriteKubeconfig;
        Log.Listening(_logger, Address, KubeconfigPath);
    }

    /// <summary>
    /// Writes <c>kubeconfig-controller</c>, <c>kubeconfig-gateway</c> and <c>kubeconfig-node</c> beside the administrator's, for roles in processes of their
    /// own, and again whenever their certificates are renewed.
    /// </summary>
    public void WriteRoleKubeconfigs()
    {
        Write();
        _credentials.ClientsRenewed += Write;

        void Write()
        {
            foreach (var role in s_roles)
            {
                Kubeconfig.WriteRole(role, _options.DataDirectory, Address.GetLeftPart(UriPartial.Authority), _credentials);
            }
        }
    }

    private void WriteKubeconfig() => Kubeconfig.Write(KubeconfigPath, Address.GetLeftPart(UriPartial.Authority), _credentials);

    private ApiApplication Compose()
    {
        var client = _options.Client;
        var reply = new Reply(_options.TimeProvider);
        var signer = ServiceAccountKey.Open(_options.DataDirectory, _options.TimeProvider);
        var authenticator = new Authenticator(_credentials, new AccountTokens(signer, _options.Client, _options.TimeProvider), _options.TimeProvider);
        var kinds = client.ServedKinds;
        var resources = new ResourceDispatcher(
            kinds, new ReadHandler(client, reply), new WatchHandler(client, _options, _stopping.Token), new WriteHandler(client, reply),
            new LogHandler(client, _options, _stopping.Token),
            new PodStreamHandler(client, _options.PodStreams, _options.TimeProvider, _stopping.Token), new AccessReviews(_access, authenticator),
            new TokenRequests(signer, client), new Evictions(client, _options.TimeProvider), new Bindings(client, _options.TimeProvider),
            new ProxyHandler(client, _options.PodStreams, new Random(), _options.TimeProvider, _stopping.Token));
        var steps = RequestSteps.Compose(_options, authenticator, _access, new IssuerDocuments(signer), new DiscoveryHandler(kinds), resources);
        return new ApiApplication(steps, _audit, _options.TimeProvider, _logger);
    }

    private static void Configure(KestrelServerOptions settings, ApiServerOptions options, Credentials credentials)
    {
        settings.AddServerHeader = false;
        // Above our own limit, so that what is somewhat too large is still read to its end and the client hears why it was refused.
        settings.Limits.MaxRequestBodySize = 8 * BodyReader.Limit;
        settings.Limits.MaxRequestLineSize = 64 * 1024; // long selectors
        settings.Limits.MaxRequestHeadersTotalSize = 128 * 1024;
        settings.Limits.Http2.MaxRequestHeaderFieldSize = 64 * 1024;
        settings.Limits.Http2.MaxStreamsPerConnection = 1000; // one connection carries all watches of a client
        settings.Limits.MinRequestBodyDataRate = new MinDataRate(bytesPerSecond: 240, gracePeriod: TimeSpan.FromSeconds(5));
        settings.Limits.MinResponseDataRate = null; // watches are silent for as long as nothing changes
        settings.ResponseHeaderEncodingSelector = _ => System.Text.Encoding.UTF8;
        settings.Listen(options.Address, options.Port, Secure);
        if (options.Inside is { } inside && !options.Address.Equals(IPAddress.Any) && !options.Address.Equals(IPAddress.IPv6Any))
        {
            settings.Listen(inside, options.Port, listen =>
            {
                listen.Use(next => connection => IsInside(connection) ? next(connection) : Task.CompletedTask); // strangers hear nothing, not even a handshake
                Secure(listen);
            });
        }

        bool IsInside(ConnectionContext connection) => connection.RemoteEndPoint is IPEndPoint client && options.IsInside(client.Address);

        void Secure(ListenOptions listen)
        {
            listen.Protocols = HttpProtocols.Http1AndHttp2;
            listen.UseHttps(new HttpsConnectionAdapterOptions
            {
                ServerCertificateSelector = (_, _) => credentials.ServerCertificate(),
                SslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
                ClientCertificateMode = ClientCertificateMode.AllowCertificate,
                ClientCertificateValidation = (_, _, _) => true, // judged per request, where a refusal can be explained
            });
        }
    }

    private static List<string> Hosts(ApiServerOptions options)
    {
        var hosts = new List<string>
        {
            "localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local", "127.0.0.1", "::1",
        };
        var own = Dns.GetHostName();
        if (Uri.CheckHostName(own) == UriHostNameType.Dns)
        {
            hosts.Add(own);
        }
        if (!hosts.Contains(options.Address.ToString()) && !options.Address.Equals(IPAddress.Any) && !options.Address.Equals(IPAddress.IPv6Any))
        {
            hosts.Add(options.Address.ToString());
        }
        if (options.Inside is { } inside)
        {
            hosts.Add(inside.ToString());
        }
        if (options.Client.Cache(Kinds.ServiceCidr).Get(ObjectKey.Cluster(ServiceRange.Name)) is { } cidr && ServiceRange.Read(cidr) is { } services)
        {
            hosts.Add(new AddressPool(services).First.ToString()); // of the Service default/kubernetes
        }
        hosts.AddRange(options.ExtraHosts);
        return [.. hosts.Distinct(StringComparer.OrdinalIgnoreCase)];
    }

    private static string ClientHost(IPAddress address) =>
        address.Equals(IPAddress.Any) ? "127.0.0.1"
        : address.Equals(IPAddress.IPv6Any) ? "[::1]"
        : address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6 ? $"[{address}]"
        : address.ToString();

    private static partial class Log
    {
        [LoggerMessage(3000, LogLevel.Information, "Kubernetes API at {Address}, kubeconfig {Kubeconfig}")]
        public static partial void Listening(ILogger logger, Uri address, string kubeconfig);
    }
}
