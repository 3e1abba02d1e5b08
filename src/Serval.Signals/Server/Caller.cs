using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Kube.Certificates;

namespace Serval.Signals;

/// <summary>Who asks, by what he showed.</summary>
/// <param name="Proof">Tells callers apart: a hash of what was shown.</param>
/// <param name="Token">To be reviewed; empty when the user is known.</param>
/// <param name="User">As a SubjectAccessReview names him; null when the token says who it is.</param>
internal sealed record Caller(string Proof, string Token, JsonObject? User)
{
    private const string Scheme = "Bearer ";
    private const int MostToken = 16 << 10;

    /// <summary>By the header of a request; 401 when it has no token, or none that could be one.</summary>
    public static Caller ByHeader(string? authorization)
    {
        if (authorization?.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase) != true || authorization.Length > MostToken)
        {
            throw Unauthorized();
        }
        var token = authorization[Scheme.Length..].Trim();
        return new Caller("token " + Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(token))), token, null);
    }

    /// <summary>By a certificate that was found to be good.</summary>
    public static Caller ByCertificate(string hash, CertifiedUser user) => new(
        "certificate " + hash, "",
        new JsonObject { ["username"] = user.Name, ["groups"] = new JsonArray([.. user.Groups.Append("system:authenticated").Select(g => JsonValue.Create(g))]) });

    public static ApiException Unauthorized() => new(401, "Unauthorized", "Unauthorized");
}
