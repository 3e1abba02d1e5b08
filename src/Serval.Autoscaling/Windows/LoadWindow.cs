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
    /// Mean load over the last <paramref name="length"/> seconds; <paramref name="open"/> is what has gathered since the last
    /// <see cref="Add"/>, <paramref name="level"/> what to answer when no time has passed yet.
    /// </summary>
    public double Average(DateTimeOffset now, int length, double open, double level)
    {
        length = Math.Clamp(length, 1 + _shortest, _seconds.Length);
        var whole = (length - 1) + (double)(now.UtcTicks % TimeSpan.TicksPerSecond) / TimeSpan.TicksPerSecond;
        var seen = _start == long.MaxValue ? 0 : (double)(now.UtcTicks - _start) / TimeSpan.TicksPerSecond;
        var span = Math.Max(Math.Min(whole, seen), _shortest);
        if (span < 0.001)
        {
            return level;
        }
        return (Sum(now, length) + open) / span;
    }

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
