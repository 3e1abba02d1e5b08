using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Serval.Api;

namespace Serval.Kube.Streams;

/// <summary>The switch from HTTP/1.1 to SPDY/3.1 (apimachinery util/httpstream), which clients of before 1.31 ask for, and later ones as their second try.</summary>
internal static class SpdyUpgrade
{
    public const string Name = "SPDY/3.1";
    private const string Offered = "X-Stream-Protocol-Version";
    private const string Accepted = "X-Accepted-Stream-Protocol-Versions";

    public static bool IsAsked(HttpRequest request) =>
        request.Headers.Upgrade.Any(u => string.Equals(u, Name, StringComparison.OrdinalIgnoreCase)) && WebSocketUpgrade.CanUpgrade(request.HttpContext);

    /// <summary>The first of the client's protocols that is served. Throws a refusal that names those.</summary>
    public static string Choose(HttpContext http, params string[] served)
    {
        var offered = http.Request.Headers.GetCommaSeparatedValues(Offered);
        if (offered.Length == 0)
        {
            throw ApiException.BadRequest($"unable to upgrade: header {Offered} names no protocol");
        }
        if (offered.FirstOrDefault(served.Contains) is { } chosen)
        {
            return chosen;
        }
        http.Response.Headers[Accepted] = served;
        throw new ApiException(
            403, "Forbidden", $"unable to upgrade: unable to negotiate protocol: client supports [{string.Join(' ', offered)}], server accepts [{string.Join(' ', served)}]");
    }

    /// <summary>Switches protocols. From then on the response is not HTTP any more.</summary>
    public static async Task<Stream> AcceptAsync(HttpContext http, string protocol)
    {
        http.Response.Headers.Upgrade = Name;
        http.Response.Headers[Offered] = protocol;
        return await http.Features.GetRequiredFeature<IHttpUpgradeFeature>().UpgradeAsync();
    }
}
