using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Microsoft.AspNetCore.Http;

namespace Serval.ApiServer.Certificates;

/// <summary>Finds out who asks: by a client certificate of our authority (CN is the user, O the groups) or by the administrator's token.</summary>
internal sealed class Authenticator(Credentials credentials)
{
    private const string Scheme = "Bearer ";

    private readonly byte[] _tokenHash = SHA256.HashData(Encoding.UTF8.GetBytes(credentials.AdminToken));
    private readonly UserInfo _admin = new(Credentials.AdminUser, [Credentials.AdminGroup, UserInfo.Authenticated]);
    private readonly ConditionalWeakTable<X509Certificate2, UserInfo> _known = []; // one certificate object a connection

    /// <summary>The user, or null when nothing the request carries is proof.</summary>
    public UserInfo? Authenticate(HttpContext context) =>
        (context.Connection.ClientCertificate is { } certificate ? ByCertificate(certificate) : null)
        ?? ByToken(context.Request.Headers.Authorization.ToString());

    private UserInfo? ByCertificate(X509Certificate2 certificate)
    {
        if (_known.TryGetValue(certificate, out var known))
        {
            return known;
        }
        if (!credentials.Authority.Vouches(certificate))
        {
            return null;
        }
        var user = Read(certificate.SubjectName);
        _known.AddOrUpdate(certificate, user);
        return user;
    }

    private UserInfo? ByToken(string header)
    {
        if (!header.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase))
        {
            return null;
        }
        var given = SHA256.HashData(Encoding.UTF8.GetBytes(header[Scheme.Length..].Trim()));
        return CryptographicOperations.FixedTimeEquals(given, _tokenHash) ? _admin : null;
    }

    private static UserInfo Read(X500DistinguishedName subject)
    {
        var name = "";
        var groups = new List<string>();
        foreach (var part in subject.EnumerateRelativeDistinguishedNames().Where(p => !p.HasMultipleElements))
        {
            switch (part.GetSingleElementType().Value)
            {
                case "2.5.4.3":
                    name = part.GetSingleElementValue() ?? "";
                    break;
                case "2.5.4.10":
                    groups.Add(part.GetSingleElementValue() ?? "");
                    break;
            }
        }
        groups.Add(UserInfo.Authenticated);
        return new UserInfo(name, groups);
    }
}
