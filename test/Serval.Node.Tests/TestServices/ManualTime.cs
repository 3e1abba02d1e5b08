namespace Serval.Node.Tests;

/// <summary>A clock that moves when told; timers fire on the caller of <see cref="Advance"/>.</summary>
internal sealed class ManualTime : TimeProvider
{
    private readonly Lock _lock = new();
    private readonly List<ManualTimer> _timers = [];
    private readonly List<(TimeSpan Time, TaskCompletionSource Found)> _awaited = [];
    private DateTimeOffset _now = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override DateTimeOffset GetUtcNow()
    {
        lock (_lock)
        {
            return _now;
        }
    }

    public override long GetTimestamp() => GetUtcNow().Ticks;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new ManualTimer(this, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    public void Advance(TimeSpan by)
    {
        List<ManualTimer> due;
        lock (_lock)
        {
            _now += by;
            due = [.. _timers.Where(t => t.Due <= _now)];
            _timers.RemoveAll(t => t.Due <= _now);
        }
        due.ForEach(t => t.Fire());
    }

    /// <summary>Advances by a time as soon as something waits for just that long.</summary>
    public async Task AdvanceOnceAsync(TimeSpan by)
    {
        var found = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_lock)
        {
            _awaited.Add((by, found));
            LookForAwaited();
        }
        await found.Task.WaitAsync(TimeSpan.FromSeconds(20));
        Advance(by);
    }

    /// <summary>Whether something waits for just this long.</summary>
    public bool HasTimerIn(TimeSpan time)
    {
        lock (_lock)
        {
            return _timers.Any(t => t.Due == _now + time);
        }
    }

    // Under the lock.
    private void LookForAwaited()
    {
        foreach (var (time, found) in _awaited)
        {
            if (_timers.Any(t => t.Due == _now + time))
            {
                found.TrySetResult();
            }
        }
        _awaited.RemoveAll(a => a.Found.Task.IsCompleted);
    }

    private sealed class ManualTimer(ManualTime owner, TimerCallback callback, object? state) : ITimer
    {
        public DateTimeOffset Due { get; private set; }

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            lock (owner._lock)
            {
                owner._timers.Remove(this);
                if (dueTime >= TimeSpan.Zero)
                {
                    Due = owner._now + dueTime;
                    owner._timers.Add(this);
                    owner.LookForAwaited();
                }
            }
            return true;
        }

        public void Fire() => callback(state);

        public void Dispose()
        {
            lock (owner._lock)
            {
                owner._timers.Remove(this);
            }
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
