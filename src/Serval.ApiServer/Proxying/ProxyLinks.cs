namespace Serval.ApiServer.Proxying;

/// <summary>Leads the links of a proxied answer back through the proxy (apimachinery util/proxy, Transport.rewriteURL).</summary>
/// <param name="Prefix">The path up to and with <c>proxy</c>.</param>
/// <param name="Backend">Host and port of the pod.</param>
/// <param name="Asked">Host and port that the client asked.</param>
internal sealed record ProxyLinks(string Prefix, string Backend, string Asked)
{
    /// <summary>The link as the client has to follow it; what leads elsewhere, or is relative to its page, stays as it is.</summary>
    public string Rewrite(string link)
    {
        var (origin, host, path) = Split(link);
        if (!path.StartsWith('/') || (host.Length > 0 && host != Backend && host != Asked))
        {
            return link;
        }
        return (host.Length > 0 && host == Asked ? origin : "") + (path.StartsWith(Prefix, StringComparison.Ordinal) ? path : Prefix + path);
    }

    // SCHEME://HOST, or //HOST, and what comes after it.
    private static (string Origin, string Host, string Path) Split(string link)
    {
        var slashes = link.IndexOf("//", StringComparison.Ordinal);
        if (slashes < 0 || (slashes > 0 && (link[slashes - 1] != ':' || link.AsSpan(0, slashes - 1).IndexOfAny("/?#:") >= 0)))
        {
            return ("", "", link);
        }
        var end = link.AsSpan(slashes + 2).IndexOfAny("/?#") is >= 0 and var at ? slashes + 2 + at : link.Length;
        return (link[..end], link[(slashes + 2)..end], link[end..]);
    }
}
