using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Serval.ApiServer.Certificates;

/// <summary>A certificate and its private key as PEM, kept as <c>name.crt</c> and <c>name.key</c>.</summary>
internal sealed record KeyPair(string CertificatePem, string KeyPem)
{
    /// <summary>The pair in the directory, or null when a file is missing.</summary>
    public static KeyPair? Load(string directory, string name)
    {
        var (certificate, key) = Paths(directory, name);
        return File.Exists(certificate) && File.Exists(key) ? new KeyPair(File.ReadAllText(certificate), File.ReadAllText(key)) : null;
    }

    public void Save(string directory, string name)
    {
        var (certificate, key) = Paths(directory, name);
        PrivateFile.Write(key, KeyPem);
        PrivateFile.Write(certificate, CertificatePem);
    }

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

    public static KeyPair From(X509Certificate2 certificate, ECDsa key) =>
        new(certificate.ExportCertificatePem() + "\n", key.ExportPkcs8PrivateKeyPem() + "\n");

    private static (string Certificate, string Key) Paths(string directory, string name) =>
        (Path.Combine(directory, name + ".crt"), Path.Combine(directory, name + ".key"));
}
