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
    private long _generation; // of the tables published; written under _naming
    private int _named; // gates the newest names; guarded by _naming
    private volatile ProxySnapshot _snapshot = ProxySnapshot.Empty;

    public ProxySnapshot Snapshot => _snapshot;

    /// <summary>How many backends are known.</summary>
    public int Count => _gates.Count;

    public void Publish(RouteTable table)
    {
        lock (_naming)
        {
            Volatile.Write(ref _generation, _generation + 1);
            _named = 0;
            var next = _snapshot.With(table, key => Name_NeedsLock(key, table.PolicyOf(key)));
            foreach (var (key, policy) in table.Policies)
            {
                Name_NeedsLock(key, policy).SetPolicy(policy);
            }
            _snapshot = next; // after the policies: no request goes by a new route and an old policy
            RetireUnnamed_NeedsLock();
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

    /// <summary>The proxy stops: all backends are removed.</summary>
    public void Clear()
    {
        foreach (var gate in _gates.Values)
        {
            gate.Remove();
            gate.TryRetire();
        }
    }

    private Gate Name_NeedsLock(BackendKey key, RevisionPolicy policy)
    {
        Debug.Assert(_naming.IsHeldByCurrentThread);
        var gate = GateOf(key, policy);
        if (gate.NamedIn != _generation)
        {
            gate.NamedIn = _generation;
            _named++;
        }
        return gate;
    }

    private void RetireUnnamed_NeedsLock()
    {
        Debug.Assert(_naming.IsHeldByCurrentThread);
        if (_gates.Count == _named)
        {
            return;
        }
        foreach (var (_, gate) in _gates)
        {
            TryRetire(gate);
        }
    }

    private void TryRetire(Gate gate)
    {
        if (gate.NamedIn == Volatile.Read(ref _generation))
        {
            return;
        }
        lock (_naming) // no table is being compiled that is about to name it
        {
            if (gate.NamedIn != _generation && gate.TryRetire())
            {
                _gates.TryRemove(KeyValuePair.Create(gate.Key, gate));
            }
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
