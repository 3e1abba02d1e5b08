namespace Serval.Proxy;

/// <summary>Random numbers from a seed, for any number of threads (SplitMix64).</summary>
internal sealed class Picker(Random seed)
{
    private const ulong Golden = 0x9E3779B97F4A7C15; // 2^64 divided by the golden ratio

    private ulong _state = (ulong)seed.NextInt64();

    /// <summary>0 ≤ result &lt; <paramref name="limit"/>.</summary>
    public int Next(int limit) => Scale(Next(), limit);

    /// <summary>
    /// A turn of something that is to be shared out evenly, not only in the mean: 0 ≤ result &lt; <paramref name="limit"/>. Turns go round by the golden ratio (Weyl's
    /// sequence), so that of any run of them, and also of every second or third, each part gets its share within a few. They begin anywhere.
    /// </summary>
    public int NextTurn(ref ulong turn, int limit)
    {
        if (Volatile.Read(ref turn) == 0)
        {
            Interlocked.CompareExchange(ref turn, Next() | 1, 0);
        }
        return Scale(Interlocked.Add(ref turn, Golden), limit);
    }

    private static int Scale(ulong number, int limit) => (int)(((number >> 32) * (ulong)limit) >> 32);

    private ulong Next()
    {
        var z = Interlocked.Add(ref _state, Golden);
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}
