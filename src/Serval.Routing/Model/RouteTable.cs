using System.Collections.Frozen;
using System.Text;

namespace Serval.Routing;

/// <summary>Every route, compiled. Immutable: read it once per request. Made by <see cref="RouteTableBuilder"/>.</summary>
public sealed class RouteTable
{
    private const int MaxHost = 255;
    private readonly FrozenDictionary<string, HostRoutes>.AlternateLookup<ReadOnlySpan<char>> _exact;
    private readonly FrozenDictionary<string, HostRoutes>.AlternateLookup<ReadOnlySpan<char>> _wildcard;
    private readonly FrozenDictionary<string, HostRoutes> _suffixes;

    internal RouteTable(long version, Dictionary<string, List<RouteRule>> hosts, Dictionary<BackendKey, RevisionPolicy> policies)
    {
        Version = version;
        Hosts = hosts.Where(h => h.Key[0] != '*').ToFrozenDictionary(h => h.Key, h => new HostRoutes(h.Key, h.Value), StringComparer.Ordinal);
        _suffixes = hosts.Where(h => h.Key[0] == '*').ToFrozenDictionary(h => h.Key[1..], h => new HostRoutes(h.Key, h.Value), StringComparer.Ordinal);
        Policies = policies.ToFrozenDictionary();
        _exact = Hosts.GetAlternateLookup<ReadOnlySpan<char>>();
        _wildcard = _suffixes.GetAlternateLookup<ReadOnlySpan<char>>();
    }

    /// <summary>No routes.</summary>
    public static RouteTable Empty { get; } = new RouteTableBuilder().Build(0);

    /// <summary>Given by the publisher; grows.</summary>
    public long Version { get; }

    /// <summary>By exact host, lower case.</summary>
    public FrozenDictionary<string, HostRoutes> Hosts { get; }

    /// <summary>Hosts with a wildcard; of those that match, the longest wins.</summary>
    public IReadOnlyList<HostRoutes> WildcardHosts => _suffixes.Values;

    /// <summary>How each revision is gated and timed.</summary>
    public FrozenDictionary<BackendKey, RevisionPolicy> Policies { get; }

    /// <summary>Every rule of every host.</summary>
    public IEnumerable<RouteRule> Rules => Hosts.Values.Concat(WildcardHosts).SelectMany(h => h.Rules);

    /// <summary>The policy of a backend, or the default of its kind.</summary>
    public RevisionPolicy PolicyOf(BackendKey backend) =>
        Policies.TryGetValue(backend, out var policy) ? policy
        : backend.Kind == BackendKind.Revision ? RevisionPolicy.Default : RevisionPolicy.PlainService;

    /// <summary>The rule for a request, or null. Allocates nothing.</summary>
    /// <param name="host">The Host header: any case, the port is ignored.</param>
    /// <param name="path">The path without its query.</param>
    /// <param name="headers">The request's headers.</param>
    /// <param name="clusterLocal">Whether the client may reach cluster-local rules.</param>
    public RouteRule? Match<THeaders>(ReadOnlySpan<char> host, ReadOnlySpan<byte> path, in THeaders headers, bool clusterLocal = true)
        where THeaders : IRequestHeaders, allows ref struct
    {
        host = WithoutPort(host);
        if (host.Length is 0 or > MaxHost)
        {
            return null;
        }
        Span<char> lower = stackalloc char[MaxHost];
        Ascii.ToLower(host, lower, out var written);
        if (written != host.Length)
        {
            return null; // not ASCII: no such host
        }
        lower = lower[..written];
        if (_exact.TryGetValue(lower, out var routes))
        {
            return routes.Match(path, headers, clusterLocal);
        }
        return _suffixes.Count == 0 ? null : MatchWildcard(lower, path, headers, clusterLocal);
    }

    /// <summary>The rule for a request, or null; for tests and explanations.</summary>
    public RouteRule? Match(string host, string path, IReadOnlyDictionary<string, string>? headers = null, bool clusterLocal = true) =>
        Match(host, Encoding.UTF8.GetBytes(path), new HeaderDictionary(headers), clusterLocal);

    private RouteRule? MatchWildcard<THeaders>(ReadOnlySpan<char> host, ReadOnlySpan<byte> path, in THeaders headers, bool clusterLocal)
        where THeaders : IRequestHeaders, allows ref struct
    {
        for (var dot = host.IndexOf('.'); dot >= 0;)
        {
            if (_wildcard.TryGetValue(host[dot..], out var routes))
            {
                return routes.Match(path, headers, clusterLocal);
            }
            var next = host[(dot + 1)..].IndexOf('.');
            dot = next < 0 ? -1 : dot + 1 + next;
        }
        return _wildcard.TryGetValue("", out var any) ? any.Match(path, headers, clusterLocal) : null;
    }

    private static ReadOnlySpan<char> WithoutPort(ReadOnlySpan<char> host)
    {
        var colon = host.LastIndexOf(':');
        if (colon >= 0 && host.LastIndexOf(']') < colon)
        {
            host = host[..colon];
        }
        return host.EndsWith(".") ? host[..^1] : host;
    }

    private readonly struct HeaderDictionary(IReadOnlyDictionary<string, string>? headers) : IRequestHeaders
    {
        public bool Has(string name, ReadOnlySpan<byte> value)
        {
            foreach (var (key, text) in headers ?? FrozenDictionary<string, string>.Empty)
            {
                if (key.Equals(name, StringComparison.OrdinalIgnoreCase) && value.SequenceEqual(Encoding.UTF8.GetBytes(text)))
                {
                    return true;
                }
            }
            return false;
        }
    }
}
