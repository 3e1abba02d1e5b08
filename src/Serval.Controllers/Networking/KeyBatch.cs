using Serval.Kube;

namespace Serval.Controllers.Networking;

/// <summary>
/// Collects changed keys and hands them to one worker, all at once. Many changes of a key while the worker runs are one; there is no timer but for
/// keys that failed, which come again after a delay that grows, and nothing runs while nothing changes.
/// </summary>
/// <param name="time">The clock of the delays.</param>
/// <param name="work">Takes the keys; answers those that failed.</param>
internal sealed class KeyBatch(TimeProvider time, Func<IReadOnlyCollection<FeedKey>, IReadOnlyCollection<FeedKey>> work)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<FeedKey, (int Failures, ITimer Timer)> _failed = []; // guarded by _lock
    private HashSet<FeedKey> _pending = []; // guarded by _lock
    private TaskCompletionSource? _idle; // guarded by _lock
    private bool _running; // guarded by _lock
    private bool _stopped; // guarded by _lock

    internal void Add(FeedKey key)
    {
        lock (_lock)
        {
            if (_stopped || !_pending.Add(key) || _running)
            {
                return;
            }
            _running = true;
        }
        ThreadPool.UnsafeQueueUserWorkItem(static batch => batch.Drain(), this, preferLocal: false);
    }

    /// <summary>Completes when nothing is pending. What failed and waits for its next turn does not count.</summary>
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
            foreach (var (_, timer) in _failed.Values)
            {
                timer.Dispose();
            }
            _failed.Clear();
        }
        return IdleAsync();
    }

    private void Drain()
    {
        while (true)
        {
            HashSet<FeedKey> taken;
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
            var failed = work(taken);
            lock (_lock)
            {
                Settle_NeedsLock(taken, failed);
            }
        }
    }

    private void Settle_NeedsLock(HashSet<FeedKey> taken, IReadOnlyCollection<FeedKey> failed)
    {
        foreach (var key in taken.Except(failed))
        {
            if (_failed.Remove(key, out var known))
            {
                known.Timer.Dispose();
            }
        }
        foreach (var key in _stopped ? [] : failed)
        {
            var failures = 1;
            if (_failed.TryGetValue(key, out var known))
            {
                known.Timer.Dispose();
                failures += known.Failures;
            }
            _failed[key] = (failures, time.CreateTimer(_ => Add(key), null, WorkOutcome.Backoff(failures), Timeout.InfiniteTimeSpan));
        }
    }
}
