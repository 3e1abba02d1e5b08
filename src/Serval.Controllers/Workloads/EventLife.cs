using System.Text.Json;
using Serval.Api;

namespace Serval.Controllers.Workloads;

/// <summary>Which Events have had their time. Pure.</summary>
internal static class EventLife
{
    /// <summary>How long an event is kept after it last happened (kube-apiserver: --event-ttl).</summary>
    internal static readonly TimeSpan TimeToLive = TimeSpan.FromHours(1);

    /// <summary>Those to delete now: whatever is too old, and of a namespace with more than <paramref name="most"/> the oldest, Normal before Warning.</summary>
    /// <param name="events">All there are.</param>
    /// <param name="most">Most events of one namespace; a tenth more than necessary goes, so that the next ones have room.</param>
    /// <param name="now">The time.</param>
    /// <param name="next">When the next one will be too old; null when none is left.</param>
    internal static List<KubeObject> Over(IReadOnlyList<KubeObject> events, int most, DateTimeOffset now, out DateTimeOffset? next)
    {
        var over = new List<KubeObject>();
        next = null;
        foreach (var ns in events.Select(e => (Event: e, Seen: LastSeen(e, now))).GroupBy(e => e.Event.Metadata.Namespace))
        {
            var old = ns.Where(e => e.Seen + TimeToLive <= now).ToList();
            var kept = ns.Where(e => e.Seen + TimeToLive > now).ToList();
            over.AddRange(old.Select(e => e.Event));
            if (kept.Count > most)
            {
                kept = [.. kept.OrderBy(e => IsWarning(e.Event)).ThenBy(e => e.Seen)];
                var surplus = kept.Count - (most - most / 10);
                over.AddRange(kept.Take(surplus).Select(e => e.Event));
                kept.RemoveRange(0, surplus);
            }
            if (kept.Count > 0 && kept.Min(e => e.Seen) + TimeToLive is var first && !(next <= first))
            {
                next = first;
            }
        }
        return over;
    }

    /// <summary>When it last happened; a time that has not come yet is not believed.</summary>
    private static DateTimeOffset LastSeen(KubeObject obj, DateTimeOffset now)
    {
        var seen = obj.Metadata.CreationTimestamp ?? DateTimeOffset.UnixEpoch;
        foreach (var time in (ReadOnlySpan<DateTimeOffset?>)[Time(obj.Member("lastTimestamp")), Series(obj.Member("series"))])
        {
            if (time > seen && time <= now)
            {
                seen = time.Value;
            }
        }
        return seen;
    }

    private static bool IsWarning(KubeObject obj) => obj.Member("type").Span.SequenceEqual("\"Warning\""u8);

    private static DateTimeOffset? Time(ReadOnlyMemory<byte> json)
    {
        var reader = new Utf8JsonReader(json.Span);
        return json.Length > 0 && reader.Read() && reader.TokenType == JsonTokenType.String && reader.TryGetDateTimeOffset(out var time) ? time : null;
    }

    private static DateTimeOffset? Series(ReadOnlyMemory<byte> json)
    {
        if (json.Length == 0)
        {
            return null;
        }
        using var series = CanonicalJson.Document(json);
        return series.RootElement.ValueKind == JsonValueKind.Object && series.RootElement.TryGetProperty("lastObservedTime", out var text)
            && text.ValueKind == JsonValueKind.String && text.TryGetDateTimeOffset(out var time) ? time : null;
    }
}
