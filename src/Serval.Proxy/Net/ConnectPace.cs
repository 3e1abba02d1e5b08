using System.Diagnostics;

namespace Serval.Proxy;

/// <summary>
/// How fast new connections to one instance are opened. Hundreds of held requests are released in one moment, and a program that has just
/// started accepts them one by one: past its listen backlog the kernel drops them and tries again after 1, 3, 7 … seconds. So only
/// <see cref="Free"/> connections may be without an answer at a time; each first byte lets the next one go. A program that is slow to answer
/// gets more all the same: some each <see cref="Tick"/>, and after <see cref="PatientTicks"/> without any answer twice as many each time.
/// </summary>
internal sealed class ConnectPace(TimeProvider time)
{
    /// <summary>Small listen backlogs are about as long (busybox httpd: 9).</summary>
    internal const int Free = 8;
    internal const int PatientTicks = 5;
    private const int PerTick = 2;
    private const int MostPerTick = 1024;

    internal static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(10);

    private readonly Lock _lock = new();
    private readonly Queue<TaskCompletionSource> _waiting = new(); // guarded by _lock
    private ITimer? _timer; // guarded by _lock
    private int _young; // guarded by _lock
    private bool _closed; // guarded by _lock
    private int _ticks; // guarded by _lock; since the last answer

    /// <summary>Completes when a connection may be opened; <see cref="Leave"/> once for each.</summary>
    internal Task EnterAsync()
    {
        lock (_lock)
        {
            if (_closed || (_young < Free && _waiting.Count == 0))
            {
                _young++;
                return Task.CompletedTask;
            }
            var waiter = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _waiting.Enqueue(waiter);
            if (_waiting.Count == 1)
            {
                _ticks = 0;
                _timer ??= time.CreateTimer(static self => ((ConnectPace)self!).OnTick(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
                _timer.Change(Tick, Tick);
            }
            return waiter.Task;
        }
    }

    /// <summary>The connection got its first byte, or came to nothing.</summary>
    internal void Leave()
    {
        TaskCompletionSource? next;
        lock (_lock)
        {
            _young--;
            Debug.Assert(_young >= 0);
            _ticks = 0;
            next = _young < Free ? Dequeue_NeedsLock() : null;
        }
        next?.SetResult();
    }

    /// <summary>The instance goes away: nobody waits any longer.</summary>
    internal void Close()
    {
        lock (_lock)
        {
            _closed = true;
            _timer?.Dispose();
            _timer = null;
            while (Dequeue_NeedsLock() is { } waiter)
            {
                waiter.SetResult(); // runs elsewhere; the instance is going away and its socket will say so
            }
        }
    }

    private void OnTick()
    {
        var released = new List<TaskCompletionSource>();
        lock (_lock)
        {
            _ticks++;
            var count = _ticks <= PatientTicks ? PerTick : Math.Min(MostPerTick, PerTick << Math.Min(10, _ticks - PatientTicks));
            while (count-- > 0 && Dequeue_NeedsLock() is { } waiter)
            {
                released.Add(waiter);
            }
        }
        released.ForEach(w => w.SetResult());
    }

    private TaskCompletionSource? Dequeue_NeedsLock()
    {
        Debug.Assert(_lock.IsHeldByCurrentThread);
        if (!_waiting.TryDequeue(out var waiter))
        {
            return null;
        }
        _young++;
        if (_waiting.Count == 0)
        {
            _timer?.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        }
        return waiter;
    }
}
