using System.Collections.Concurrent;
using Serval.Api;

namespace Serval.Controllers.Workloads;

/// <summary>
/// Lets a status trail its cause, so that many causes give one write and a wake writes no status between scale and first byte. A status that
/// differs is due <see cref="Delay"/> after it first differed; while instances are on their way up, not before they are there or
/// <see cref="WakingDelay"/> has passed.
/// </summary>
internal sealed class StatusTrail(TimeProvider time)
{
    /// <summary>Shorter than anybody's patience.</summary>
    internal static readonly TimeSpan Delay = TimeSpan.FromMilliseconds(40);

    /// <summary>For how long a start that has not come to its end goes unreported.</summary>
    internal static readonly TimeSpan WakingDelay = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<ObjectKey, (long Since, bool Waking)> _marks = new();

    /// <summary>
    /// How long the write still waits; zero when it is due now. Due it stays until <see cref="Forget"/>, so that a write that fails is retried at
    /// the work queue's pace and not at this one's.
    /// </summary>
    /// <param name="key">Whose status.</param>
    /// <param name="waking">Instances are wanted that are not ready yet.</param>
    internal TimeSpan Wait(ObjectKey key, bool waking)
    {
        var now = time.GetTimestamp();
        var mark = _marks.AddOrUpdate(key, (now, waking), (_, before) => before.Waking == waking ? before : (now, waking));
        var left = (waking ? WakingDelay : Delay) - time.GetElapsedTime(mark.Since, now);
        return left > TimeSpan.Zero ? left : TimeSpan.Zero;
    }

    /// <summary>The status is written, no longer differs, or its object is gone.</summary>
    internal void Forget(ObjectKey key) => _marks.TryRemove(key, out _);
}
