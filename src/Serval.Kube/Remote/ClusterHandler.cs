using System.Net;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Serval.Kube.Certificates;

namespace Serval.Kube.Remote;

/// <summary>Connections to one API server. When the client's certificate changes, connections that showed the old one are closed.</summary>
internal sealed class ClusterHandler(ClusterAccess access) : HttpMessageHandler
{
    private readonly Lock _lock = new();
    private Link? _link; // guarded by _lock

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        foreach (var (name, value) in access.Impersonation)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }
        if (access.ServerName.Length > 0)
        {
            request.Headers.Host = access.ServerName; // SocketsHttpHandler takes the name for TLS from here, not from its SslOptions
        }
        var credential = await access.Credentials.GetAsync(refused: null, cancellationToken);
        var response = await SendAsync(request, credential, cancellationToken);
        if (response.StatusCode != HttpStatusCode.Unauthorized)
        {
            return response;
        }
        var other = await access.Credentials.GetAsync(credential, cancellationToken);
        if (other == credential)
        {
            return response;
        }
        response.Dispose();
        return await SendAsync(request, other, cancellationToken);
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            lock (_lock)
            {
                _link?.Dispose();
            }
        }
        base.Dispose(disposing);
    }

    private async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, Credential credential, CancellationToken ct)
    {
        request.Headers.Authorization = credential.Authorization;
        while (true)
        {
            var link = LinkWith(credential.Certificate);
            try
            {
                return await link.SendAsync(request, ct);
            }
            catch (ObjectDisposedException) when (IsReplaced(link))
            {
                // Another request came with a newer certificate before this one was sent.
            }
        }
    }

    private bool IsReplaced(Link link)
    {
        lock (_lock)
        {
            return link != _link;
        }
    }

    private Link LinkWith(X509Certificate2? certificate)
    {
        lock (_lock)
        {
            if (_link is null || !Equals(_link.Certificate, certificate))
            {
                _link?.Dispose();
                _link = new Link(Connect(certificate), certificate);
            }
            return _link;
        }
    }

    private SocketsHttpHandler Connect(X509Certificate2? certificate)
    {
        var tls = new SslClientAuthenticationOptions
        {
            RemoteCertificateValidationCallback = (_, shown, chain, errors) => Trusts(shown, chain, errors),
        };
        if (certificate is not null)
        {
            tls.ClientCertificateContext = SslStreamCertificateContext.Create(certificate, additionalCertificates: null, offline: true);
        }
        return new SocketsHttpHandler
        {
            SslOptions = tls,
            UseProxy = access.Proxy is not null || !access.Server.IsLoopback,
            Proxy = access.Proxy is null ? null : new WebProxy(access.Proxy),
            UseCookies = false,
            AllowAutoRedirect = false,
            AutomaticDecompression = access.DisableCompression ? DecompressionMethods.None : DecompressionMethods.GZip,
            EnableMultipleHttp2Connections = true,
            ConnectTimeout = TimeSpan.FromSeconds(30), // client-go: transport, DialContext
            // As client-go: a connection that died in silence is noticed, so that a watch does not wait for ever.
            KeepAlivePingDelay = TimeSpan.FromSeconds(30),
            KeepAlivePingTimeout = TimeSpan.FromSeconds(15),
        };
    }

    private bool Trusts(X509Certificate? shown, X509Chain? sent, SslPolicyErrors errors)
    {
        if (access.SkipVerification)
        {
            return true;
        }
        if (access.Authorities is null || shown is not X509Certificate2 certificate || (errors & ~SslPolicyErrors.RemoteCertificateChainErrors) != 0)
        {
            return errors == SslPolicyErrors.None;
        }
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.ApplicationPolicy.Add(CertificateAuthority.ServerUse); // one of its clients is not the server
        chain.ChainPolicy.CustomTrustStore.AddRange(access.ReadAuthorities()!);
        if (sent is not null)
        {
            chain.ChainPolicy.ExtraStore.AddRange(sent.ChainPolicy.ExtraStore);
        }
        return chain.Build(certificate);
    }

    private sealed class Link(SocketsHttpHandler handler, X509Certificate2? certificate) : HttpMessageInvoker(new ConnectionHandler(handler))
    {
        public X509Certificate2? Certificate { get; } = certificate;
    }
}
