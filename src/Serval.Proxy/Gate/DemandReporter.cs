using Serval.Routing;

namespace Serval.Proxy;

/// <summary>Pushes demand to the sink: at once when asked, and each second for gates with traffic. Costs nothing while there are none.</summary>
internal sealed class DemandReporter : IDisposable
{
    private static readonly TimeSpan s_period = TimeSpan.FromSeconds(1);
    private readonly IDemandSink? _sink;
    private readonly ITimer _timer;
    private readonly Lock _lock = new();
    private readonly HashSet<Gate> _active = []; // guarded by _lock
    private readonly Lock _reporting = new();
    private BackendDemand[] _batch = new BackendDemand[16]; // guarded by _reporting

    public DemandReporter(IDemandSink? sink, TimeProvider time)
    {
        _sink = sink;
        _timer = time.CreateTimer(static self => ((DemandReporter)self!).Tick(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    public void ReportNow(Gate gate, in BackendDemand demand)
    {
        bool first;
        lock (_lock)
        {
            first = _active.Add(gate) && _active.Count == 1;
        }
        if (first)
        {
            _timer.Change(s_period, s_period);
        }
        if (gate.Key.Kind == BackendKind.Revision)
        {
            // After a batch that may hold an older nothing of this gate.
            lock (_reporting)
            {
                _sink?.Report([demand]);
            }
        }
    }

    public void Dispose() => _timer.Dispose();

    private void Tick()
    {
        lock (_reporting)
        {
            Gate[] gates;
            lock (_lock)
            {
                gates = [.. _active];
            }
            if (_batch.Length < gates.Length)
            {
                _batch = new BackendDemand[gates.Length * 2];
            }
            var count = 0;
            foreach (var gate in gates)
            {
                var report = gate.TakeDemand(out var demand);
                var connected = gate.SweepIdleConnections(); // with traffic, too: after a burst there are more than it needs
                if (!connected && !gate.IsActive)
                {
                    Retire(gate);
                }
                if (report && gate.Key.Kind == BackendKind.Revision)
                {
                    _batch[count++] = demand;
                }
            }
            if (count > 0)
            {
                _sink?.Report(_batch.AsSpan(0, count));
            }
        }
    }

    private void Retire(Gate gate)
    {
        lock (_lock)
        {
            // 1. the tick saw nothing, 2. a request began and pushed, 3. we are here: it stays.
            if (gate.IsActive)
            {
                return;
            }
            _active.Remove(gate);
            if (_active.Count == 0)
            {
                _timer.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            }
        }
    }
}
