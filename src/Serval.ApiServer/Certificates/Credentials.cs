using System.Buffers.Text;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Serval.ApiServer.Certificates;

/// <summary>
/// Everything that proves who is who, in one private directory: the authority, the server's certificate, the administrator's certificate and
/// token. What is missing, near its end or for other host names is made anew.
/// </summary>
internal sealed class Credentials : IDisposable
{
    public const string AdminUser = "kubernetes-admin";
    public const string AdminGroup = "system:masters";

    private static readonly TimeSpan s_renewBefore = TimeSpan.FromDays(30);

    private readonly string _directory;
    private readonly IReadOnlyList<string> _hosts;
    private readonly TimeProvider _clock;
    private readonly Lock _lock = new();

    // guarded by _lock
    private X509Certificate2 _server;
    private KeyPair _admin;
    private DateTimeOffset _adminEnds;

    private Credentials(string directory, IReadOnlyList<string> hosts, TimeProvider clock)
    {
        _directory = directory;
        _hosts = hosts;
        _clock = clock;
        Authority = OpenAuthority();
        _server = OpenServer();
        (_admin, _adminEnds) = OpenAdmin();
        AdminToken = OpenToken();
    }

    public CertificateAuthority Authority { get; }

    public string AdminToken { get; }

    /// <summary>Raised, on the thread that asked for a certificate, after the administrator's was renewed.</summary>
    public event Action? AdminRenewed;

    public KeyPair Admin
    {
        get
        {
            lock (_lock)
            {
                return _admin;
            }
        }
    }

    /// <summary>When the data directory got its authority: the birthday of what is built in.</summary>
    public DateTimeOffset Since => new DateTimeOffset(Authority.Certificate.NotBefore.ToUniversalTime()) + CertificateAuthority.Skew;

    /// <summary>Opens or fills <paramref name="directory"/>.</summary>
    public static Credentials Open(string directory, IReadOnlyList<string> hosts, TimeProvider clock)
    {
        PrivateFile.CreateDirectory(directory);
        try
        {
            return new Credentials(directory, hosts, clock);
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            throw new InvalidOperationException(
                $"the certificates in {directory} cannot be read ({e.Message}); remove that directory and start again to have new ones made", e);
        }
    }

    /// <summary>The certificate to serve with; renewed first when it is near its end.</summary>
    public X509Certificate2 ServerCertificate()
    {
        var renewed = false;
        X509Certificate2 certificate;
        lock (_lock)
        {
            if (EndsSoon(new DateTimeOffset(_server.NotAfter.ToUniversalTime())))
            {
                _server = OpenServer(); // the old one may still be in use by a handshake: left to the collector
            }
            if (EndsSoon(_adminEnds))
            {
                (_admin, _adminEnds) = OpenAdmin();
                renewed = true;
            }
            certificate = _server;
        }
        if (renewed)
        {
            AdminRenewed?.Invoke();
        }
        return certificate;
    }

    public void Dispose()
    {
        lock (_lock)
        {
            _server.Dispose();
        }
        Authority.Dispose();
    }

    private CertificateAuthority OpenAuthority()
    {
        if (KeyPair.Load(_directory, "ca") is { } stored)
        {
            var authority = new CertificateAuthority(stored, _clock);
            if (!EndsSoon(new DateTimeOffset(authority.Certificate.NotAfter.ToUniversalTime())))
            {
                return authority;
            }
            authority.Dispose();
        }
        var pair = CertificateAuthority.Generate(_clock);
        pair.Save(_directory, "ca");
        return new CertificateAuthority(pair, _clock);
    }

    private X509Certificate2 OpenServer()
    {
        if (KeyPair.Load(_directory, "apiserver") is { } stored)
        {
            var certificate = stored.ToCertificate();
            if (IsUsable(certificate) && _hosts.All(h => certificate.MatchesHostname(h, allowWildcards: false, allowCommonName: false)))
            {
                return certificate;
            }
            certificate.Dispose();
        }
        var pair = Authority.IssueServer(_hosts);
        pair.Save(_directory, "apiserver");
        return pair.ToCertificate();
    }

    private (KeyPair Pair, DateTimeOffset Ends) OpenAdmin()
    {
        var pair = KeyPair.Load(_directory, "admin");
        if (pair is not null)
        {
            using var certificate = X509Certificate2.CreateFromPem(pair.CertificatePem);
            if (IsUsable(certificate))
            {
                return (pair, new DateTimeOffset(certificate.NotAfter.ToUniversalTime()));
            }
        }
        pair = Authority.IssueClient(AdminUser, AdminGroup);
        pair.Save(_directory, "admin");
        using var issued = X509Certificate2.CreateFromPem(pair.CertificatePem);
        return (pair, new DateTimeOffset(issued.NotAfter.ToUniversalTime()));
    }

    private string OpenToken()
    {
        var path = Path.Combine(_directory, "admin.token");
        if (File.Exists(path) && File.ReadAllText(path).Trim() is { Length: >= 32 } stored)
        {
            return stored;
        }
        var token = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32));
        PrivateFile.Write(path, token + "\n");
        return token;
    }

    private bool IsUsable(X509Certificate2 certificate) =>
        Authority.Issued(certificate) && !EndsSoon(new DateTimeOffset(certificate.NotAfter.ToUniversalTime()));

    private bool EndsSoon(DateTimeOffset end) => _clock.GetUtcNow() > end - s_renewBefore;
}
