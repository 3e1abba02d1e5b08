using System.Globalization;
using Serval.Api.Core;

namespace Serval.Node.Processes;

/// <summary>Signals by the names images give them: <c>SIGTERM</c>, <c>TERM</c>, <c>15</c>, <c>SIGRTMIN+3</c>. Numbers are those of x86-64 and arm64.</summary>
internal static class Signals
{
    private const int RealTimeFirst = 34;
    private const int RealTimeLast = 64;

    /// <summary>The signal's number; SIGTERM when the name is empty or says nothing.</summary>
    public static int Parse(string? name)
    {
        var text = (name ?? "").Trim().ToUpperInvariant();
        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
        {
            return number is > 0 and <= RealTimeLast ? number : Libc.SIGTERM;
        }
        text = text.StartsWith("SIG", StringComparison.Ordinal) ? text[3..] : text;
        if (text.Length > 0 && SignalNames.Number(text) is > 0 and var known)
        {
            return known;
        }
        return RealTime(text, "RTMIN", RealTimeFirst, '+', 1) ?? RealTime(text, "RTMAX", RealTimeLast, '-', -1) ?? Libc.SIGTERM;
    }

    private static int? RealTime(string text, string name, int from, char sign, int step)
    {
        if (!text.StartsWith(name, StringComparison.Ordinal))
        {
            return null;
        }
        var rest = text[name.Length..];
        var distance = 0;
        var valid = rest.Length == 0
            || (rest[0] == sign && int.TryParse(rest[1..], NumberStyles.None, CultureInfo.InvariantCulture, out distance) && distance <= RealTimeLast - RealTimeFirst);
        return valid ? from + (step * distance) : null;
    }
}
