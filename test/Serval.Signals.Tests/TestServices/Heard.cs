using System.Threading.Channels;
using Serval.Api;
using Serval.Kube;

namespace Serval.Signals.Tests;

/// <summary>No jitter.</summary>
internal sealed class Calm : Random
{
    public override double NextDouble() => 0;
}

/// <summary>Hears demand as an autoscaler does.</summary>
internal sealed class HeardDemand : IDemandSignal
{
    private readonly Channel<(string Gateway, RevisionDemand[] Demand)> _reports = Channel.CreateUnbounded<(string, RevisionDemand[])>();
    private readonly Lock _lock = new();
    private readonly Dictionary<(string Gateway, ObjectKey Revision), RevisionDemand> _last = []; // guarded by _lock

    public void Report(string gateway, ReadOnlySpan<RevisionDemand> demand)
    {
        lock (_lock)
        {
            foreach (var d in demand)
            {
                _last[(gateway, d.Revision)] = d;
            }
        }
        _reports.Writer.TryWrite((gateway, demand.ToArray()));
    }

    public Task<(string Gateway, RevisionDemand[] Demand)> NextAsync() => _reports.Reader.ReadAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(20));

    /// <summary>In flight and held of a revision at all gateways, as last reported.</summary>
    public int Sum(ObjectKey revision)
    {
        lock (_lock)
        {
            return _last.Where(d => d.Key.Revision == revision).Sum(d => d.Value.InFlight + d.Value.Held);
        }
    }
}
