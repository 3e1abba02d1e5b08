using System.Diagnostics;
using Serval.Api;

namespace Serval.Kube;

/// <summary>
/// Keys to work on: each at most once in the queue, never two runs of one key at a time, a key that changes during its run runs again.
/// Idle it costs nothing: runs are scheduled on the thread pool, there are no waiting workers.
/// </summary>
internal sealed class WorkQueue(int concurrency, TimeProvider time, Func<ObjectKey, Task<WorkQueue.Next>> work) : IAsyncDisposable
{
    /// <summary>First delay after a failure; doubled by each further one.</summary>
    internal static readonly TimeSpan FirstRetry = TimeSpan.FromMilliseconds(5);

    /// <summary>Longest delay between retries of a key.</summary>
    internal static readonly TimeSpan LongestRetry = TimeSpan.FromSeconds(30);

    private readonly Lock _lock = new();
    private readonly Queue<ObjectKey> _ready = new(); // guarded by _lock
    private readonly Dictionary<ObjectKey, KeyState> _keys = []; // guarded by _lock; a key is here while queued, running or backing off
    private readonly TaskCompletionSource _drained = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _running; // guarded by _lock
    private bool _stopped; // guarded by _lock

    /// <summary>What a run ended with.</summary>
    internal readonly record struct Next(bool Failed, bool Immediately = false, TimeSpan? After = null);

    /// <summary>Number of keys that wait, run or back off.</summary>
    internal int Count
    {
        get
        {
            lock (_lock)
            {
                return _keys.Count;
            }
        }
    }

    internal void Enqueue(ObjectKey key)
    {
        lock (_lock)
        {
            if (_stopped)
            {
                return;
            }
            if (_keys.TryGetValue(key, out var state))
            {
                if (state.Running)
                {
                    state.Dirty = true;
                    return;
                }
                if (state.Queued)
                {
                    return;
                }
            }
            else
            {
                _keys[key] = state = new KeyState();
            }
            Queue_NeedsLock(key, state);
        }
    }

    public async ValueTask DisposeAsync()
    {
        lock (_lock)
        {
            _stopped = true;
            foreach (var state in _keys.Values)
            {
                state.Timer?.Dispose();
            }
            if (_running == 0)
            {
                _drained.TrySetResult();
            }
        }
        await _drained.Task;
    }

    private void Queue_NeedsLock(ObjectKey key, KeyState state)
    {
        Debug.Assert(_lock.IsHeldByCurrentThread);
        state.Queued = true;
        _ready.Enqueue(key);
        if (_running < concurrency)
        {
            _running++;
            ThreadPool.UnsafeQueueUserWorkItem(static queue => _ = queue.DrainAsync(), this, preferLocal: false);
        }
    }

    private async Task DrainAsync()
    {
        while (TryTake(out var key))
        {
            Finish(key, await work(key));
        }
    }

    private bool TryTake(out ObjectKey key)
    {
        lock (_lock)
        {
            if (_stopped || !_ready.TryDequeue(out key))
            {
                key = default;
                if (--_running == 0 && _stopped)
                {
                    _drained.TrySetResult();
                }
                return false;
            }
            var state = _keys[key];
            state.Queued = false;
            state.Running = true;
            return true;
        }
    }

    private void Finish(ObjectKey key, Next next)
    {
        lock (_lock)
        {
            var state = _keys[key];
            state.Running = false;
            state.Failures = next.Failed ? state.Failures + 1 : 0;
            if (_stopped)
            {
                return;
            }
            if (state.Dirty || next.Immediately)
            {
                state.Dirty = false;
                state.Timer?.Dispose();
                state.Timer = null;
                Queue_NeedsLock(key, state);
                return;
            }
            var delay = next.Failed ? Backoff(state.Failures) : next.After;
            state.Timer?.Dispose();
            state.Timer = null;
            if (delay is null)
            {
                _keys.Remove(key);
                return;
            }
            state.Timer = time.CreateTimer(_ => Enqueue(key), null, delay.Value, Timeout.InfiniteTimeSpan);
        }
    }

    private static TimeSpan Backoff(int failures)
    {
        var delay = FirstRetry * Math.Pow(2, Math.Min(failures - 1, 20));
        return delay < LongestRetry ? delay : LongestRetry;
    }

    private sealed class KeyState
    {
        public bool Queued;
        public bool Running;
        public bool Dirty;
        public int Failures;
        public ITimer? Timer;
    }
}
