using Microsoft.Extensions.Logging;
using Serval.Api.Core;
using Serval.Kube;

namespace Serval.Signals;

/// <summary>
/// The capacity of every live node, for a gateway. What a node had said stays when it is lost: EndpointSlices tell, later, what became of it.
/// </summary>
public sealed class CapacityReader : IAsyncDisposable
{
    private readonly Listener _listener;
    private readonly FeedReader<string, InstanceCapacity> _reader;
    private readonly TimeProvider _time;

    public CapacityReader(PeerDirectory peers, SignalClient client, ICapacitySignal capacity, IObjectCache pods, TimeProvider time, Random random, ILogger<CapacityReader> logger)
    {
        _time = time;
        _listener = new Listener(capacity, pods);
        _reader = new FeedReader<string, InstanceCapacity>(PeerRole.Node, CapacityFeed.Kind, _listener, peers, client, time, random, logger);
    }

    public ValueTask DisposeAsync() => _reader.DisposeAsync();

    /// <summary>Ends when all is published that a node had told up to a number, or when the node is out of reach.</summary>
    internal Task WhenReachedAsync(string node, long number, CancellationToken ct) => _listener.WhenReachedAsync(node, number, _time, ct);

    private sealed class Listener(ICapacitySignal capacity, IObjectCache pods) : IFeedListener<InstanceCapacity>
    {
        private readonly Lock _lock = new();
        private readonly Dictionary<string, long> _reached = new(StringComparer.Ordinal); // guarded by _lock; by node
        private readonly List<(string Node, long Number, TaskCompletionSource Reached)> _awaited = []; // guarded by _lock

        public void Take(string peer, long number, IReadOnlyList<InstanceCapacity> items)
        {
            foreach (var item in items.Where(i => !IsAnothers(peer, i)))
            {
                capacity.Publish(item);
            }
            lock (_lock)
            {
                _reached[peer] = number;
                _awaited.RemoveAll(a => a.Node == peer && a.Number <= number && a.Reached.TrySetResult());
            }
        }

        public void Lost(string peer, IReadOnlyList<InstanceCapacity> last)
        {
            lock (_lock)
            {
                _reached.Remove(peer);
                _awaited.RemoveAll(a => a.Node == peer && a.Reached.TrySetResult());
            }
        }

        public async Task WhenReachedAsync(string node, long number, TimeProvider time, CancellationToken ct)
        {
            var awaited = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            lock (_lock)
            {
                if (_reached.TryGetValue(node, out var reached) && reached >= number)
                {
                    return;
                }
                _awaited.Add((node, number, awaited));
            }
            try
            {
                await awaited.Task.WaitAsync(LineStream.Silence, time, ct);
            }
            catch (TimeoutException)
            {
                // It is as good as lost.
            }
            finally
            {
                lock (_lock)
                {
                    _awaited.RemoveAll(a => a.Reached == awaited);
                }
            }
        }

        /// <summary>A node is not believed about a pod of which it is known that it runs on another.</summary>
        private bool IsAnothers(string node, InstanceCapacity item) =>
            pods.Get(item.Pod) is { } pod && pod.Metadata.Uid == item.PodUid && pod.As<Pod>().Spec.NodeName is { Length: > 0 } its && its != node;
    }
}
