using Serval.Routing;

namespace Serval.Proxy;

/// <summary>Integrates one backend's concurrency over time. Owned by its gate's lock.</summary>
internal sealed class DemandMeter(BackendKey backend, TimeProvider time)
{
    private static readonly TimeSpan s_betweenPushes = TimeSpan.FromMilliseconds(100);
    private double _area;
    private long _changed = time.GetTimestamp();
    private long _reported = time.GetTimestamp();
    private long _requests;
    private bool _active;

    /// <summary>Call before in flight or held changes.</summary>
    public void Account(int concurrency, long now)
    {
        _area += (double)concurrency * (now - _changed);
        _changed = now;
    }

    /// <summary>A request began: whether that must be reported at once.</summary>
    public bool Began()
    {
        _requests++;
        var first = !_active;
        _active = true;
        return first;
    }

    /// <summary>The first request is held: whether that must be reported at once.</summary>
    public bool FirstHeld(bool nothingReady, long now) => nothingReady || time.GetElapsedTime(_reported, now) >= s_betweenPushes;

    public BackendDemand Take(int inFlight, int held, long now)
    {
        Account(inFlight + held, now);
        var span = now - _reported;
        var demand = new BackendDemand(backend, inFlight, held, span <= 0 ? inFlight + held : _area / span, _requests);
        _active = inFlight + held > 0 || _requests > 0;
        (_area, _requests, _reported) = (0, 0, now);
        return demand;
    }

    /// <summary>Whether the last report was one of nothing.</summary>
    public bool IsActive => _active;
}
