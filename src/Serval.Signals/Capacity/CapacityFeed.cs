using Microsoft.AspNetCore.Http;
using Serval.Kube;

namespace Serval.Signals;

/// <summary>The capacity signal at a node: what is published goes to every gateway that reads. Made before the node starts, so that it misses nothing.</summary>
public sealed class CapacityFeed : ISignalEndpoint, IDisposable
{
    internal static readonly SignalKind<string, InstanceCapacity> Kind = new(
        "/signals/capacity", SignalJson.Default.FrameInstanceCapacity, c => c.PodUid, c => c.State == InstanceState.Gone, c => c with { State = InstanceState.Gone });

    private readonly Feed<string, InstanceCapacity> _feed;
    private readonly IDisposable _subscription;

    public CapacityFeed(ICapacitySignal capacity, TimeProvider time)
    {
        _feed = new Feed<string, InstanceCapacity>(Kind, time);
        _subscription = capacity.Subscribe(c => _feed.Publish([c]));
    }

    public string Path => Kind.Path;

    /// <summary>Whoever has read up to here knows of all that was published.</summary>
    internal long Number => _feed.Number;

    public Task AnswerAsync(HttpContext http) => _feed.ServeAsync(http);

    public void Dispose() => _subscription.Dispose();
}
