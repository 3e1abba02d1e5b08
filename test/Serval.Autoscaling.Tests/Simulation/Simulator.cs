namespace Serval.Autoscaling.Tests.Simulation;

/// <summary>
/// Runs a revision's autoscaling in simulated time: requests arrive, a gateway holds, forwards and reports, instances start and stop,
/// and a <see cref="RevisionScaler"/> decides. Single-threaded, discrete events, no clock.
/// </summary>
internal sealed class Simulator
{
    private static readonly DateTimeOffset s_epoch = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private readonly Scenario _scenario;
    private readonly Random _random;
    private readonly RevisionScaler _scaler;
    private readonly PriorityQueue<Action, (TimeSpan At, long Order)> _events = new();
    private readonly List<Instance> _instances = [];
    private readonly Queue<TimeSpan> _held = new();
    private readonly List<SimulatedDecision> _decisions = [];
    private readonly List<(TimeSpan, int)> _replicas = [];
    private long _order;
    private TimeSpan _now;
    private int _inFlight;
    private int _finished;
    private TimeSpan _longestHold;
    private TimeSpan _instanceTime;
    private double _integral; // request-seconds since the last report
    private TimeSpan _integralAt;
    private TimeSpan _reportedAt;
    private long _began;
    private bool _reporting;

    private Simulator(Scenario scenario)
    {
        _scenario = scenario;
        _random = new Random(scenario.Seed);
        _scaler = new RevisionScaler(scenario.Spec, scenario.Replicas, s_epoch);
    }

    /// <summary>Runs a scenario to its end.</summary>
    public static SimulationResult Run(Scenario scenario) => new Simulator(scenario).Run();

    private SimulationResult Run()
    {
        for (var i = 0; i < _scenario.Replicas; i++)
        {
            _instances.Add(new Instance { Ready = true });
        }
        _replicas.Add((_now, _scenario.Replicas));
        foreach (var arrival in _scenario.Requests(_random))
        {
            At(arrival, Arrive);
        }
        At(_scenario.ReportEvery, Report);
        At(_scenario.Tick, Tick);
        while (_events.TryDequeue(out var action, out var when) && when.At <= _scenario.Length)
        {
            _now = when.At;
            action();
        }
        _now = _scenario.Length;
        foreach (var instance in _instances)
        {
            _instanceTime += _now - instance.Born;
        }
        return new SimulationResult(_decisions, _replicas, _finished, _longestHold, _held.Count, _instanceTime);
    }

    private void At(TimeSpan when, Action action) => _events.Enqueue(action, (when, _order++));

    private void Arrive()
    {
        Integrate();
        _began++;
        _held.Enqueue(_now);
        Dispatch();
        if (!_reporting)
        {
            Send();
        }
    }

    private void Dispatch()
    {
        while (_held.Count > 0 && Free() is { } instance)
        {
            var since = _held.Dequeue();
            _longestHold = _now - since > _longestHold ? _now - since : _longestHold;
            instance.InFlight++;
            _inFlight++;
            At(_now + _scenario.ServiceTime(_random), () => Finish(instance));
        }
    }

    private Instance? Free() => _instances
        .Where(i => i.Ready && (_scenario.ContainerConcurrency == 0 || i.InFlight < _scenario.ContainerConcurrency))
        .MinBy(i => i.InFlight);

    private void Finish(Instance instance)
    {
        Integrate();
        instance.InFlight--;
        _inFlight--;
        _finished++;
        Dispatch();
    }

    private void Report()
    {
        At(_now + _scenario.ReportEvery, Report);
        if (_reporting)
        {
            Send();
        }
    }

    private void Send()
    {
        Integrate();
        var elapsed = (_now - _reportedAt).TotalSeconds;
        var sample = new DemandSample(_inFlight, _held.Count, _reporting && elapsed > 0 ? _integral / elapsed : 0, _began);
        _reporting = !sample.IsZero;
        _integral = 0;
        _began = 0;
        _reportedAt = _now;
        if (_scaler.Report("gateway", sample, s_epoch + _now))
        {
            Decide();
        }
    }

    private void Tick()
    {
        At(_now + _scenario.Tick, Tick);
        Decide();
    }

    private void Decide()
    {
        var world = new ScaleObservation(_instances.Count(i => i.Ready), _instances.Count, Initialised: true, s_epoch);
        var decision = _scaler.Decide(world, s_epoch + _now);
        _decisions.Add(new SimulatedDecision(_now, decision));
        if (decision.Changes)
        {
            Apply(decision.Replicas!.Value);
        }
    }

    private void Apply(int wanted)
    {
        while (_instances.Count < wanted)
        {
            var instance = new Instance { Born = _now };
            _instances.Add(instance);
            At(_now + _scenario.StartTime, () =>
            {
                instance.Ready = true;
                Dispatch();
            });
        }
        foreach (var victim in _instances.OrderBy(i => i.Ready).ThenBy(i => i.InFlight).Take(_instances.Count - wanted).ToList())
        {
            _instances.Remove(victim);
            _instanceTime += _now - victim.Born;
        }
        _replicas.Add((_now, wanted));
    }

    private void Integrate()
    {
        _integral += (_inFlight + _held.Count) * (_now - _integralAt).TotalSeconds;
        _integralAt = _now;
    }

    private sealed class Instance
    {
        public bool Ready;
        public int InFlight;
        public TimeSpan Born;
    }
}
