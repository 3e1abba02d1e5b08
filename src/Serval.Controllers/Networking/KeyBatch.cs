using Serval.Api;

namespace Serval.Controllers.Networking;

/// <summary>What changed about a key.</summary>
internal enum FeedSource
{
    Ingress,

    /// <summary>A Service, ServerlessService or Revision that Ingresses may name.</summary>
    Target,

    /// <summary>The endpoints of a Service.</summary>
    Endpoints,
}

/// <summary>
/// Collects changed keys and hands them to one worker, all at once. Many changes of a key while the worker runs are one; there is no timer,
/// and nothing runs while nothing changes.
/// </summary>
internal sealed class KeyBatch(Action<IReadOnlyCollection<(FeedSource Source, ObjectKey Key)>> work)
{
    private readonly Lock _lock = new();
    private HashSet<(FeedSource, ObjectKey)> _pending = []; // guarded by _lock
    private TaskCompletionSource? _idle; // guarded by _lock
    private bool _running; // guarded by _lock
    private bool _stopped; // guarded by _lock

    internal void Add(FeedSource source, ObjectKey key)
    {
        lock (_lock)
        {
            if (_stopped || !_pending.Add((source, key)) || _running)
            {
                return;
            }
            _running = true;
        }
        ThreadPool.UnsafeQueueUserWorkItem(static batch => batch.Drain(), this, preferLocal: false);
    }

    /// <summary>Completes when nothing is pending.</summary>
    internal Task IdleAsync()
    {
        lock (_lock)
        {
            return _running ? (_idle ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task : Task.CompletedTask;
        }
    }

    /// <summary>Takes no more keys and waits for the worker.</summary>
    internal Task StopAsync()
    {
        lock (_lock)
        {
            _stopped = true;
            _pending.Clear();
        }
        return IdleAsync();
    }

    private void Drain()
    {
        while (true)
        {
            HashSet<(FeedSource, ObjectKey)> taken;
            lock (_lock)
            {
                if (_pending.Count == 0)
                {
                    _running = false;
                    _idle?.TrySetResult();
                    _idle = null;
                    return;
                }
                taken = _pending;
                _pending = [];
            }
            work(taken);
        }
    }
}
