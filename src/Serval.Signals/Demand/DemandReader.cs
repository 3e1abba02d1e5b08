using Microsoft.Extensions.Logging;
using Serval.Api;
using Serval.Kube;

namespace Serval.Signals;

/// <summary>The demand of every live gateway, for the autoscaler. That of one which has fallen silent is nothing.</summary>
public sealed class DemandReader(PeerDirectory peers, SignalClient client, IDemandSignal demand, TimeProvider time, Random random, ILogger<DemandReader> logger) : IAsyncDisposable
{
    private readonly FeedReader<ObjectKey, RevisionDemand> _reader =
        new(PeerRole.Gateway, DemandFeed.Kind, new Listener(demand), peers, client, time, random, logger);

    public ValueTask DisposeAsync() => _reader.DisposeAsync();

    private sealed class Listener(IDemandSignal demand) : IFeedListener<RevisionDemand>
    {
        public void Take(string peer, long number, IReadOnlyList<RevisionDemand> items) => demand.Report(peer, [.. items]);

        public void Lost(string peer, IReadOnlyList<RevisionDemand> last) => demand.Report(peer, [.. last.Select(DemandFeed.Kind.End)]);
    }
}
