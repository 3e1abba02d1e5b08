using System.Collections.Concurrent;
using Serval.Api;

namespace Serval.Kube.Tests.Runtime;

public sealed class WorkQueueTests
{
    private static readonly ObjectKey s_key = new("default", "a");

    [Fact]
    public async Task Enqueue_WhileRunning_RunsAgainOnceAfterwards()
    {
        var entered = new SemaphoreSlim(0);
        var go = new SemaphoreSlim(0);
        var runs = 0;
        await using var queue = new WorkQueue<ObjectKey>(4, TimeProvider.System, async _ =>
        {
            Interlocked.Increment(ref runs);
            entered.Release();
            await go.WaitAsync();
            return new WorkOutcome(Failed: false);
        });
        queue.Enqueue(s_key);
        await entered.WaitAsync();
        queue.Enqueue(s_key);
        queue.Enqueue(s_key);
        Assert.Equal(1, runs);
        go.Release();
        await entered.WaitAsync();
        go.Release();
        await Drained(queue);
        Assert.Equal(2, runs);
    }

    [Fact]
    public async Task Failure_BacksOffByDoubling_AndSuccessForgets()
    {
        var time = new StepTime();
        var failures = 3;
        var ran = new SemaphoreSlim(0);
        await using var queue = new WorkQueue<ObjectKey>(1, time, _ =>
        {
            ran.Release();
            return Task.FromResult(new WorkOutcome(Failed: Interlocked.Decrement(ref failures) >= 0));
        });
        queue.Enqueue(s_key);
        await ran.WaitAsync();
        for (var delay = WorkOutcome.FirstRetry; delay <= WorkOutcome.FirstRetry * 4; delay *= 2)
        {
            Assert.Equal(delay, await time.NextDelayAsync());
            time.FireLast();
            await ran.WaitAsync();
        }
        await Drained(queue);
    }

    /// <summary>Seeded histories of many keys: never two runs of one key at a time, and whatever was enqueued last is seen by a later run.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task RandomHistory_NeverOverlapsAKey_AndSeesTheLastChange(int seed)
    {
        var random = new Random(seed);
        var wanted = new ConcurrentDictionary<ObjectKey, int>();
        var seen = new ConcurrentDictionary<ObjectKey, int>();
        var running = new ConcurrentDictionary<ObjectKey, bool>();
        var overlaps = 0;
        await using var queue = new WorkQueue<ObjectKey>(3, TimeProvider.System, async key =>
        {
            if (!running.TryAdd(key, true))
            {
                Interlocked.Increment(ref overlaps);
            }
            seen[key] = wanted[key];
            await Task.Yield();
            running.TryRemove(key, out _);
            return new WorkOutcome(Failed: false);
        });
        for (var i = 0; i < 5000; i++)
        {
            var key = new ObjectKey("ns", $"k{random.Next(20)}");
            wanted[key] = i;
            queue.Enqueue(key);
        }
        await Drained(queue);
        Assert.Equal(0, overlaps);
        Assert.All(wanted, w => Assert.Equal(w.Value, seen[w.Key]));
    }

    private static async Task Drained(WorkQueue<ObjectKey> queue)
    {
        await Poll.UntilAsync(() => queue.Count == 0);
    }

    /// <summary>A clock whose timers fire when the test says so.</summary>
    private sealed class StepTime : TimeProvider
    {
        private readonly BlockingCollection<(TimeSpan Due, Action Fire)> _timers = [];
        private Action? _last;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            _timers.Add((dueTime, () => callback(state)));
            return new NoTimer();
        }

        internal Task<TimeSpan> NextDelayAsync() => Task.Run(() =>
        {
            var (due, fire) = _timers.Take();
            _last = fire;
            return due;
        });

        internal void FireLast() => _last!();

        private sealed class NoTimer : ITimer
        {
            public bool Change(TimeSpan dueTime, TimeSpan period) => true;

            public void Dispose()
            {
                // fires only by hand
            }

            public ValueTask DisposeAsync() => ValueTask.CompletedTask;
        }
    }
}
