using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Text;

namespace Serval.Routing;

/// <summary>Every route, compiled. Immutable: read it once per request. Made by <see cref="RouteTableBuilder"/>.</summary>
public sealed class RouteTable
{
    private const int MaxHost = 255;
    private readonly HostIndex _exact;
    private readonly HostIndex _suffixes; // by what follows the asterisk
    private readonly object _self = new(); // what tables made of this one know it by: they do not keep it
    private (object From, TableChange Change)? _made;

    private RouteTable(long version, HostIndex exact, HostIndex suffixes, ImmutableDictionary<BackendKey, RevisionPolicy> policies, TlsTable tls)
    {
        Version = version;
        Tls = tls;
        _exact = exact;
        _suffixes = suffixes;
        Policies = policies;
    }

    /// <summary>No routes.</summary>
    public static RouteTable Empty { get; } = new(0, HostIndex.Empty, HostIndex.Empty, ImmutableDictionary<BackendKey, RevisionPolicy>.Empty, TlsTable.Empty);

    /// <summary>Given by the publisher; grows.</summary>
    public long Version { get; }

    /// <summary>By exact host, lower case.</summary>
    public IReadOnlyDictionary<string, HostRoutes> Hosts => _exact;

    /// <summary>Hosts with a wildcard; of those that match, the longest wins.</summary>
    public IEnumerable<HostRoutes> WildcardHosts => _suffixes.Values;

    /// <summary>How each revision is gated and timed.</summary>
    public ImmutableDictionary<BackendKey, RevisionPolicy> Policies { get; }

    /// <summary>Which certificate each host is served with.</summary>
    public TlsTable Tls { get; }

    private IEnumerable<HostRoutes> AllHosts => Hosts.Values.Concat(WildcardHosts);

    /// <summary>
    /// This table with some hosts and policies replaced, or removed where the value is null. What does not change is shared, so the cost is that
    /// of the change and not of the table.
    /// </summary>
    /// <param name="version">Of the new table.</param>
    /// <param name="hosts">Rules by host, as <see cref="RouteTableBuilder.Add"/> takes them.</param>
    /// <param name="policies">Policies by backend.</param>
    /// <param name="tls">All certificates; null leaves them as they are.</param>
    public RouteTable With(
        long version, IEnumerable<KeyValuePair<string, IReadOnlyList<RouteRule>?>> hosts, IEnumerable<KeyValuePair<BackendKey, RevisionPolicy?>> policies,
        TlsTable? tls = null)
    {
        var changes = hosts.Select(h => (Key: h.Key.ToLowerInvariant().TrimEnd('.'), h.Value))
            .Select(h => (h.Key, Routes: h.Value is null ? null : new HostRoutes(h.Key, h.Value)))
            .ToLookup(h => h.Key[0] == '*', h => KeyValuePair.Create(h.Key[0] == '*' ? h.Key[1..] : h.Key, h.Routes));
        var nextPolicies = Policies.ToBuilder();
        foreach (var (backend, policy) in policies)
        {
            if (policy is null)
            {
                nextPolicies.Remove(backend);
            }
            else
            {
                nextPolicies[backend] = policy;
            }
        }
        var next = new RouteTable(version, _exact.With(changes[false]), _suffixes.With(changes[true]), nextPolicies.ToImmutable(), tls ?? Tls);
        var named = changes[false].Select(c => c.Key).Concat(changes[true].Select(c => "*" + c.Key)).Distinct().ToList();
        next._made = (_self, new TableChange(
            [.. named.Select(Find).OfType<HostRoutes>()], [.. named.Select(next.Find).OfType<HostRoutes>()], [.. policies.Select(p => p.Key).Distinct()]));
        return next;
    }

    /// <summary>What is another here than in <paramref name="other"/>. For the table this one was made of the cost is that of the change.</summary>
    public TableChange ChangeFrom(RouteTable other) => _made is { } made && made.From == other._self ? made.Change : new TableChange(
        [.. other.AllHosts.Where(h => Find(h.Host) != h)], [.. AllHosts.Where(h => other.Find(h.Host) != h)],
        [.. Policies.Keys.Union(other.Policies.Keys).Where(b => Policies.GetValueOrDefault(b) != other.Policies.GetValueOrDefault(b))]);

    /// <summary>The policy of a backend, or the default of its kind.</summary>
    public RevisionPolicy PolicyOf(BackendKey backend) =>
        Policies.TryGetValue(backend, out var policy) ? policy
        : backend.Kind == BackendKind.Revision ? RevisionPolicy.Default : RevisionPolicy.PlainService;

    /// <summary>The rule for a request, or null; never one that is to be matched again. Allocates nothing.</summary>
    /// <param name="host">The Host header: any case, the port is ignored.</param>
    /// <param name="path">The path without its query.</param>
    /// <param name="headers">The request's headers.</param>
    /// <param name="clusterLocal">Whether the client may reach cluster-local rules.</param>
    /// <param name="redirects">Whether the client is sent elsewhere by a rule that redirects: then that rule is the answer.</param>
    public RouteRule? Match<THeaders>(
        ReadOnlySpan<char> host, ReadOnlySpan<byte> path, in THeaders headers, bool clusterLocal = true, bool redirects = false)
        where THeaders : IRequestHeaders, allows ref struct
    {
        var rule = MatchOnce(host, path, headers, clusterLocal);
        var again = rule is { Rematch: true } && !(redirects && rule.RedirectsToHttps);
        return again ? MatchOnce(rule!.RewriteHost, path, headers, clusterLocal: true) is { Rematch: false } target ? target : null : rule;
    }

    /// <summary>The rule for a request, or null; for tests and explanations.</summary>
    public RouteRule? Match(string host, string path, IReadOnlyDictionary<string, string>? headers = null, bool clusterLocal = true, bool redirects = false) =>
        Match(host, Encoding.UTF8.GetBytes(path), new HeaderDictionary(headers), clusterLocal, redirects);

    private RouteRule? MatchOnce<THeaders>(ReadOnlySpan<char> host, ReadOnlySpan<byte> path, in THeaders headers, bool clusterLocal)
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

    private HostRoutes? Find(string host) => host[0] == '*' ? _suffixes.GetValueOrDefault(host[1..]) : _exact.GetValueOrDefault(host);

    private RouteRule? MatchWildcard<THeaders>(ReadOnlySpan<char> host, ReadOnlySpan<byte> path, in THeaders headers, bool clusterLocal)
        where THeaders : IRequestHeaders, allows ref struct
    {
        for (var dot = host.IndexOf('.'); dot >= 0;)
        {
            if (_suffixes.TryGetValue(host[dot..], out var routes))
            {
                return routes.Match(path, headers, clusterLocal);
            }
            var next = host[(dot + 1)..].IndexOf('.');
            dot = next < 0 ? -1 : dot + 1 + next;
        }
        return _suffixes.TryGetValue("", out var any) ? any.Match(path, headers, clusterLocal) : null;
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
