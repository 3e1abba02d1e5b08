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
        return Vouch(known.Anchors, shown) && CertifiedUser.Read(shown.SubjectName) is { Name.Length: > 0 } user ? Caller.ByCertificate(SignalServer.Hash(shown), user) : null;
    }

    // As Go's crypto/x509: every certificate of the pool is an anchor, also one that another authority signed; what is above it does not count.
    private bool Vouch(X509Certificate2Collection anchors, X509Certificate2 shown)
    {
        if (anchors.Count == 0)
        {
            return false;
        }
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(anchors);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.DisableCertificateDownloads = true;
        chain.ChainPolicy.ApplicationPolicy.Add(CertificateAuthority.ClientUse);
        chain.ChainPolicy.VerificationTime = time.GetUtcNow().UtcDateTime;
        chain.Build(shown);
        foreach (var element in chain.ChainElements)
        {
            if (element.ChainElementStatus.Any(s => s.Status is not (X509ChainStatusFlags.NoError or X509ChainStatusFlags.PartialChain or X509ChainStatusFlags.UntrustedRoot)))
            {
                return false;
            }
            if (anchors.Any(a => a.RawDataMemory.Span.SequenceEqual(element.Certificate.RawDataMemory.Span)))
            {
                return true;
            }
        }
        return false;
    }

    private static X509Certificate2Collection Read(string pem)
    {
        var anchors = new X509Certificate2Collection();
        try
        {
            anchors.ImportFromPem(pem);
        }
        catch (CryptographicException)
        {
            anchors.Clear(); // what cannot be read vouches for nobody
        }
        return anchors;
    }

    private sealed record Known(string Version, X509Certificate2Collection Anchors);
}
