namespace Serval.ApiServer.Tables;

/// <summary>Ages as <c>kubectl</c> shows them: two units while they matter, then one (<c>5s</c>, <c>3m10s</c>, <c>2d3h</c>, <c>400d</c>).</summary>
internal static class HumanDuration
{
    /// <summary>Time since <paramref name="then"/>, or <c>&lt;unknown&gt;</c> without one.</summary>
    public static string Since(DateTimeOffset? then, DateTimeOffset now) => then is { } start ? Format(now - start) : "<unknown>";

    public static string Format(TimeSpan span)
    {
        var seconds = (long)span.TotalSeconds;
        var minutes = seconds / 60;
        var hours = minutes / 60;
        var days = hours / 24;
        return seconds switch
        {
            < -1 => "<invalid>",
            < 0 => "0s",
            < 120 => $"{seconds}s",
            < 10 * 60 => Two(minutes, "m", seconds % 60, "s"),
            < 3 * 3600 => $"{minutes}m",
            < 8 * 3600 => Two(hours, "h", minutes % 60, "m"),
            < 48 * 3600 => $"{hours}h",
            < 8 * 86400 => Two(days, "d", hours % 24, "h"),
            < 2 * 365 * 86400 => $"{days}d",
            < 8L * 365 * 86400 => Two(days / 365, "y", days % 365, "d"),
            _ => $"{days / 365}y",
        };
    }

    private static string Two(long big, string bigUnit, long small, string smallUnit) =>
        small == 0 ? $"{big}{bigUnit}" : $"{big}{bigUnit}{small}{smallUnit}";
}
