namespace Serval.Testing;

/// <summary>A clock that moves when told. Timers fire on the caller of <see cref="Advance"/>, in their order and each at its own time.</summary>
public sealed class ManualTime(DateTimeOffset start) : TimeProvider
{
    private readonly Lock _lock = new();
    private readonly List<ManualTimer> _armed = []; // guarded by _lock
    private readonly List<(TimeSpan Time, TaskCompletionSource Found)> _awaited = []; // guarded by _lock
    private DateTimeOffset _now = start; // guarded by _lock
    private TimeSpan _step; // guarded by _lock
    private Exception? _fault;

    public ManualTime()
        : this(new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero))
    {
    }

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    /// <summary>Timers that will fire some day.</summary>
    public int Armed
    {
        get
        {
            lock (_lock)
            {
                return _armed.Count;
            }
        }
    }

    /// <summary>The next one to ask for a timestamp gets this instead: a defect at whatever it is doing.</summary>
    public void FailOnce(Exception fault) => _fault = fault;

    public override long GetTimestamp() => Interlocked.Exchange(ref _fault, null) is { } fault ? throw fault : Steady.Ticks;

    public override DateTimeOffset GetUtcNow()
    {
        lock (_lock)
        {
            return _now + _step;
        }
    }

    /// <summary>The time without steps of the wall clock.</summary>
    public DateTimeOffset Steady
    {
        get
        {
            lock (_lock)
            {
                return _now;
            }
        }
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new ManualTimer(this, () => callback(state));
        timer.Change(dueTime, period);
        return timer;
    }

    public void Advance(TimeSpan by)
    {
        var end = Steady + by;
        while (Next(end) is { } next)
        {
            next.Fire();
        }
    }

    /// <summary>Moves at once, as a machine that slept: what fires sees the time at the end, and what it then waits for is not due.</summary>
    public void Jump(TimeSpan by)
    {
        lock (_lock)
        {
            _now += by;
        }
        Advance(TimeSpan.Zero);
    }

    /// <summary>Sets the wall clock forward or back; timestamps and timers take no notice.</summary>
    public void StepWallClock(TimeSpan by)
    {
        lock (_lock)
        {
            _step += by;
        }
    }

    /// <summary>Ends as soon as something waits for just that long.</summary>
    public Task WhenAwaitedAsync(TimeSpan time)
    {
        var found = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_lock)
        {
            _awaited.Add((time, found));
            LookForAwaited_NeedsLock();
        }
        return found.Task;
    }

    /// <summary>Advances by a time as soon as something waits for just that long.</summary>
    public async Task AdvanceOnceAsync(TimeSpan by)
    {
        await WhenAwaitedAsync(by).WaitAsync(TimeSpan.FromSeconds(20));
        Advance(by);
    }

    /// <summary>Moves the clock to the next timer due by then, armed again if it has a period; without one moves it to the end.</summary>
    private ManualTimer? Next(DateTimeOffset end)
    {
        lock (_lock)
        {
            var next = _armed.Where(t => t.Due <= end).MinBy(t => t.Due);
            var reached = next?.Due ?? end;
            _now = reached > _now ? reached : _now;
            next?.Arm_NeedsLock(next.Period > TimeSpan.Zero ? next.Period : Timeout.InfiniteTimeSpan);
            return next;
        }
    }

    private void LookForAwaited_NeedsLock() =>
        _awaited.RemoveAll(a => _armed.Exists(t => t.Due == _now + a.Time) && a.Found.TrySetResult());

    private sealed class ManualTimer(ManualTime time, Action fire) : ITimer
    {
        public DateTimeOffset Due { get; private set; }

        public TimeSpan Period { get; private set; }

        public void Fire() => fire();

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            lock (time._lock)
            {
                Period = period;
                Arm_NeedsLock(dueTime);
                return true;
            }
        }

        public void Arm_NeedsLock(TimeSpan dueTime)
        {
            time._armed.Remove(this);
            if (dueTime >= TimeSpan.Zero)
            {
                Due = time._now + dueTime;
                time._armed.Add(this);
                time.LookForAwaited_NeedsLock();
            }
        }

        public void Dispose() => Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
