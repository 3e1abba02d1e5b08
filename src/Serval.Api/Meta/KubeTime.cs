using System.Globalization;

namespace Serval.Api;

/// <summary>Times as objects hold them: RFC 3339 in UTC, whole seconds (apimachinery meta/v1 Time).</summary>
public static class KubeTime
{
    /// <summary><c>2026-01-31T08:00:00Z</c>; parts of a second are cut off.</summary>
    public static string Text(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    /// <summary><c>2026-01-31T08:00:00.000000Z</c>: a MicroTime, as Leases have them.</summary>
    public static string MicroText(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture);
}
