namespace Serval.Api.Stories;

/// <summary>Times as sentences have them: <c>12s</c>, <c>9m48s</c>, <c>3h5m</c>.</summary>
internal static class Spans
{
    public static string Text(TimeSpan span) => span switch
    {
        { TotalSeconds: < 60 } => $"{Math.Max(0, (int)span.TotalSeconds)}s",
        { TotalMinutes: < 60 } => $"{span.Minutes}m{span.Seconds}s",
        { TotalHours: < 48 } => $"{(int)span.TotalHours}h{span.Minutes}m",
        _ => $"{(int)span.TotalDays}d",
    };

    /// <summary><c> for 12s</c>; empty without a beginning.</summary>
    public static string Since(DateTimeOffset? then, DateTimeOffset now) => then is { } start ? $" for {Text(now - start)}" : "";
}
