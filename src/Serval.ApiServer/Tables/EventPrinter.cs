using System.Text.Json;

namespace Serval.ApiServer.Tables;

internal static class EventPrinter
{
    public static readonly TableLayout Layout = new(
        [
            new("Last Seen"), new("Type"), new("Reason"), new("Object"), new("Subobject", Priority: 1), new("Source", Priority: 1),
            new("Message"), new("First Seen", Priority: 1), new("Count", Priority: 1), TableLayout.Name with { Priority = 1 },
        ],
        Print);

    private static void Print(JsonElement ev, DateTimeOffset now, List<object?> cells)
    {
        var first = ev.Time("firstTimestamp") ?? ev.Time("eventTime") ?? ev.Time("metadata", "creationTimestamp");
        var last = ev.Time("series", "lastObservedTime") ?? ev.Time("lastTimestamp") ?? first;
        var count = Math.Max(Math.Max(ev.Number("series", "count"), ev.Number("count")), 1);
        var involved = ev.At("involvedObject");
        var kind = involved.Text("kind").ToLowerInvariant();
        cells.Add(HumanDuration.Since(last, now));
        cells.Add(ev.Text("type"));
        cells.Add(ev.Text("reason"));
        cells.Add(kind.Length == 0 ? involved.Text("name") : $"{kind}/{involved.Text("name")}");
        cells.Add(involved.Text("fieldPath"));
        cells.Add(Source(ev));
        cells.Add(ev.Text("message").Trim());
        cells.Add(HumanDuration.Since(first, now));
        cells.Add($"{count}");
        cells.Add(ev.Text("metadata", "name"));
    }

    private static string Source(JsonElement ev)
    {
        var component = ev.Text("source", "component") is { Length: > 0 } old ? old : ev.Text("reportingComponent");
        var host = ev.Text("source", "host") is { Length: > 0 } named ? named : ev.Text("reportingInstance");
        return host.Length == 0 ? component : $"{component}, {host}";
    }
}
