using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;

namespace Serval.Proxy;

/// <summary>Tells Kestrel that a connection came over TLS and that HTTP/2 was agreed on. Clients give no certificates.</summary>
internal sealed class TlsFeatures : ITlsConnectionFeature, ITlsApplicationProtocolFeature
{
    public static TlsFeatures Instance { get; } = new();

    public X509Certificate2? ClientCertificate { get; set; }

    public ReadOnlyMemory<byte> ApplicationProtocol { get; } = "h2"u8.ToArray();

    public Task<X509Certificate2?> GetClientCertificateAsync(CancellationToken cancellationToken) => Task.FromResult<X509Certificate2?>(null);
}
