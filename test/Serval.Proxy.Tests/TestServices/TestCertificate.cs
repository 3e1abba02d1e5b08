using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Serval.Routing;

namespace Serval.Proxy.Tests;

/// <summary>Certificates that nobody vouches for.</summary>
internal static class TestCertificate
{
    public static ServerCertificate For(string host)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={host}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(host);
        request.CertificateExtensions.Add(names.Build());
        using var made = request.CreateSelfSigned(new DateTimeOffset(2020, 1, 1, 0, 0, 0, TimeSpan.Zero), new DateTimeOffset(2120, 1, 1, 0, 0, 0, TimeSpan.Zero));
        Assert.True(ServerCertificate.TryRead(made.ExportCertificatePem(), key.ExportPkcs8PrivateKeyPem(), out var certificate, out _));
        return certificate;
    }
}
