using Serval.Api;
using Serval.Api.Networking;

namespace Serval.Routing.Knative;

/// <summary>
/// Compiled Ingresses, put together to one table. A change costs its own hosts; the others' rules are reused as they are. A host belongs to
/// the oldest Ingress that names it (then by namespace and name). Not thread-safe.
/// </summary>
public sealed class IngressRouteSet
{
    private readonly Dictionary<ObjectKey, CompiledIngress> _ingresses = [];
    private readonly Dictionary<string, List<CompiledIngress>> _claims = new(StringComparer.Ordinal); // winner first
    private readonly Dictionary<BackendKey, (int Count, RevisionPolicy? Policy)> _policies = []; // how many Ingresses lead to a backend
    private readonly HashSet<string> _dirtyHosts = new(StringComparer.Ordinal); // changed since the last table
    private readonly HashSet<BackendKey> _dirtyPolicies = [];
    private RouteTable _table = RouteTable.Empty;

    public IReadOnlyDictionary<ObjectKey, CompiledIngress> Ingresses => _ingresses;

    /// <summary>Adds or replaces an Ingress. Returns the others that gained or lost a host by it.</summary>
    public IReadOnlyCollection<ObjectKey> Set(CompiledIngress ingress)
    {
        var affected = new HashSet<ObjectKey>();
        if (_ingresses.TryGetValue(ingress.Key, out var before))
        {
            Withdraw(before, affected);
        }
        _ingresses[ingress.Key] = ingress;
        CountPolicies(ingress, 1);
        foreach (var host in ingress.Hosts)
        {
            if (!_claims.TryGetValue(host.Host, out var claims))
            {
                _claims[host.Host] = claims = new List<CompiledIngress>(1);
            }
            var index = claims.FindIndex(ingress.Precedes);
            claims.Insert(index < 0 ? claims.Count : index, ingress);
            AddOthers(claims, affected);
            _dirtyHosts.Add(host.Host);
        }
        affected.Remove(ingress.Key);
        return affected;
    }

    /// <summary>Removes an Ingress. Returns the others that gained a host by it.</summary>
    public IReadOnlyCollection<ObjectKey> Remove(ObjectKey key)
    {
        var affected = new HashSet<ObjectKey>();
        if (_ingresses.Remove(key, out var ingress))
        {
            Withdraw(ingress, affected);
        }
        return affected;
    }

    /// <summary>The hosts an Ingress names and does not have.</summary>
    public IReadOnlyList<HostConflict> Conflicts(ObjectKey key)
    {
        if (!_ingresses.TryGetValue(key, out var ingress))
        {
            return [];
        }
        List<HostConflict>? lost = null;
        foreach (var host in ingress.Hosts)
        {
            var winner = _claims[host.Host][0];
            if (winner.Key != key)
            {
                (lost ??= []).Add(new HostConflict(host.Host, winner.Key));
            }
        }
        return lost ?? (IReadOnlyList<HostConflict>)[];
    }

    /// <summary>The table of all winners; costs what changed since the last one.</summary>
    /// <param name="version">Of the table.</param>
    /// <param name="tls">All certificates; null leaves them as they are.</param>
    public RouteTable Build(long version, TlsTable? tls = null)
    {
        _table = _table.With(
            version,
            _dirtyHosts.Select(h => KeyValuePair.Create(h, RulesOf(h))),
            _dirtyPolicies.Select(b => KeyValuePair.Create(b, _policies.TryGetValue(b, out var known) ? known.Policy : null)),
            tls);
        _dirtyHosts.Clear();
        _dirtyPolicies.Clear();
        return _table;
    }

    private IReadOnlyList<RouteRule>? RulesOf(string host)
    {
        if (!_claims.TryGetValue(host, out var claims))
        {
            return null;
        }
        foreach (var compiled in claims[0].Hosts)
        {
            if (compiled.Host == host)
            {
                return compiled.Rules;
            }
        }
        return null;
    }

    private void CountPolicies(CompiledIngress ingress, int change)
    {
        foreach (var (backend, policy) in ingress.Policies)
        {
            var count = (_policies.TryGetValue(backend, out var known) ? known.Count : 0) + change;
            if (count == 0)
            {
                _policies.Remove(backend);
            }
            else
            {
                _policies[backend] = (count, change > 0 ? policy : known.Policy);
            }
            _dirtyPolicies.Add(backend);
        }
    }

    private void Withdraw(CompiledIngress ingress, HashSet<ObjectKey> affected)
    {
        CountPolicies(ingress, -1);
        foreach (var host in ingress.Hosts)
        {
            var claims = _claims[host.Host];
            _dirtyHosts.Add(host.Host);
            claims.RemoveAll(c => c.Key == ingress.Key);
            if (claims.Count == 0)
            {
                _claims.Remove(host.Host);
            }
            AddOthers(claims, affected);
        }
    }

    private static void AddOthers(List<CompiledIngress> claims, HashSet<ObjectKey> affected)
    {
        if (claims.Count > 0)
        {
            affected.UnionWith(claims.Select(c => c.Key));
        }
    }
}
