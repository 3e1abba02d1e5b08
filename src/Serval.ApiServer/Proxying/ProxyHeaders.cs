using System.Collections.Frozen;
using System.Net.Http.Headers;
using Microsoft.AspNetCore.Http;

namespace Serval.ApiServer.Proxying;

/// <summary>Which headers pass a proxy, and what it adds (Go's httputil.ReverseProxy; apimachinery util/proxy).</summary>
internal static class ProxyHeaders
{
    // Of one connection (RFC 9110, section 7.6.1), or made anew.
    private static readonly FrozenSet<string> s_hop = FrozenSet.Create(
        StringComparer.OrdinalIgnoreCase, "Connection", "Proxy-Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Te", "Trailer",
        "Transfer-Encoding", "Upgrade", "Expect", "HTTP2-Settings");

    private static readonly FrozenSet<string> s_crossOrigin = FrozenSet.Create(
        StringComparer.OrdinalIgnoreCase, "Access-Control-Allow-Credentials", "Access-Control-Allow-Headers", "Access-Control-Allow-Methods", "Access-Control-Allow-Origin");

    /// <summary>The client's headers, but those that prove to the API server who asks.</summary>
    /// <param name="from">The client's request.</param>
    /// <param name="to">The request to the pod.</param>
    /// <param name="upgrade">The protocol that the client would switch to; empty for none.</param>
    public static void Copy(HttpRequest from, HttpRequestMessage to, string upgrade)
    {
        var named = Named(from.Headers.Connection.Select(c => c ?? ""));
        foreach (var (name, values) in from.Headers)
        {
            if (!name.StartsWith(':') && !s_hop.Contains(name) && !named.Contains(name) && !IsOfAccess(name) && !to.Headers.TryAddWithoutValidation(name, values.AsEnumerable()))
            {
                to.Content?.Headers.TryAddWithoutValidation(name, values.AsEnumerable());
            }
        }
        if (upgrade.Length > 0)
        {
            to.Headers.TryAddWithoutValidation("Connection", "Upgrade");
            to.Headers.TryAddWithoutValidation("Upgrade", upgrade);
        }
        to.Headers.Host = from.Host.Value;
        to.Headers.Remove("X-Forwarded-For");
        var client = from.HttpContext.Connection.RemoteIpAddress?.ToString() ?? "";
        to.Headers.TryAddWithoutValidation("X-Forwarded-For", string.Join(", ", from.Headers["X-Forwarded-For"].Append(client).Where(f => f is { Length: > 0 })));
        to.Headers.Remove("X-Forwarded-Uri");
        to.Headers.TryAddWithoutValidation("X-Forwarded-Uri", from.Path.ToUriComponent());
    }

    /// <summary>The pod's headers, its links led back through the proxy.</summary>
    public static void Copy(HttpResponseMessage from, HttpResponse to, ProxyLinks links)
    {
        var named = Named(from.Headers.Connection);
        foreach (var (name, values) in from.Headers.NonValidated.Concat(from.Content.Headers.NonValidated))
        {
            if (s_hop.Contains(name) || s_crossOrigin.Contains(name) || named.Contains(name))
            {
                continue;
            }
            foreach (var value in values)
            {
                if (name.Equals("Date", StringComparison.OrdinalIgnoreCase) || name.Equals("Location", StringComparison.OrdinalIgnoreCase)
                    || name.Equals("Content-Type", StringComparison.OrdinalIgnoreCase) || name.Equals("Content-Length", StringComparison.OrdinalIgnoreCase))
                {
                    to.Headers[name] = name.Equals("Location", StringComparison.OrdinalIgnoreCase) ? links.Rewrite(value) : value;
                }
                else
                {
                    to.Headers.Append(name, value);
                }
            }
        }
    }

    // Who has been let in is not told to the pod: its program could act as that user.
    private static bool IsOfAccess(string name) =>
        name.Equals("Authorization", StringComparison.OrdinalIgnoreCase) || name.StartsWith("Impersonate-", StringComparison.OrdinalIgnoreCase)
        || name.Equals("Host", StringComparison.OrdinalIgnoreCase);

    private static HashSet<string> Named(IEnumerable<string> connection) =>
        new(connection.SelectMany(c => c.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)), StringComparer.OrdinalIgnoreCase);

    private static HashSet<string> Named(HttpHeaderValueCollection<string> connection) => Named(connection.AsEnumerable());
}
