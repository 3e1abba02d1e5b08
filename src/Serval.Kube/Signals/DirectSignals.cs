namespace Serval.Kube;

/// <summary>The capacity signal inside one process: handlers are called by the publisher.</summary>
public sealed class DirectCapacitySignal : ICapacitySignal
{
    private volatile Action<InstanceCapacity>[] _handlers = []; // replaced whole under _lock
    private readonly Lock _lock = new();

    public void Publish(InstanceCapacity capacity)
    {
        foreach (var handler in _handlers)
        {
            handler(capacity);
        }
    }

    public IDisposable Subscribe(Action<InstanceCapacity> handler)
    {
        lock (_lock)
        {
            _handlers = [.. _handlers, handler];
        }
        return new Subscription(this, handler);
    }

    private sealed class Subscription(DirectCapacitySignal owner, Action<InstanceCapacity> handler) : IDisposable
    {
        public void Dispose()
        {
            lock (owner._lock)
            {
                owner._handlers = [.. owner._handlers.Where(h => h != handler)];
            }
        }
    }
}
