using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Serval.Routing;

/// <summary>A certificate to serve hosts with: the leaf with its key, and what stands between it and its authority. Immutable; left to the collector, as handshakes may use it.</summary>
public sealed class ServerCertificate
{
    private ServerCertificate(X509Certificate2 leaf, X509Certificate2Collection chain)
    {
        Leaf = leaf;
        Chain = chain;
    }

    /// <summary>With its private key.</summary>
    public X509Certificate2 Leaf { get; }

    /// <summary>The certificates after the leaf, as they stood.</summary>
    public X509Certificate2Collection Chain { get; }

    /// <summary>Reads PEM as a Secret of type <c>kubernetes.io/tls</c> holds it.</summary>
    /// <param name="certificates">The leaf, then its chain.</param>
    /// <param name="key">The leaf's private key: RSA or ECDSA, not encrypted.</param>
    /// <param name="certificate">The result.</param>
    /// <param name="problem">What is wrong when there is none.</param>
    public static bool TryRead(string certificates, string key, [NotNullWhen(true)] out ServerCertificate? certificate, out string problem)
    {
        try
        {
            var chain = new X509Certificate2Collection();
            chain.ImportFromPem(certificates);
            if (chain.Count == 0)
            {
                (certificate, problem) = (null, "tls.crt holds no PEM certificate");
                return false;
            }
            chain[0].Dispose();
            chain.RemoveAt(0);
            (certificate, problem) = (new ServerCertificate(X509Certificate2.CreateFromPem(certificates, key), chain), "");
            return true;
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            (certificate, problem) = (null, $"tls.crt and tls.key are not a certificate and its key: {e.Message}");
            return false;
        }
    }
}
