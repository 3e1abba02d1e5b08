namespace Serval.Kube.Remote;

/// <summary>Randomness that many threads share.</summary>
internal sealed class Jitter(Random random)
{
    private readonly Lock _lock = new();

    /// <summary>From one to two.</summary>
    public double Factor()
    {
        lock (_lock)
        {
            return 1 + random.NextDouble();
        }
    }

    public int Between(int least, int most)
    {
        lock (_lock)
        {
            return random.Next(least, most);
        }
    }
}
