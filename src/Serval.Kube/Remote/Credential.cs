using System.Net.Http.Headers;
using System.Security.Cryptography.X509Certificates;

namespace Serval.Kube.Remote;

/// <summary>What a client shows to be known: a header, a certificate, both or nothing.</summary>
internal sealed record Credential(AuthenticationHeaderValue? Authorization, X509Certificate2? Certificate)
{
    public static Credential Bearer(string token, X509Certificate2? certificate = null) =>
        new(token.Length == 0 ? null : new AuthenticationHeaderValue("Bearer", token), certificate);
}
