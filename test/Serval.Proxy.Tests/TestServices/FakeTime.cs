namespace Serval.Proxy.Tests;

/// <summary>A clock that moves when told; timers fire on the caller's thread.</summary>
public sealed class FakeTime : TimeProvider
{
    private readonly Lock _lock = new();
    private readonly List<FakeTimer> _timers = [];
    private long _ticks = TimeSpan.TicksPerDay;
    private Exception? _fault;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    /// <summary>The next one to ask for the time gets this instead: a defect at whatever it is doing.</summary>
    public void FailOnce(Exception fault) => _fault = fault;

    public override long GetTimestamp() =>
        _fault is not null && Interlocked.Exchange(ref _fault, null) is { } fault ? throw fault : Volatile.Read(ref _ticks);

    public override DateTimeOffset GetUtcNow() => new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new FakeTimer(this, () => callback(state));
        lock (_lock)
        {
            _timers.Add(timer);
        }
        timer.Change(dueTime, period);
        return timer;
    }

    public void Advance(TimeSpan by)
    {
        var end = Volatile.Read(ref _ticks) + by.Ticks;
        while (true)
        {
            FakeTimer? next;
            lock (_lock)
            {
                next = _timers.Where(t => t.Due <= end).MinBy(t => t.Due);
                Volatile.Write(ref _ticks, next is null ? end : Math.Max(_ticks, next.Due));
            }
            if (next is null)
            {
                return;
            }
            next.Fire();
        }
    }

    private sealed class FakeTimer(FakeTime owner, Action callback) : ITimer
    {
        private TimeSpan _period;

        public long Due { get; private set; } = long.MaxValue;

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            lock (owner._lock)
            {
                _period = period;
                Due = dueTime < TimeSpan.Zero ? long.MaxValue : owner._ticks + dueTime.Ticks;
                return true;
            }
        }

        public void Fire()
        {
            lock (owner._lock)
            {
                Due = _period > TimeSpan.Zero ? Due + _period.Ticks : long.MaxValue;
            }
            callback();
        }

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
