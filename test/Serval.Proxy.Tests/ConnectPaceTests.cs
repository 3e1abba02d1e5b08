namespace Serval.Proxy.Tests;

public sealed class ConnectPaceTests
{
    private readonly TickTime _time = new();

    [Fact]
    public void Enter_LetsSomeThrough_AndOneMoreForEachAnswer()
    {
        var pace = new ConnectPace(_time);
        var entries = Enumerable.Range(0, ConnectPace.Free + 3).Select(_ => pace.EnterAsync()).ToList();
        Assert.Equal(ConnectPace.Free, entries.Count(e => e.IsCompleted));
        pace.Leave();
        Assert.Equal(ConnectPace.Free + 1, entries.Count(e => e.IsCompleted));
        Assert.True(entries[ConnectPace.Free].IsCompleted); // in order
    }

    [Fact]
    public void Tick_WithoutAnyAnswer_LetsEverMoreThrough()
    {
        var pace = new ConnectPace(_time);
        var entries = Enumerable.Range(0, 300).Select(_ => pace.EnterAsync()).ToList();
        var ticks = 0;
        while (entries.Exists(e => !e.IsCompleted))
        {
            _time.Fire();
            ticks++;
        }
        Assert.InRange(ticks, ConnectPace.PatientTicks, 2 * ConnectPace.PatientTicks + 5);
    }

    [Fact]
    public void Close_LetsEverybodyGo()
    {
        var pace = new ConnectPace(_time);
        var entries = Enumerable.Range(0, 50).Select(_ => pace.EnterAsync()).ToList();
        pace.Close();
        Assert.All(entries, e => Assert.True(e.IsCompleted));
        Assert.True(pace.EnterAsync().IsCompleted);
    }

    /// <summary>A clock with one timer that fires when the test says so.</summary>
    private sealed class TickTime : TimeProvider
    {
        private Action? _fire;

        internal void Fire() => _fire!();

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            _fire = () => callback(state);
            return new NoTimer();
        }

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
