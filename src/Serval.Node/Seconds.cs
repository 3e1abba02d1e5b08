namespace Serval.Node;

/// <summary>Numbers of seconds that users write, as times timers can wait for.</summary>
internal static class Seconds
{
    /// <summary>A timer takes at most 2^32 - 2 ms, which is 49 days: whoever asks for more gets 49 days.</summary>
    private static readonly TimeSpan s_most = TimeSpan.FromDays(49);

    /// <summary>So many seconds, from none to 49 days.</summary>
    public static TimeSpan Clamped(long seconds) => TimeSpan.FromSeconds(Math.Clamp(seconds, 0, (long)s_most.TotalSeconds));
}
