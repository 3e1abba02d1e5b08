using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Microsoft.AspNetCore.Http;
using Serval.ApiServer.Access;
using Serval.Kube.Certificates;
using Serval.Kube.Tokens;

namespace Serval.ApiServer.Certificates;

/// <summary>Finds out who asks: by a client certificate of our authority (CN is the user, O the groups) by the administrator's
/// token, or by a service account's.</summary>
internal sealed class Authenticator(Credentials credentials, AccountTokens tokens, TimeProvider time)
{
    private const string Scheme = "Bearer ";

    private static readonly string[] s_audiences = [ServiceAccountTokens.Issuer];

    private readonly byte[] _tokenHash = SHA256.HashData(Encoding.UTF8.GetBytes(credentials.AdminToken));
    private readonly UserInfo _admin = new(Credentials.AdminUser, [Credentials.AdminGroup, UserInfo.Authenticated]);
    private readonly ConditionalWeakTable<X509Certificate2, Holder> _known = []; // one certificate object a connection

    /// <summary>The user, or null when nothing the request carries is proof.</summary>
    public UserInfo? Authenticate(HttpContext context) =>
        (context.Connection.ClientCertificate is { } certificate ? ByCertificate(certificate) : null)
        ?? ByHeader(context.Request.Headers.Authorization.ToString());

    private UserInfo? ByCertificate(X509Certificate2 certificate)
    {
        if (_known.TryGetValue(certificate, out var known))
        {
            return time.GetUtcNow() <= known.Until ? known.User : null; // a connection may outlive its certificate
        }
        if (!credentials.Authority.Vouches(certificate))
        {
            return null;
        }
        var named = CertifiedUser.Read(certificate.SubjectName);
        var user = new UserInfo(named.Name, [.. named.Groups, UserInfo.Authenticated]);
        _known.AddOrUpdate(certificate, new Holder(user, certificate.NotAfter.ToUniversalTime()));
        return user;
    }

    /// <summary>Whose a token is, and for which of the audiences it is good; null when for none.</summary>
    public (UserInfo User, IReadOnlyList<string> Audiences)? ByToken(string token, IReadOnlyList<string> audiences)
    {
        var given = SHA256.HashData(Encoding.UTF8.GetBytes(token));
        return !CryptographicOperations.FixedTimeEquals(given, _tokenHash) ? tokens.Check(token, audiences)
            : audiences.Contains(ServiceAccountTokens.Issuer) ? (_admin, [ServiceAccountTokens.Issuer])
            : null;
    }

    private UserInfo? ByHeader(string header) => header.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase)
        ? ByToken(header[Scheme.Length..].Trim(), s_audiences)?.User
        : null;

    private sealed record Holder(UserInfo User, DateTimeOffset Until);
}
