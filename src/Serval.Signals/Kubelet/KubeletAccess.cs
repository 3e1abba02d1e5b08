using Microsoft.AspNetCore.Http;
using Serval.Api;

namespace Serval.Signals;

/// <summary>Who comes to a kubelet's door, and whether he may: by a client certificate of the cluster, or a token that the cluster reviews (kubernetes pkg/kubelet/server/auth.go).</summary>
/// <param name="node">The node, of which rights are asked for.</param>
/// <param name="authorities">Tell whose certificates are known.</param>
/// <param name="certified">The cluster, which is asked about those who show a certificate: the API server is one of them.</param>
/// <param name="others">The cluster, which is asked about tokens. Anybody can show one: these questions take no place of the API server's.</param>
internal sealed class KubeletAccess(string node, ClientAuthorities authorities, SignalAccess certified, SignalAccess others)
{
    /// <summary>The user's name. 401, 403; 429 and 503 as at <see cref="SignalAccess"/>.</summary>
    public async Task<string> CheckAsync(HttpContext http, CancellationToken ct)
    {
        var caller = (http.Connection.ClientCertificate is { } shown ? authorities.Find(shown) : null) ?? Caller.ByHeader(http.Request.Headers.Authorization);
        var reviews = caller.User is null ? others : certified;
        var parts = Subresources(http.Request.Path.Value ?? "");
        var verb = Verb(http.Request.Method);
        var user = "";
        foreach (var part in parts)
        {
            var verdict = await reviews.JudgeAsync(caller, new SignalRight("", "nodes", part, node, verb), ct);
            if (verdict.Allowed)
            {
                return verdict.User;
            }
            user = verdict.Known ? verdict.User : throw Caller.Unauthorized();
        }
        throw new ApiException(403, "Forbidden", $"Forbidden (user={user}, verb={verb}, resource=nodes, subresource(s)=[{string.Join(' ', parts)}])\n");
    }

    private static string[] Subresources(string path) =>
        IsAtOrBelow(path, "/pods") ? ["pods", "proxy"]
        : IsAtOrBelow(path, "/healthz") ? ["healthz", "proxy"]
        : ["proxy"];

    private static bool IsAtOrBelow(string path, string root) => path == root || path.StartsWith(root + "/", StringComparison.Ordinal);

    private static string Verb(string method) => method switch
    {
        "POST" => "create", "GET" => "get", "PUT" => "update", "PATCH" => "patch", "DELETE" => "delete", _ => "",
    };
}
