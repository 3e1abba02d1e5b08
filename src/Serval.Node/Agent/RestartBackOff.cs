namespace Serval.Node.Agent;

/// <summary>
/// When a container that ended may start again: at once the first time, then 10 s after it ended, doubling to 5 min; forgotten after 10 min
/// without a restart. Time is elapsed time: setting the machine's clock neither shortens nor forgets a wait.
/// </summary>
internal struct RestartBackOff
{
    private static readonly TimeSpan s_first = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan s_most = TimeSpan.FromMinutes(5);

    private long _lastRestart;

    /// <summary>The wait in force; zero when it may start at once.</summary>
    public TimeSpan Current { get; private set; }

    /// <summary>The container ended now: how long to wait.</summary>
    public TimeSpan Ended(TimeProvider time)
    {
        if (Current > TimeSpan.Zero && time.GetElapsedTime(_lastRestart) > 2 * s_most)
        {
            Current = TimeSpan.Zero;
        }
        return Current;
    }

    public void Restarted(TimeProvider time)
    {
        Current = Current == TimeSpan.Zero ? s_first : Current * 2 < s_most ? Current * 2 : s_most;
        _lastRestart = time.GetTimestamp();
    }
}
