namespace Serval.Autoscaling;

/// <summary>What one gateway reports of one revision.</summary>
/// <param name="InFlight">Requests at instances now.</param>
/// <param name="Held">Requests waiting for an instance now.</param>
/// <param name="Average">Time-weighted mean of both since the last report.</param>
/// <param name="Requests">Requests that began since the last report.</param>
public readonly record struct DemandSample(int InFlight, int Held, double Average, long Requests)
{
    public bool IsZero => InFlight == 0 && Held == 0 && Average <= 0 && Requests == 0;
}

/// <summary>
/// The demand of one revision, summed over gateways. Each report says the mean since the one before. Between reports the last level is taken
/// to go on; requests per second and weighted loads are those up to the last report. A gateway that falls silent while it had requests counts as gone after
/// <see cref="Silence"/>.
/// </summary>
internal sealed class DemandWindow(TimeSpan length, ScalingMetric metric)
{
    /// <summary>Gateways report each second while there is traffic; two missed reports in a row are silence.</summary>
    internal static readonly TimeSpan Silence = TimeSpan.FromSeconds(3);

    private readonly LoadWindow _window = new(length, shortest: metric == ScalingMetric.RequestsPerSecond ? 1 : 0);
    private readonly List<Source> _sources = []; // few: one a gateway
    private DateTimeOffset _lastDemand = DateTimeOffset.MinValue;
    private DateTimeOffset _lastReport = DateTimeOffset.MinValue;

    /// <summary>Requests in flight and held at the last reports.</summary>
    public int Level { get; private set; }

    /// <summary>Requests held at the last reports.</summary>
    public int Held { get; private set; }

    public void Report(string gateway, in DemandSample sample, DateTimeOffset now)
    {
        Forget(now);
        _lastReport = now;
        var source = _sources.Find(s => s.Gateway == gateway);
        if (source is not null || !sample.IsZero)
        {
            _lastDemand = now;
        }
        if (!sample.IsZero)
        {
            if (Level == 0)
            {
                _window.Begin(now);
            }
        }
        if (source is null)
        {
            if (!sample.IsZero)
            {
                _sources.Add(new Source(gateway, now, sample));
                Add(sample, now, now);
            }
        }
        else
        {
            Add(sample, source.At, now);
            if (sample.IsZero)
            {
                _sources.Remove(source);
            }
            source.At = now;
            source.Last = sample;
        }
        Total();
    }

    /// <summary>Drops gateways that fell silent.</summary>
    public void Forget(DateTimeOffset now)
    {
        if (_sources.RemoveAll(s => now - s.At > Silence) > 0)
        {
            Total();
        }
    }

    /// <summary>Concurrency or requests per second over the last part of the window.</summary>
    public double Average(DateTimeOffset now, TimeSpan over, MetricAggregation aggregation = MetricAggregation.Linear)
    {
        var length = (int)Math.Ceiling(over.TotalSeconds);
        var weighted = aggregation == MetricAggregation.WeightedExponential;
        var isRate = metric == ScalingMetric.RequestsPerSecond;
        var at = (weighted || isRate) && _sources.Count > 0 ? _lastReport : now;
        var opening = weighted ? at.AddSeconds(-1) : _window.Opening(at, length);
        var open = 0d;
        foreach (var source in isRate ? [] : _sources)
        {
            open += source.Level * (at - (source.At > opening ? source.At : opening)).TotalSeconds;
        }
        return weighted ? _window.Weighted(at, length, open, Level) : _window.Average(at, length, open, Level);
    }

    /// <summary>When there last was demand.</summary>
    public DateTimeOffset LastDemand(DateTimeOffset now) => Level > 0 ? now : _lastDemand;

    /// <summary>Whether nothing is remembered and no gateway has anything.</summary>
    public bool IsEmpty(DateTimeOffset now) => Level == 0 && _window.IsEmpty(now);

    private void Add(in DemandSample sample, DateTimeOffset from, DateTimeOffset to)
    {
        if (metric == ScalingMetric.Concurrency)
        {
            _window.Add(from, to, sample.Average);
        }
        else if (to > from)
        {
            _window.Add(from, to, sample.Requests / (to - from).TotalSeconds);
        }
        else
        {
            _window.Count(to, sample.Requests);
        }
    }

    private void Total()
    {
        Level = 0;
        Held = 0;
        foreach (var source in _sources)
        {
            Level += source.Level;
            Held += source.Last.Held;
        }
    }

    private sealed class Source(string gateway, DateTimeOffset at, DemandSample last)
    {
        public string Gateway { get; } = gateway;

        public DateTimeOffset At = at;
        public DemandSample Last = last;

        public int Level => Last.InFlight + Last.Held;
    }
}
