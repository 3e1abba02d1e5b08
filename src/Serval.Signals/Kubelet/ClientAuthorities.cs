using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Serval.Api;
using Serval.Kube;
using Serval.Kube.Certificates;

namespace Serval.Signals;

/// <summary>
/// The authorities whose client certificates a cluster knows: every kube-apiserver writes them to a ConfigMap (kubernetes
/// pkg/controlplane/controller/clusterauthenticationtrust).
/// </summary>
internal sealed class ClientAuthorities(IKubeClient client, TimeProvider time)
{
    internal static readonly ObjectKey Source = new("kube-system", "extension-apiserver-authentication");
    private const string Entry = "client-ca-file";

    private volatile Known? _known; // replaced whole

    /// <summary>Whom a certificate names; null when none of the authorities signed it for a client, it is not valid now, or names nobody.</summary>
    public Caller? Find(X509Certificate2 shown)
    {
        if (client.Cache(Kinds.ConfigMap).Get(Source) is not { } source)
        {
            return null;
        }
        var known = _known;
        if (known?.Version != source.Metadata.ResourceVersion)
        {
            _known = known = new Known(source.Metadata.ResourceVersion, Read(source.ToTree()["data"]?[Entry]?.ToString() ?? ""));
        }
        return Vouch(known.Roots, shown) && CertifiedUser.Read(shown.SubjectName) is { Name.Length: > 0 } user ? Caller.ByCertificate(SignalServer.Hash(shown), user) : null;
    }

    private bool Vouch(X509Certificate2Collection roots, X509Certificate2 shown)
    {
        if (roots.Count == 0)
        {
            return false;
        }
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(roots);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.DisableCertificateDownloads = true;
        chain.ChainPolicy.ApplicationPolicy.Add(CertificateAuthority.ClientUse);
        chain.ChainPolicy.VerificationTime = time.GetUtcNow().UtcDateTime;
        return chain.Build(shown);
    }

    private static X509Certificate2Collection Read(string pem)
    {
        var roots = new X509Certificate2Collection();
        try
        {
            roots.ImportFromPem(pem);
        }
        catch (CryptographicException)
        {
            roots.Clear(); // what cannot be read vouches for nobody
        }
        return roots;
    }

    private sealed record Known(string Version, X509Certificate2Collection Roots);
}
