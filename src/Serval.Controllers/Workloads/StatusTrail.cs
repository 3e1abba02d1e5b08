using System.Collections.Concurrent;
using Serval.Api;

namespace Serval.Controllers.Workloads;

/// <summary>
/// Lets a status trail its cause, so that many causes give one write and a wake writes no status between scale and first byte.
/// A status that differs is due <see cref="Delay"/> after it first differed, however often it changes meanwhile.
/// </summary>
internal sealed class StatusTrail(TimeProvider time)
{
    /// <summary>Longer than a wake, shorter than anybody's patience.</summary>
    internal static readonly TimeSpan Delay = TimeSpan.FromMilliseconds(40);

    private readonly ConcurrentDictionary<ObjectKey, long> _since = new();

    /// <summary>How long the write still waits; zero when it is due now.</summary>
    internal TimeSpan Wait(ObjectKey key)
    {
        var since = _since.GetOrAdd(key, static (_, t) => t.GetTimestamp(), time);
        var left = Delay - time.GetElapsedTime(since);
        if (left > TimeSpan.Zero)
        {
            return left;
        }
        _since.TryRemove(key, out _);
        return TimeSpan.Zero;
    }

    /// <summary>The status no longer differs, or its object is gone.</summary>
    internal void Forget(ObjectKey key) => _since.TryRemove(key, out _);
}
