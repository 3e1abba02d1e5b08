using System.Collections.Concurrent;
using System.Diagnostics;
using Serval.Routing;

namespace Serval.Proxy;

/// <summary>
/// Holds the current snapshot of the routes, and every backend's gate. A gate is kept while routes or policies name its backend, while a feed
/// says that the backend exists, and while it has instances or requests. Then it is retired: who still has it is refused, who looks for the
/// backend gets a new one.
/// </summary>
internal sealed class RoutingState(GateServices services)
{
    private readonly ConcurrentDictionary<BackendKey, Gate> _gates = new();
    private readonly Lock _naming = new();
    private readonly HashSet<Gate> _unnamed = []; // neither named nor there, and yet they could not be retired; guarded by _naming
    private volatile ProxySnapshot _snapshot = ProxySnapshot.Empty;

    public ProxySnapshot Snapshot => _snapshot;

    /// <summary>How many backends are known.</summary>
    public int Count => _gates.Count;

    /// <summary>Costs what differs from the table before, where this one was made of that.</summary>
    public void Publish(RouteTable table)
    {
        lock (_naming)
        {
            var (before, change) = (_snapshot.Table, table.ChangeFrom(_snapshot.Table));
            var next = _snapshot.With(table, key => GateOf(key, table.PolicyOf(key)));
            foreach (var key in change.Policies)
            {
                if (table.Policies.TryGetValue(key, out var policy))
                {
                    GateOf(key, policy).SetPolicy(policy);
                }
            }
            _snapshot = next; // after the policies: no request goes by a new route and an old policy
            foreach (var key in Named(table, change.After, change.Policies))
            {
                GateOf(key).Names++;
            }
            foreach (var key in Named(before, change.Before, change.Policies))
            {
                if (--_gates[key].Names == 0)
                {
                    _unnamed.Add(_gates[key]);
                }
            }
            foreach (var gate in _unnamed.ToArray())
            {
                TryRetire_NeedsLock(gate);
            }
        }
    }

    public void Set(BackendKey backend, EndpointsSnapshot endpoints)
    {
        var gate = GateOf(backend);
        while (!gate.SetLevel(endpoints))
        {
            gate = Successor(gate);
        }
    }

    public void SetInstance(BackendKey backend, BackendEndpoint endpoint)
    {
        var gone = endpoint.State == EndpointState.Gone;
        if (gone && !_gates.ContainsKey(backend))
        {
            return; // the last of a backend that was removed
        }
        var gate = GateOf(backend);
        while (!gate.SetInstance(endpoint))
        {
            gate = Successor(gate);
        }
        if (gone)
        {
            TryRetire(gate);
        }
    }

    public void Remove(BackendKey backend)
    {
        if (_gates.TryGetValue(backend, out var gate))
        {
            gate.Remove();
            TryRetire(gate);
        }
    }

    public Gate? Find(BackendKey backend) => _gates.GetValueOrDefault(backend);

    /// <summary>This gateway's rank among those that share the instances' slots.</summary>
    public void ShareSlots(int rank, int count)
    {
        if (services.Share.Set(rank, count))
        {
            foreach (var gate in _gates.Values)
            {
                gate.TakeShare();
            }
        }
    }

    /// <summary>The proxy stops: all backends are removed.</summary>
    public void Clear()
    {
        foreach (var gate in _gates.Values)
        {
            gate.Remove();
            gate.TryRetire();
        }
    }

    /// <summary>Backends that hosts and policies of a table name, as often as they do.</summary>
    private static IEnumerable<BackendKey> Named(RouteTable table, IEnumerable<HostRoutes> hosts, IEnumerable<BackendKey> policies) =>
        hosts.SelectMany(h => h.Rules).SelectMany(r => r.Backends).Where(b => b.Weight > 0).Select(b => b.Backend).Concat(policies.Where(table.Policies.ContainsKey));

    private void TryRetire(Gate gate)
    {
        if (gate.Names > 0)
        {
            return;
        }
        lock (_naming) // no table is being compiled that is about to name it
        {
            TryRetire_NeedsLock(gate);
        }
    }

    private void TryRetire_NeedsLock(Gate gate)
    {
        Debug.Assert(_naming.IsHeldByCurrentThread);
        if (gate.Names > 0)
        {
            _unnamed.Remove(gate);
        }
        else if (gate.TryRetire())
        {
            _gates.TryRemove(KeyValuePair.Create(gate.Key, gate));
            _unnamed.Remove(gate);
        }
        else if (gate.Exists)
        {
            _unnamed.Remove(gate); // Remove will come back to it
        }
        else
        {
            _unnamed.Add(gate);
        }
    }

    /// <summary>A gate was retired between being found and being told something.</summary>
    private Gate Successor(Gate retired)
    {
        _gates.TryRemove(KeyValuePair.Create(retired.Key, retired));
        return GateOf(retired.Key);
    }

    private Gate GateOf(BackendKey key) => GateOf(key, _snapshot.Table.PolicyOf(key));

    private Gate GateOf(BackendKey key, RevisionPolicy policy) =>
        _gates.TryGetValue(key, out var gate) ? gate : _gates.GetOrAdd(key, static (k, state) => new Gate(k, state.policy, state.services), (policy, services));
}
