using Serval.Routing;

namespace Serval.Proxy;

/// <summary>A route table and what this proxy compiled for its rules. Immutable; a request reads one and keeps it.</summary>
internal sealed class ProxySnapshot(RouteTable table, Dictionary<RouteRule, CompiledRule> rules)
{
    public static ProxySnapshot Empty { get; } = new(RouteTable.Empty, new Dictionary<RouteRule, CompiledRule>(ReferenceEqualityComparer.Instance));

    public RouteTable Table => table;

    /// <summary>Compiles a table, keeping what was compiled for rules it has in common with this one.</summary>
    public ProxySnapshot With(RouteTable next, Func<BackendKey, Gate> gateOf)
    {
        var compiled = new Dictionary<RouteRule, CompiledRule>(rules.Count, ReferenceEqualityComparer.Instance);
        foreach (var rule in next.Rules)
        {
            if (!compiled.ContainsKey(rule))
            {
                compiled[rule] = rules.TryGetValue(rule, out var known) && known.Gates.All(g => gateOf(g.Key) == g) ? known : new CompiledRule(rule, gateOf);
            }
        }
        return new ProxySnapshot(next, compiled);
    }

    public CompiledRule? Match<THeaders>(ReadOnlySpan<char> host, ReadOnlySpan<byte> path, in THeaders headers, bool clusterLocal, bool redirects = false)
        where THeaders : IRequestHeaders, allows ref struct =>
        table.Match(host, path, headers, clusterLocal, redirects) is { } rule ? rules[rule] : null;
}
