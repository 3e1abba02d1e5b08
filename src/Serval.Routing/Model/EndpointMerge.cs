using System.Collections.Immutable;

namespace Serval.Routing;

/// <summary>
/// Merges the two sources of one backend's endpoints. The rules:
/// <list type="number">
/// <item>A signal wins over the level for its instance until the level names that instance in the signal's state.</item>
/// <item>Gone is final: no level and no later signal brings an instance id back.</item>
/// <item>A Ready or Draining signal the level does not confirm in <see cref="SignalLife"/> is dropped: it was about something the level knows
/// better by now.</item>
/// </list>
/// So a stale slice neither brings back a gone instance nor hides a new one, and a lost signal is repaired. Time is an argument; the owner serialises calls.
/// </summary>
public sealed class EndpointMerge
{
    /// <summary>How many gone ids to remember beyond those the level still names.</summary>
    private const int RememberedGone = 64;

    private readonly Dictionary<string, Signal> _signals = new(StringComparer.Ordinal);
    private readonly HashSet<string> _gone = new(StringComparer.Ordinal);
    private readonly Queue<string> _goneOrder = new();
    private ImmutableArray<BackendEndpoint> _level = [];

    /// <summary>How long an unconfirmed signal counts.</summary>
    public static TimeSpan SignalLife { get; } = TimeSpan.FromSeconds(60);

    /// <summary>Whether there are signals that time may drop: <see cref="Expire"/> wants to be called.</summary>
    public bool HasUnconfirmed => _signals.Count > 0;

    /// <summary>The merged truth.</summary>
    public EndpointsSnapshot Current { get; private set; } = EndpointsSnapshot.Empty;

    /// <summary>Takes the level truth.</summary>
    public EndpointsSnapshot SetLevel(EndpointsSnapshot level, TimeSpan now)
    {
        _level = level.Endpoints;
        foreach (var endpoint in _level)
        {
            if (endpoint.State == EndpointState.Gone)
            {
                AddGone(endpoint.InstanceId);
            }
            else if (_signals.TryGetValue(endpoint.InstanceId, out var signal) && signal.Endpoint.State == endpoint.State)
            {
                _signals.Remove(endpoint.InstanceId);
            }
        }
        return Expire(now);
    }

    /// <summary>Takes a signal.</summary>
    public EndpointsSnapshot SetInstance(BackendEndpoint endpoint, TimeSpan now)
    {
        if (endpoint.State == EndpointState.Gone)
        {
            AddGone(endpoint.InstanceId);
        }
        else if (!_gone.Contains(endpoint.InstanceId))
        {
            _signals[endpoint.InstanceId] = new Signal(endpoint, now);
        }
        return Expire(now);
    }

    /// <summary>Drops signals that outlived <see cref="SignalLife"/>.</summary>
    public EndpointsSnapshot Expire(TimeSpan now)
    {
        foreach (var (id, signal) in _signals)
        {
            if (now - signal.At >= SignalLife)
            {
                _signals.Remove(id);
            }
        }
        return Current = Merge();
    }

    private void AddGone(string id)
    {
        _signals.Remove(id);
        if (!_gone.Add(id))
        {
            return;
        }
        _goneOrder.Enqueue(id);
        for (var i = _goneOrder.Count; i > 0 && _goneOrder.Count > RememberedGone; i--)
        {
            var oldest = _goneOrder.Dequeue();
            if (_level.Any(e => e.InstanceId == oldest))
            {
                _goneOrder.Enqueue(oldest);
            }
            else
            {
                _gone.Remove(oldest);
            }
        }
    }

    private EndpointsSnapshot Merge()
    {
        var merged = ImmutableArray.CreateBuilder<BackendEndpoint>(_level.Length + _signals.Count);
        var named = new HashSet<string>(StringComparer.Ordinal);
        foreach (var endpoint in _level)
        {
            if (!_gone.Contains(endpoint.InstanceId) && named.Add(endpoint.InstanceId))
            {
                merged.Add(_signals.TryGetValue(endpoint.InstanceId, out var signal) ? signal.Endpoint : endpoint);
            }
        }
        foreach (var (id, signal) in _signals)
        {
            if (named.Add(id))
            {
                merged.Add(signal.Endpoint);
            }
        }
        return new EndpointsSnapshot(merged.ToImmutable());
    }

    private readonly record struct Signal(BackendEndpoint Endpoint, TimeSpan At);
}
