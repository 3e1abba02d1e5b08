namespace Serval.Controllers.Autoscaler;

/// <summary>
/// Time that only passes: it begins as the wall clock and then goes with the timestamp counter, so that setting the machine's clock neither empties a
/// window nor ends a grace period. Not to be compared with an object's timestamp but through <see cref="Since"/>.
/// </summary>
internal sealed class SteadyClock(TimeProvider time)
{
    private readonly DateTimeOffset _begin = time.GetUtcNow();
    private readonly long _stamp = time.GetTimestamp();

    internal DateTimeOffset Now => _begin + time.GetElapsedTime(_stamp);

    /// <summary>An object's timestamp on this clock, by its age on the wall clock now; one from the future is now.</summary>
    internal DateTimeOffset Since(DateTimeOffset wall)
    {
        var age = time.GetUtcNow() - wall;
        return age > TimeSpan.Zero ? Now - age : Now;
    }
}
