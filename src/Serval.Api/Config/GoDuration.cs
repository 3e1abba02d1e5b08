using System.Buffers;
using System.Globalization;
using System.Text;

namespace Serval.Api.Config;

/// <summary>Durations in the text form Kubernetes and Knative use: <c>1h0m0s</c>, <c>1.5s</c>, <c>300ms</c> (grammar of Go's time.ParseDuration).</summary>
public static class GoDuration
{
    private const long Second = 1_000_000_000;
    private static readonly SearchValues<char> s_number = SearchValues.Create("0123456789.");

    /// <summary>Reads a duration; finer than 100 ns is cut off.</summary>
    public static bool TryParse(string? text, out TimeSpan value)
    {
        var ok = TryParseNanoseconds(text, out var nanoseconds);
        value = TimeSpan.FromTicks(nanoseconds / TimeSpan.NanosecondsPerTick);
        return ok;
    }

    /// <summary>Reads a duration without loss.</summary>
    public static bool TryParseNanoseconds(string? text, out long nanoseconds)
    {
        nanoseconds = 0;
        if (string.IsNullOrEmpty(text))
        {
            return false;
        }
        var rest = text.AsSpan();
        var negative = rest[0] == '-';
        if (rest[0] is '-' or '+')
        {
            rest = rest[1..];
        }
        if (rest is "0")
        {
            return true;
        }
        decimal total = 0;
        do
        {
            if (!TakePart(ref rest, out var part))
            {
                return false;
            }
            total += part;
            if (total > long.MaxValue)
            {
                return false;
            }
        }
        while (rest.Length > 0);
        nanoseconds = (long)(negative ? -total : total);
        return true;
    }

    private static bool TakePart(ref ReadOnlySpan<char> rest, out decimal nanoseconds)
    {
        nanoseconds = 0;
        var digits = rest.IndexOfAnyExcept(s_number);
        if (digits <= 0 || rest[..digits].Count('.') > 1 || rest[..digits] is "."
            || !decimal.TryParse(rest[..digits], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number)
            || number > long.MaxValue)
        {
            return false;
        }
        rest = rest[digits..];
        var end = rest.IndexOfAny(s_number);
        var unit = UnitOf(end < 0 ? rest : rest[..end]);
        if (unit == 0)
        {
            return false;
        }
        rest = end < 0 ? [] : rest[end..];
        nanoseconds = decimal.Truncate(number * unit);
        return true;
    }

    private static long UnitOf(ReadOnlySpan<char> unit) => unit switch
    {
        "ns" => 1,
        "us" or "µs" or "μs" => 1_000,
        "ms" => 1_000_000,
        "s" => Second,
        "m" => 60 * Second,
        "h" => 3600 * Second,
        _ => 0,
    };

    /// <summary>The text Go prints: <c>1h0m0s</c>, <c>6s</c>, <c>1.5s</c>, <c>250ms</c>, <c>0s</c>.</summary>
    public static string Format(TimeSpan value)
    {
        if (value == TimeSpan.Zero)
        {
            return "0s";
        }
        var sign = value < TimeSpan.Zero ? "-" : "";
        value = value.Duration();
        if (value < TimeSpan.FromSeconds(1))
        {
            return sign + (value < TimeSpan.FromMilliseconds(1)
                ? Number(value.TotalMicroseconds) + "µs"
                : Number(value.TotalMilliseconds) + "ms");
        }
        var text = new StringBuilder(sign);
        var hours = (long)value.TotalHours;
        if (hours > 0)
        {
            text.Append(hours).Append('h');
        }
        if (hours > 0 || value.Minutes > 0)
        {
            text.Append(value.Minutes).Append('m');
        }
        return text.Append(Number(value.Seconds + ((value.Ticks % TimeSpan.TicksPerSecond) / (double)TimeSpan.TicksPerSecond))).Append('s').ToString();
    }

    private static string Number(double value) => value.ToString("0.#########", CultureInfo.InvariantCulture);
}
