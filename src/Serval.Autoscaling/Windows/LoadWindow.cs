using System.Diagnostics;

namespace Serval.Autoscaling;

/// <summary>
/// A load over the last seconds: a ring of one-second buckets, each holding load × time (of concurrency request-seconds, of a rate requests).
/// Averages count only time since the first demand, as Knative's do, so a young revision is not diluted by seconds nobody saw; gaps after it
/// count as zero.
/// </summary>
internal sealed class LoadWindow
{
    private readonly double[] _seconds;
    private readonly int _shortest;
    private long _newest = long.MinValue; // second of the newest bucket
    private long _start = long.MaxValue; // ticks of the first demand

    /// <param name="length">How far back it remembers.</param>
    /// <param name="shortest">Fewest seconds an average is over: a rate wants one, for some requests in no time are an endless rate.</param>
    public LoadWindow(TimeSpan length, int shortest)
    {
        _shortest = shortest;
        _seconds = new double[Math.Max(1, (int)Math.Ceiling(length.TotalSeconds))];
    }

    /// <summary>How many seconds it remembers.</summary>
    public int Length => _seconds.Length;

    /// <summary>Marks the beginning of demand; when nothing is remembered averages count from here.</summary>
    public void Begin(DateTimeOffset now)
    {
        if (_start > now.UtcTicks || IsEmpty(now))
        {
            _start = now.UtcTicks;
        }
    }

    /// <summary>Whether no demand is remembered.</summary>
    public bool IsEmpty(DateTimeOffset now) => Sum(now, _seconds.Length) == 0;

    /// <summary>Adds a mean load that held from one time to another.</summary>
    public void Add(DateTimeOffset from, DateTimeOffset to, double mean)
    {
        if (mean <= 0 || to <= from)
        {
            return;
        }
        _start = Math.Min(_start, from.UtcTicks);
        var last = Second(to.UtcTicks - 1);
        Advance(last);
        var oldest = _newest - _seconds.Length + 1;
        for (var second = Math.Max(Second(from.UtcTicks), oldest); second <= last; second++)
        {
            var begin = Math.Max(from.UtcTicks, second * TimeSpan.TicksPerSecond);
            var end = Math.Min(to.UtcTicks, (second + 1) * TimeSpan.TicksPerSecond);
            _seconds[Index(second)] += mean * (end - begin) / TimeSpan.TicksPerSecond;
        }
    }

    /// <summary>Adds load × time that came at once.</summary>
    public void Count(DateTimeOffset at, double amount)
    {
        _start = Math.Min(_start, at.UtcTicks);
        var second = Second(at.UtcTicks);
        Advance(second);
        _seconds[Index(second)] += amount;
    }

    /// <summary>
    /// When the last <paramref name="length"/> seconds of <see cref="Average"/> began. They are the clock's, the one that runs among them, so there
    /// are at least two: one that has only begun says what is now and not what was.
    /// </summary>
    public DateTimeOffset Opening(DateTimeOffset now, int length) =>
        new((Second(now.UtcTicks) - Whole(length) + 1) * TimeSpan.TicksPerSecond, TimeSpan.Zero);

    /// <summary>
    /// Mean load over the last <paramref name="length"/> seconds; <paramref name="open"/> is what has gathered of it since the last
    /// <see cref="Add"/> and <see cref="Opening"/>, <paramref name="level"/> what to answer when no time has passed yet.
    /// </summary>
    public double Average(DateTimeOffset now, int length, double open, double level)
    {
        length = Whole(length);
        var span = Math.Max(Math.Min(length - 1 + PartOfSecond(now), Seen(now)), _shortest);
        if (span < 0.001)
        {
            return level;
        }
        return (Sum(now, length) + open) / span;
    }

    /// <summary>
    /// Load over the last <paramref name="length"/> seconds, of which the newest weighs <see cref="Smoothing"/> and each older one that much less
    /// than the one after it (knative/serving pkg/autoscaler/aggregation: WeightedFloat64Buckets). The seconds end now and not with the clock's: the
    /// one that weighs most would else be one that has only begun. The weights are not scaled up to 1 for a young window, as upstream's are not.
    /// </summary>
    public double Weighted(DateTimeOffset now, int length, double open, double level)
    {
        length = Math.Clamp(length, 1, _seconds.Length);
        var (second, part, seen) = (Second(now.UtcTicks), PartOfSecond(now), Seen(now));
        var load = At(second) + open + (1 - part) * At(second - 1);
        if (seen < 1)
        {
            var span = Math.Max(seen, _shortest);
            load = span < 0.001 ? level : load / span;
        }
        var smoothing = Smoothing(length);
        var weight = smoothing;
        var sum = load * weight;
        for (var i = 1; i < length; i++)
        {
            weight *= 1 - smoothing;
            sum += weight * (part * At(second - i) + (1 - part) * At(second - i - 1));
        }
        return sum;
    }

    /// <summary>The weight of the newest of so many seconds: what makes all weights 0.9999 in sum, and at least 0.2.</summary>
    internal static double Smoothing(int length) => Math.Max(1 - Math.Pow(1 - 0.9999, 1d / length), 0.2);

    private int Whole(int length) => Math.Clamp(length, Math.Min(2, _seconds.Length), _seconds.Length);

    private double At(long second) => second <= _newest && second > _newest - _seconds.Length ? _seconds[Index(second)] : 0;

    private double Seen(DateTimeOffset now) => _start == long.MaxValue ? 0 : (double)(now.UtcTicks - _start) / TimeSpan.TicksPerSecond;

    private static double PartOfSecond(DateTimeOffset now) => (double)(now.UtcTicks % TimeSpan.TicksPerSecond) / TimeSpan.TicksPerSecond;

    private double Sum(DateTimeOffset now, int length)
    {
        var current = Second(now.UtcTicks);
        if (_newest == long.MinValue)
        {
            return 0;
        }
        var oldest = Math.Max(current - length + 1, _newest - _seconds.Length + 1);
        var sum = 0d;
        for (var second = oldest; second <= Math.Min(current, _newest); second++)
        {
            sum += _seconds[Index(second)];
        }
        return sum;
    }

    private void Advance(long second)
    {
        if (second <= _newest)
        {
            return;
        }
        if (_newest == long.MinValue || second - _newest >= _seconds.Length)
        {
            Array.Clear(_seconds);
        }
        else
        {
            for (var gone = _newest + 1; gone <= second; gone++)
            {
                _seconds[Index(gone)] = 0;
            }
        }
        _newest = second;
        Debug.Assert(_newest > 0, "time before the epoch");
    }

    private int Index(long second) => (int)(second % _seconds.Length);

    private static long Second(long ticks) => ticks / TimeSpan.TicksPerSecond;
}
