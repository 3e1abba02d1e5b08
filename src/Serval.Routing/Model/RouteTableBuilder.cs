namespace Serval.Routing;

/// <summary>Collects rules and policies into a <see cref="RouteTable"/>.</summary>
public sealed class RouteTableBuilder
{
    private readonly Dictionary<string, List<RouteRule>> _hosts = new(StringComparer.Ordinal);
    private readonly Dictionary<BackendKey, RevisionPolicy> _policies = [];

    /// <summary>Adds rules to a host. Where two rules are equally specific, the one added first wins.</summary>
    /// <param name="host">An exact host, <c>*.suffix</c>, or <c>*</c>; any case, without a port.</param>
    /// <param name="rules">Its rules, in any order.</param>
    public RouteTableBuilder Add(string host, params ReadOnlySpan<RouteRule> rules)
    {
        if (host.Length == 0)
        {
            throw new ArgumentException("A route needs a host: give the host name, or \"*\" for every host.", nameof(host));
        }
        var key = host.ToLowerInvariant().TrimEnd('.');
        if (!_hosts.TryGetValue(key, out var list))
        {
            _hosts[key] = list = [];
        }
        list.AddRange(rules);
        return this;
    }

    /// <summary>Sets how a backend is gated and timed.</summary>
    public RouteTableBuilder SetPolicy(BackendKey backend, RevisionPolicy policy)
    {
        _policies[backend] = policy;
        return this;
    }

    public RouteTable Build(long version) => RouteTable.Empty.With(
        version,
        _hosts.Select(h => KeyValuePair.Create(h.Key, (IReadOnlyList<RouteRule>?)h.Value)),
        _policies.Select(p => KeyValuePair.Create(p.Key, (RevisionPolicy?)p.Value)));
}
