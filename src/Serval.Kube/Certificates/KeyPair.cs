using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Serval.Kube.Certificates;

/// <summary>A certificate and its private key as PEM.</summary>
public sealed record KeyPair(string CertificatePem, string KeyPem)
{
    /// <summary>The certificate with its key, in the form the platform's TLS takes.</summary>
    public X509Certificate2 ToCertificate()
    {
        var certificate = X509Certificate2.CreateFromPem(CertificatePem, KeyPem);
        if (!OperatingSystem.IsWindows())
        {
            return certificate;
        }
        using (certificate) // Windows' TLS refuses keys that were never in a key store
        {
            return X509CertificateLoader.LoadPkcs12(certificate.Export(X509ContentType.Pfx), password: null);
        }
    }

    /// <summary>The PEM of both.</summary>
    public static KeyPair From(X509Certificate2 certificate, ECDsa key) =>
        new(certificate.ExportCertificatePem() + "\n", key.ExportPkcs8PrivateKeyPem() + "\n");
}
