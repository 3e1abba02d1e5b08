using System.Text;
using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Core;
using Serval.Kube.Certificates;

namespace Serval.Controllers.Certificates;

/// <summary>A key pair as a Secret of type <c>kubernetes.io/tls</c> holds it.</summary>
internal static class SecretPair
{
    /// <summary>What the Secret holds, or null when a part is missing or no base64.</summary>
    internal static KeyPair? Read(KubeObject secret) =>
        Text(secret, "tls.crt") is { } certificate && Text(secret, "tls.key") is { } key ? new KeyPair(certificate, key) : null;

    /// <summary>The Secret's data.</summary>
    /// <param name="pair">Certificate, with what it needs to be verified, and key.</param>
    /// <param name="authority">The authority's certificate.</param>
    internal static JsonObject Data(KeyPair pair, string authority) => new()
    {
        ["tls.crt"] = Encode(pair.CertificatePem), ["tls.key"] = Encode(pair.KeyPem), ["ca.crt"] = Encode(authority),
    };

    internal static string Encode(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));

    internal static string? Text(KubeObject secret, string key)
    {
        if (!secret.As<Secret>().Data.TryGetValue(key, out var text))
        {
            return null;
        }
        var bytes = new byte[text.Length];
        return Convert.TryFromBase64String(text, bytes, out var written) ? Encoding.UTF8.GetString(bytes, 0, written) : null;
    }
}
