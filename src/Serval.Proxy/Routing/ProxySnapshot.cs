using System.Runtime.CompilerServices;
using Serval.Routing;

namespace Serval.Proxy;

/// <summary>A route table and what this proxy compiled for its rules. Immutable; a request reads one and keeps it.</summary>
internal sealed class ProxySnapshot
{
    private readonly HashShards<Known> _rules;

    private ProxySnapshot(RouteTable table, HashShards<Known> rules)
    {
        Table = table;
        _rules = rules;
    }

    public static ProxySnapshot Empty { get; } = new(RouteTable.Empty, new HashShards<Known>());

    public RouteTable Table { get; }

    /// <summary>Compiles a table. What was compiled for hosts that do not change is kept, so the cost is that of the change.</summary>
    public ProxySnapshot With(RouteTable next, Func<BackendKey, Gate> gateOf)
    {
        var change = next.ChangeFrom(Table);
        var hosts = new Dictionary<RouteRule, int>(ReferenceEqualityComparer.Instance); // how many more of them a rule has
        foreach (var rule in change.After.SelectMany(h => h.Rules))
        {
            hosts[rule] = hosts.GetValueOrDefault(rule) + 1;
        }
        foreach (var rule in change.Before.SelectMany(h => h.Rules))
        {
            hosts[rule] = hosts.GetValueOrDefault(rule) - 1;
        }
        return new ProxySnapshot(next, _rules.With(hosts.Select(h =>
        {
            var (rule, known) = (h.Key, Find(h.Key));
            var count = h.Value + known.Hosts;
            Known[] entries = count == 0 ? [] : [new Known(rule, known.Compiled ?? new CompiledRule(rule, gateOf), count)];
            return (RuntimeHelpers.GetHashCode(rule), (Predicate<Known>)(k => k.Rule == rule), entries);
        })));
    }

    public CompiledRule? Match<THeaders>(ReadOnlySpan<char> host, ReadOnlySpan<byte> path, in THeaders headers, bool clusterLocal, bool redirects = false)
        where THeaders : IRequestHeaders, allows ref struct =>
        Table.Match(host, path, headers, clusterLocal, redirects) is { } rule ? Find(rule).Compiled : null;

    private Known Find(RouteRule rule)
    {
        foreach (ref readonly var known in _rules[RuntimeHelpers.GetHashCode(rule)])
        {
            if (known.Rule == rule)
            {
                return known;
            }
        }
        return default;
    }

    /// <summary>A compiled rule and how many hosts have it.</summary>
    private readonly record struct Known(RouteRule Rule, CompiledRule? Compiled, int Hosts);
}
