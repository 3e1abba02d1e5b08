using Microsoft.Extensions.Logging;
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

    public CapacityReader(PeerDirectory peers, SignalClient client, ICapacitySignal capacity, TimeProvider time, Random random, ILogger<CapacityReader> logger)
    {
        _time = time;
        _listener = new Listener(capacity);
        _reader = new FeedReader<string, InstanceCapacity>(PeerRole.Node, CapacityFeed.Kind, _listener, peers, client, time, random, logger);
    }

    public ValueTask DisposeAsync() => _reader.DisposeAsync();

    /// <summary>Ends when all is published that a node had told up to a number, or when the node is out of reach.</summary>
    internal async Task WhenReachedAsync(string node, long number, CancellationToken ct)
    {
        try
        {
            await _listener.WhenReached(node, number).WaitAsync(LineStream.Silence, _time, ct);
        }
        catch (TimeoutException)
        {
            // It is as good as lost.
        }
    }

    private sealed class Listener(ICapacitySignal capacity) : IFeedListener<InstanceCapacity>
    {
        private readonly Lock _lock = new();
        private readonly Dictionary<string, long> _reached = new(StringComparer.Ordinal); // guarded by _lock; by node
        private readonly List<(string Node, long Number, TaskCompletionSource Reached)> _awaited = []; // guarded by _lock

        public void Take(string peer, long number, IReadOnlyList<InstanceCapacity> items)
        {
            foreach (var item in items)
            {
                capacity.Publish(item);
            }
            lock (_lock)
            {
                _reached[peer] = number;
                _awaited.RemoveAll(a => a.Node == peer && (a.Reached.Task.IsCompleted || (a.Number <= number && a.Reached.TrySetResult())));
            }
        }

        public void Lost(string peer, IReadOnlyList<InstanceCapacity> last)
        {
            lock (_lock)
            {
                _reached.Remove(peer);
                _awaited.RemoveAll(a => a.Node == peer && (a.Reached.Task.IsCompleted || a.Reached.TrySetResult()));
            }
        }

        public Task WhenReached(string node, long number)
        {
            lock (_lock)
            {
                if (_reached.TryGetValue(node, out var reached) && reached >= number)
                {
                    return Task.CompletedTask;
                }
                var awaited = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                _awaited.Add((node, number, awaited));
                return awaited.Task;
            }
        }
    }
}
