namespace Serval.Kube;

/// <summary>Lets a burst through and after it one for each refill. Pure but for its own count.</summary>
internal sealed class TokenBucket(int burst, TimeSpan refill, DateTimeOffset now)
{
    private double _tokens = burst;
    private DateTimeOffset _at = now;

    internal bool TryTake(DateTimeOffset at)
    {
        if (at > _at)
        {
            _tokens = Math.Min(burst, _tokens + (at - _at) / refill);
            _at = at;
        }
        if (_tokens < 1)
        {
            return false;
        }
        _tokens--;
        return true;
    }
}
