using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Serval.Kube.Certificates;

/// <summary>An authority of Serval's own: one signs the API server's certificate and those of its clients, another those of the gateway's hosts.</summary>
public sealed class CertificateAuthority(KeyPair pair, TimeProvider clock) : IDisposable
{
    private static readonly TimeSpan s_lifetime = TimeSpan.FromDays(3650);

    /// <summary>Certificates begin this long before they are made: clocks differ.</summary>
    public static readonly TimeSpan Skew = TimeSpan.FromMinutes(10);
    public static readonly Oid ServerUse = new("1.3.6.1.5.5.7.3.1");
    public static readonly Oid ClientUse = new("1.3.6.1.5.5.7.3.2");

    /// <summary>With its private key.</summary>
    public X509Certificate2 Certificate { get; } = pair.ToCertificate();

    /// <summary>When it begins and ends.</summary>
    public (DateTimeOffset Begins, DateTimeOffset Ends) Validity =>
        (new DateTimeOffset(Certificate.NotBefore.ToUniversalTime()), new DateTimeOffset(Certificate.NotAfter.ToUniversalTime()));

    public string CertificatePem => pair.CertificatePem;

    /// <summary>A new authority of this common name.</summary>
    public static KeyPair Generate(string name, TimeProvider clock)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(Name(name, []), key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        var now = clock.GetUtcNow();
        using var certificate = request.CreateSelfSigned(now - Skew, now + s_lifetime);
        return KeyPair.From(certificate, key);
    }

    /// <summary>A certificate for a server that answers to these names and addresses.</summary>
    /// <param name="name">The common name, at most 64 bytes (RFC 5280, upper bounds).</param>
    /// <param name="hosts">Names, also wildcards, and addresses.</param>
    /// <param name="lifetime">How long it is valid.</param>
    public KeyPair IssueServer(string name, IReadOnlyList<string> hosts, TimeSpan lifetime)
    {
        var names = new SubjectAlternativeNameBuilder();
        foreach (var host in hosts)
        {
            if (IPAddress.TryParse(host, out var address))
            {
                names.AddIpAddress(address);
            }
            else
            {
                names.AddDnsName(host);
            }
        }
        return Issue(Name(name, []), ServerUse, names.Build(), lifetime);
    }

    /// <summary>A certificate that makes its holder this user in these groups.</summary>
    public KeyPair IssueClient(string user, IReadOnlyList<string> groups, TimeSpan lifetime) => Issue(Name(user, groups), ClientUse, null, lifetime);

    /// <summary>Whether this authority signed the certificate, it is valid now, and it may be used by a client.</summary>
    public bool Vouches(X509Certificate2 certificate) => Signed(certificate, ClientUse, clock.GetUtcNow().UtcDateTime);

    /// <summary>Whether this authority signed the certificate for a use, and both are valid then.</summary>
    public bool Signed(X509Certificate2 certificate, Oid use, DateTime then)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.Add(Certificate);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.DisableCertificateDownloads = true;
        chain.ChainPolicy.ApplicationPolicy.Add(use);
        chain.ChainPolicy.VerificationTime = then;
        return chain.Build(certificate);
    }

    public void Dispose() => Certificate.Dispose();

    private KeyPair Issue(X500DistinguishedName subject, Oid use, X509Extension? names, TimeSpan lifetime)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(subject, key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([use], false));
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(Certificate, true, false));
        if (names is not null)
        {
            request.CertificateExtensions.Add(names);
        }
        var serial = RandomNumberGenerator.GetBytes(16);
        serial[0] = (byte)((serial[0] & 0x7f) | 0x40); // positive and of full length
        var now = clock.GetUtcNow();
        var end = now + lifetime;
        var (first, last) = Validity;
        using var certificate = request.Create(Certificate, now - Skew < first ? first : now - Skew, end < last ? end : last, serial);
        return KeyPair.From(certificate, key);
    }

    private static X500DistinguishedName Name(string common, IReadOnlyList<string> organizations)
    {
        var name = new X500DistinguishedNameBuilder();
        foreach (var organization in organizations)
        {
            name.AddOrganizationName(organization);
        }
        name.AddCommonName(common);
        return name.Build();
    }
}
