using System.Buffers.Text;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Serval.Kube.Certificates;

namespace Serval.ApiServer.Certificates;

/// <summary>
/// Everything that proves who is who, in one private directory: the authority, the server's certificate, the administrator's certificate and
/// token. What is missing, near its end, for other host names or not this authority's is made anew.
/// </summary>
internal sealed class Credentials : IDisposable
{
    public const string AdminUser = "kubernetes-admin";
    public const string AdminGroup = "system:masters";

    /// <summary>Those of Serval's own roles: what they write is Serval's (docs/decisions/0015).</summary>
    public const string RoleGroup = "system:serval";

    private static readonly TimeSpan s_lifetime = TimeSpan.FromDays(365);
    private static readonly TimeSpan s_renewBefore = TimeSpan.FromDays(30);

    private readonly string _directory;
    private readonly IReadOnlyList<string> _hosts;
    private readonly TimeProvider _clock;
    private readonly Lock _lock = new();

    // guarded by _lock
    private X509Certificate2 _server;
    private KeyPair _admin;
    private readonly Dictionary<string, KeyPair> _roles = [];
    private DateTimeOffset _clientsEnd; // the first of them

    private Credentials(string directory, IReadOnlyList<string> hosts, TimeProvider clock)
    {
        _directory = directory;
        _hosts = hosts;
        _clock = clock;
        Authority = OpenAuthority(directory, clock);
        _server = OpenServer();
        _clientsEnd = DateTimeOffset.MaxValue;
        _admin = OpenClient("admin", AdminUser, AdminGroup);
        AdminToken = OpenToken();
    }

    public CertificateAuthority Authority { get; }

    public string AdminToken { get; }

    /// <summary>Raised, on the thread that asked for a certificate, after the administrator's and those of roles were renewed.</summary>
    public event Action? ClientsRenewed;

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

    /// <summary>What a role of another process is known by; renewed from now on as the administrator's is.</summary>
    public KeyPair Role(string role)
    {
        lock (_lock)
        {
            return _roles.TryGetValue(role, out var pair) ? pair : _roles[role] = OpenRole(role);
        }
    }

    /// <summary>Opens or fills <paramref name="directory"/>.</summary>
    public static Credentials Open(string directory, IReadOnlyList<string> hosts, TimeProvider clock) =>
        InDirectory(directory, () => new Credentials(directory, hosts, clock));

    /// <summary>The certificate of the authority, as PEM; made when there is none.</summary>
    public static string Root(string directory, TimeProvider clock) => InDirectory(directory, () =>
    {
        using var authority = OpenAuthority(directory, clock);
        return authority.Certificate.ExportCertificatePem() + "\n";
    });

    private static T InDirectory<T>(string directory, Func<T> open)
    {
        PrivateFile.CreateDirectory(directory);
        try
        {
            return open();
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
            if (EndsSoon(End(_server)))
            {
                _server = OpenServer(); // the old one may still be in use by a handshake: left to the collector
            }
            if (EndsSoon(_clientsEnd))
            {
                _clientsEnd = DateTimeOffset.MaxValue;
                _admin = OpenClient("admin", AdminUser, AdminGroup);
                foreach (var role in _roles.Keys)
                {
                    _roles[role] = OpenRole(role);
                }
                renewed = true;
            }
            certificate = _server;
        }
        if (renewed)
        {
            ClientsRenewed?.Invoke();
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

    private static CertificateAuthority OpenAuthority(string directory, TimeProvider clock)
    {
        if (KeyPairFiles.Load(directory, "ca") is { } stored)
        {
            var authority = new CertificateAuthority(stored, clock);
            if (!EndsSoon(End(authority.Certificate), clock))
            {
                return authority;
            }
            authority.Dispose();
        }
        var pair = CertificateAuthority.Generate("serval-ca", clock);
        pair.Save(directory, "ca");
        return new CertificateAuthority(pair, clock);
    }

    private X509Certificate2 OpenServer() =>
        OpenLeaf("apiserver", CertificateAuthority.ServerUse, _hosts, () => Authority.IssueServer("serval-apiserver", _hosts, s_lifetime)).ToCertificate();

    private KeyPair OpenRole(string role) => OpenClient(role, $"system:serval-{role}", RoleGroup);

    private KeyPair OpenClient(string name, string user, string group)
    {
        var pair = OpenLeaf(name, CertificateAuthority.ClientUse, [], () => Authority.IssueClient(user, [group], s_lifetime));
        using var certificate = pair.ToCertificate();
        _clientsEnd = End(certificate) is var end && end < _clientsEnd ? end : _clientsEnd;
        return pair;
    }

    private KeyPair OpenLeaf(string name, Oid use, IReadOnlyList<string> hosts, Func<KeyPair> issue)
    {
        if (KeyPairFiles.Load(_directory, name) is { } stored && IsUsable(stored, use, hosts))
        {
            return stored;
        }
        var pair = issue();
        pair.Save(_directory, name);
        return pair;
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

    /// <summary>Whole, its halves each other's, of this authority, long enough valid and for all the hosts.</summary>
    private bool IsUsable(KeyPair pair, Oid use, IReadOnlyList<string> hosts)
    {
        try
        {
            using var certificate = pair.ToCertificate();
            // Asked of its last day in use, not of now, so that a clock which was set back does not make certificates anew.
            return !EndsSoon(End(certificate)) && Authority.Signed(certificate, use, (End(certificate) - s_renewBefore).UtcDateTime)
                && hosts.All(h => certificate.MatchesHostname(h, allowWildcards: false, allowCommonName: false));
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            return false;
        }
    }

    private static DateTimeOffset End(X509Certificate2 certificate) => new(certificate.NotAfter.ToUniversalTime());

    private bool EndsSoon(DateTimeOffset end) => EndsSoon(end, _clock);

    private static bool EndsSoon(DateTimeOffset end, TimeProvider clock) => clock.GetUtcNow() > end - s_renewBefore;
}
