namespace Serval.Proxy;

/// <summary>Random numbers from a seed, for any number of threads (SplitMix64).</summary>
internal sealed class Picker(Random seed)
{
    private ulong _state = (ulong)seed.NextInt64();

    /// <summary>0 ≤ result &lt; <paramref name="limit"/>.</summary>
    public int Next(int limit)
    {
        var z = Interlocked.Add(ref _state, 0x9E3779B97F4A7C15);
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        z ^= z >> 31;
        return (int)(((z >> 32) * (ulong)limit) >> 32);
    }
}
