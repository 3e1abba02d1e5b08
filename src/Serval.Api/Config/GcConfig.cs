using System.Globalization;

namespace Serval.Api.Config;

/// <summary>config-gc: which revisions without traffic are kept. Null means the rule is disabled.</summary>
public sealed record GcConfig
{
    public const string MapName = "config-gc";

    public static GcConfig Default { get; } = new();

    public TimeSpan? RetainSinceCreateTime { get; init; } = TimeSpan.FromHours(48);
    public TimeSpan? RetainSinceLastActiveTime { get; init; } = TimeSpan.FromHours(15);
    public long MinNonActiveRevisions { get; init; } = 20;
    public long? MaxNonActiveRevisions { get; init; } = 1000;

    internal static GcConfig Read(ConfigReader r)
    {
        var d = Default;
        var config = new GcConfig
        {
            RetainSinceCreateTime = Span(r, "retain-since-create-time", d.RetainSinceCreateTime),
            RetainSinceLastActiveTime = Span(r, "retain-since-last-active-time", d.RetainSinceLastActiveTime),
            MinNonActiveRevisions = r.Int64("min-non-active-revisions", d.MinNonActiveRevisions),
            MaxNonActiveRevisions = Max(r, d.MaxNonActiveRevisions),
        };
        r.Require(config.MinNonActiveRevisions >= 0, "min-non-active-revisions", "must be 0 or more");
        r.Require(config.MaxNonActiveRevisions is not { } max || config.MinNonActiveRevisions <= max, "min-non-active-revisions",
            $"must be at most max-non-active-revisions ({config.MaxNonActiveRevisions})");
        return config;
    }

    private static TimeSpan? Span(ConfigReader r, string key, TimeSpan? fallback)
    {
        var text = r.Text(key, "");
        if (text.Length == 0 || string.Equals(text, "disabled", StringComparison.OrdinalIgnoreCase))
        {
            return text.Length == 0 ? fallback : null;
        }
        r.Require(GoDuration.TryParse(text, out var span) && span >= TimeSpan.Zero, key, "must be a duration of 0 or more such as 48h, or disabled");
        return span;
    }

    private static long? Max(ConfigReader r, long? fallback)
    {
        const string Key = "max-non-active-revisions";
        var text = r.Text(Key, "");
        if (text.Length == 0 || string.Equals(text, "disabled", StringComparison.OrdinalIgnoreCase))
        {
            return text.Length == 0 ? fallback : null;
        }
        r.Require(long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var max), Key, "must be a whole number of 0 or more, or disabled");
        return max;
    }
}
