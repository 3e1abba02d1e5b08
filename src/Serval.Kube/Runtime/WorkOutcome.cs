namespace Serval.Kube;

/// <summary>What a run of a key in a <see cref="WorkQueue{TKey}"/> ended with.</summary>
/// <param name="Failed">Run it again after a delay that grows with each failure in a row.</param>
/// <param name="After">Otherwise: run it again after this time; null: when it is enqueued.</param>
public readonly record struct WorkOutcome(bool Failed, TimeSpan? After = null)
{
    /// <summary>First delay after a failure.</summary>
    public static readonly TimeSpan FirstRetry = TimeSpan.FromMilliseconds(5);

    /// <summary>Longest delay between retries of a key.</summary>
    public static readonly TimeSpan LongestRetry = TimeSpan.FromSeconds(30);

    /// <summary>The delay after so many failures in a row.</summary>
    public static TimeSpan Backoff(int failures)
    {
        var delay = FirstRetry * Math.Pow(2, Math.Min(failures - 1, 20));
        return delay < LongestRetry ? delay : LongestRetry;
    }
}
