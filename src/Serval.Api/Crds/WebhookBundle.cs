using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using Serval.Api.Admission;

namespace Serval.Api.Crds;

/// <summary>
/// The certificates by which a conversion webhook is known (client-go transport: rootCertPool). Bad ones keep a definition from being established;
/// one that is established does not take them (apiextensions-apiserver: establishing_controller.go, allowInvalidCABundle).
/// </summary>
public static class WebhookBundle
{
    /// <summary>What is wrong with the bundle of a definition; null when there is none, or one that can be read.</summary>
    /// <param name="crd">The whole definition.</param>
    public static string? Complaint(JsonObject crd) => Of(crd) is { Length: > 0 } bundle ? Complaint(bundle) : null;

    /// <summary>The bundle of a definition as it is written, in base64.</summary>
    internal static string Of(JsonObject crd) => crd.Object("spec").Object("conversion").Object("webhook").Object("clientConfig").String("caBundle");

    private static string? Complaint(string bundle)
    {
        const string unreadable = "unable to load root certificates: ";
        var bytes = new byte[bundle.Length];
        if (!Convert.TryFromBase64String(bundle, bytes, out var length))
        {
            return unreadable + "unable to parse bytes as PEM block";
        }
        var text = Encoding.UTF8.GetString(bytes, 0, length);
        var wrong = "unable to parse bytes as PEM block";
        for (var rest = text.AsSpan(); PemEncoding.TryFind(rest, out var block); rest = rest[block.Location.End..])
        {
            if (rest[block.Label] is "CERTIFICATE")
            {
                try
                {
                    X509CertificateLoader.LoadCertificate(Convert.FromBase64String(rest[block.Base64Data].ToString())).Dispose();
                    return null; // one is enough: the others are skipped
                }
                catch (CryptographicException)
                {
                    wrong = "failed to parse certificate: it is no X.509 certificate";
                }
            }
        }
        return unreadable + wrong;
    }
}
