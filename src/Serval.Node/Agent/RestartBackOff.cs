namespace Serval.Node.Agent;

/// <summary>
/// When a container that ended may start again: at once the first time, then 10 s after it ended, doubling to 5 min; forgotten after 10 min
/// without a restart. Pure.
/// </summary>
internal struct RestartBackOff
{
    private static readonly TimeSpan s_first = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan s_most = TimeSpan.FromMinutes(5);

    private TimeSpan _wait;
    private DateTimeOffset _lastRestart;

    /// <summary>How long to wait from <paramref name="now"/> on; zero when it may start.</summary>
    public readonly TimeSpan Wait(DateTimeOffset ended, DateTimeOffset now)
    {
        if (_wait == TimeSpan.Zero || ended - _lastRestart > 2 * s_most)
        {
            return TimeSpan.Zero;
        }
        var left = ended + _wait - now;
        return left > TimeSpan.Zero ? left : TimeSpan.Zero;
    }

    /// <summary>The wait in force, for messages.</summary>
    public readonly TimeSpan Current => _wait;

    public void Restarted(DateTimeOffset ended, DateTimeOffset now)
    {
        _wait = _wait == TimeSpan.Zero || ended - _lastRestart > 2 * s_most ? s_first : _wait * 2 < s_most ? _wait * 2 : s_most;
        _lastRestart = now;
    }
}
