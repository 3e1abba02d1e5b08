using Serval.ApiServer.Http;

namespace Serval.ApiServer.Proxying;

/// <summary>The two parts of a proxied path, as they stand in a URL.</summary>
internal static class ProxyPath
{
    /// <summary>The path up to and with <c>proxy</c>: of what the path names, whatever the client wrote, and safe in pages and headers.</summary>
    public static string Prefix(ResourcePath path)
    {
        var inside = path.Namespace.Length == 0 ? "" : $"/namespaces/{Uri.EscapeDataString(path.Namespace)}";
        var name = Uri.EscapeDataString(path.Name).Replace("%3A", ":", StringComparison.Ordinal); // NAME:PORT, as upstream leaves it
        return $"/api/v1{inside}/{path.Kind.Plural}/{name}/proxy";
    }

    /// <summary>The path that is asked of the pod: <c>/</c> for none, else as the client escaped it.</summary>
    /// <param name="path">What the path names.</param>
    /// <param name="decoded">The path as the server decoded it, without dot segments.</param>
    /// <param name="target">The request's target as it came.</param>
    public static string Below(ResourcePath path, string decoded, string target)
    {
        if (path.Below.Length == 0)
        {
            return "/";
        }
        var below = Segments(path.Below);
        var raw = Segments(target.Split('?')[0]);
        // As many segments as were decoded: none was a dot segment, and the last ones are those of the rest.
        var written = target.StartsWith('/') && raw.Length == Segments(decoded).Length && raw.All(s => s.All(c => c is > ' ' and < '\x7f' and not '#'))
            ? raw[^below.Length..] : [.. below.Select(Escape)];
        return written.Length == 0 ? "/" : "/" + string.Join('/', written) + (path.Below.EndsWith('/') ? "/" : "");
    }

    // The server leaves %2F as it is.
    private static string Escape(string segment) =>
        string.Join("%2F", segment.Replace("%2f", "%2F", StringComparison.Ordinal).Split("%2F").Select(Uri.EscapeDataString));

    private static string[] Segments(string path) => path.Split('/', StringSplitOptions.RemoveEmptyEntries);
}
