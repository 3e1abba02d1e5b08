using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;

namespace Serval.Kube;

/// <summary>
/// Keys to work on: each at most once in the queue, never two runs of one key at a time, a key that changes during its run runs again.
/// Idle it costs nothing: runs are scheduled on the thread pool, there are no waiting workers. A failed key runs again after
/// <see cref="WorkOutcome.FirstRetry"/>, doubled by each further failure up to <see cref="WorkOutcome.LongestRetry"/>.
/// </summary>
/// <param name="concurrency">How many keys run at a time.</param>
/// <param name="time">The clock of delays.</param>
/// <param name="work">Runs a key. It must not throw: what to tell of a failure is its own business.</param>
public sealed class WorkQueue<TKey>(int concurrency, TimeProvider time, Func<TKey, Task<WorkOutcome>> work) : IAsyncDisposable
    where TKey : notnull
{
    private readonly Lock _lock = new();
    private readonly Queue<TKey> _ready = new(); // guarded by _lock
    private readonly Dictionary<TKey, KeyState> _keys = []; // guarded by _lock; a key is here while queued, running or backing off
    private readonly TaskCompletionSource _drained = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _running; // guarded by _lock
    private bool _stopped; // guarded by _lock

    /// <summary>Number of keys that wait, run or back off.</summary>
    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _keys.Count;
            }
        }
    }

    /// <summary>Runs the key soon; once, however often it is asked for before it runs. From any thread.</summary>
    public void Enqueue(TKey key)
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

    /// <summary>Takes no more keys and waits for running ones.</summary>
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

    private void Queue_NeedsLock(TKey key, KeyState state)
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

    private bool TryTake([MaybeNullWhen(false)] out TKey key)
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

    private void Finish(TKey key, WorkOutcome outcome)
    {
        lock (_lock)
        {
            var state = _keys[key];
            state.Running = false;
            state.Failures = outcome.Failed ? state.Failures + 1 : 0;
            if (_stopped)
            {
                return;
            }
            if (state.Dirty)
            {
                state.Dirty = false;
                state.Timer?.Dispose();
                state.Timer = null;
                Queue_NeedsLock(key, state);
                return;
            }
            var delay = outcome.Failed ? WorkOutcome.Backoff(state.Failures) : outcome.After;
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

    private sealed class KeyState
    {
        public bool Queued;
        public bool Running;
        public bool Dirty;
        public int Failures;
        public ITimer? Timer;
    }
}
