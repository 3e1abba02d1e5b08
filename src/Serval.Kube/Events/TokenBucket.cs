namespace Serval.Kube;

/// <summary>Lets a burst through and after it one for each refill.</summary>
internal struct TokenBucket(int burst, TimeSpan refill, DateTimeOffset now)
{
    private readonly int _burst = burst;
    private readonly TimeSpan _refill = refill;
    private double _tokens = burst;
    private DateTimeOffset _at = now;

    internal bool TryTake(DateTimeOffset at)
    {
        if (at > _at)
        {
            _tokens = Math.Min(_burst, _tokens + (at - _at) / _refill);
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
