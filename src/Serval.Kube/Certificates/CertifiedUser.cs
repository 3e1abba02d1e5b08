using System.Security.Cryptography.X509Certificates;

namespace Serval.Kube.Certificates;

/// <summary>Whom a client certificate names: its common name is the user, its organizations are the groups (apiserver authentication/request/x509).</summary>
/// <param name="Name">Empty when the certificate names nobody.</param>
/// <param name="Groups">Without those that everybody is in.</param>
public sealed record CertifiedUser(string Name, IReadOnlyList<string> Groups)
{
    private const string CommonName = "2.5.4.3";
    private const string Organization = "2.5.4.10";

    public static CertifiedUser Read(X500DistinguishedName subject)
    {
        var name = "";
        var groups = new List<string>();
        foreach (var part in subject.EnumerateRelativeDistinguishedNames().Where(p => !p.HasMultipleElements))
        {
            switch (part.GetSingleElementType().Value)
            {
                case CommonName:
                    name = part.GetSingleElementValue() ?? "";
                    break;
                case Organization:
                    groups.Add(part.GetSingleElementValue() ?? "");
                    break;
            }
        }
        return new CertifiedUser(name, groups);
    }
}
