using Serval.Routing;

namespace Serval.Proxy;

/// <summary>The gate's instances: where they come from and when they are done.</summary>
internal sealed partial class Gate
{
    public void SetPolicy(RevisionPolicy policy)
    {
        if (_policy == policy)
        {
            return;
        }
        lock (_lock)
        {
            _policy = policy;
            Drain(_services.Time.GetTimestamp());
        }
    }

    /// <summary>The share of the slots has changed: who waits may have one now.</summary>
    public void TakeShare()
    {
        lock (_lock)
        {
            Drain(_services.Time.GetTimestamp());
        }
    }

    /// <summary>False when the gate is retired.</summary>
    public bool SetLevel(EndpointsSnapshot endpoints)
    {
        lock (_lock)
        {
            if (_retired)
            {
                return false;
            }
            (_exists, _removed) = (true, false);
            var now = _services.Time.GetTimestamp();
            Apply(_merge.SetLevel(endpoints, Elapsed(now)), now);
            return true;
        }
    }

    /// <summary>False when the gate is retired.</summary>
    public bool SetInstance(BackendEndpoint endpoint)
    {
        lock (_lock)
        {
            if (_retired)
            {
                return false;
            }
            var now = _services.Time.GetTimestamp();
            Apply(_merge.SetInstance(endpoint, Elapsed(now)), now);
            return true;
        }
    }

    /// <summary>The backend is deleted, or no route leads to it any more: nothing is ready, those who wait are told.</summary>
    public void Remove()
    {
        lock (_lock)
        {
            (_exists, _removed) = (false, Key.Kind == BackendKind.Revision);
            var now = _services.Time.GetTimestamp();
            if (Key.Kind == BackendKind.Service)
            {
                _merge = new EndpointMerge(); // a route may come back to the same pods
            }
            else
            {
                foreach (var endpoint in _merge.SetLevel(EndpointsSnapshot.Empty, Elapsed(now)).Endpoints)
                {
                    _merge.SetInstance(endpoint with { State = EndpointState.Gone }, Elapsed(now));
                }
            }
            Apply(_merge.Current, now);
            _meter.Account(_inFlight + _queue.Count, now);
            while (_queue.First is { } first)
            {
                _queue.RemoveFirst();
                first.Value.Settle(new Admission(null, RequestOutcome.BackendRemoved));
            }
        }
    }

    /// <summary>Ends a gate which nothing is behind or before any more: nobody waits here again. False when there is something.</summary>
    public bool TryRetire()
    {
        lock (_lock)
        {
            if (_exists || _inFlight > 0 || _queue.Count > 0 || _instances.Count > 0)
            {
                return false;
            }
            _retired = true;
            _retry?.Dispose();
            return true;
        }
    }

    public int InFlightOf(string instanceId)
    {
        lock (_lock)
        {
            return _instances.TryGetValue(instanceId, out var instance) ? instance.InFlight : 0;
        }
    }

    public Task WhenIdle(string instanceId, bool upgradedToo)
    {
        lock (_lock)
        {
            if (!_instances.TryGetValue(instanceId, out var instance) || instance.IsIdle(upgradedToo))
            {
                return Task.CompletedTask;
            }
            var idle = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            (instance.IdleWaiters ??= []).Add((idle, upgradedToo));
            return idle.Task;
        }
    }

    /// <summary>Closes connections that were unused too long; whether there are others.</summary>
    public bool SweepIdleConnections()
    {
        Instance[] instances;
        lock (_lock)
        {
            instances = [.. _instances.Values];
        }
        var left = false;
        foreach (var instance in instances)
        {
            left |= instance.Pool.Sweep();
        }
        return left;
    }

    private TimeSpan Elapsed(long timestamp) => _services.Time.GetElapsedTime(0, timestamp);

    private void Apply(EndpointsSnapshot snapshot, long now)
    {
        var ready = new List<Instance>(snapshot.Endpoints.Length);
        var named = new HashSet<string>(StringComparer.Ordinal);
        foreach (var endpoint in snapshot.Endpoints)
        {
            named.Add(endpoint.InstanceId);
            if (!_instances.TryGetValue(endpoint.InstanceId, out var instance) || !instance.Is(endpoint))
            {
                instance?.Pool.Close();
                _instances[endpoint.InstanceId] = instance = new Instance(endpoint, _services.NewPool(endpoint));
            }
            if (endpoint.State != EndpointState.Ready && instance.State == EndpointState.Ready)
            {
                instance.Pool.CloseIdle();
            }
            instance.State = endpoint.State;
            if (endpoint.State == EndpointState.Ready)
            {
                ready.Add(instance);
            }
        }
        foreach (var (id, instance) in _instances)
        {
            if (!named.Contains(id))
            {
                instance.State = EndpointState.Gone;
                instance.Pool.Close();
                if (instance.InFlight == 0)
                {
                    _instances.Remove(id);
                }
            }
        }
        _ready = [.. ready];
        Drain(now);
    }

    private void OnIdle(Instance instance)
    {
        instance.IdleWaiters?.RemoveAll(w => instance.IsIdle(w.UpgradedToo) && w.Idle.TrySetResult());
        if (instance.InFlight == 0 && instance.State == EndpointState.Gone && _instances.TryGetValue(instance.Id, out var current) && current == instance)
        {
            _instances.Remove(instance.Id);
        }
    }
}
