using System.Text.Json;

namespace Serval.ApiServer.Tables;

/// <summary>Jobs, as kubernetes pkg/printers/internalversion prints them.</summary>
internal static class JobPrinter
{
    public static readonly TableLayout Layout = new(
        [TableLayout.Name, new("Status"), new("Completions"), new("Duration"), TableLayout.Age, .. WorkloadPrinters.WideColumns],
        (obj, now, cells) =>
        {
            cells.Add(obj.Text("metadata", "name"));
            cells.Add(Status(obj));
            cells.Add(Completions(obj));
            cells.Add(obj.Time("status", "startTime") is { } start ? HumanDuration.Format((obj.Time("status", "completionTime") ?? now) - start) : "");
            cells.Add(TableLayout.AgeOf(obj, now));
            WorkloadPrinters.Wide(obj, cells);
        });

    private static string Status(JsonElement obj)
    {
        var said = obj.Items("status", "conditions").Where(c => c.Text("status") == "True").Select(c => c.Text("type")).ToHashSet();
        return said.Contains("Complete") ? "Complete"
            : said.Contains("Failed") ? "Failed"
            : obj.Text("metadata", "deletionTimestamp").Length > 0 ? "Terminating"
            : said.Contains("Suspended") ? "Suspended"
            : said.Contains("FailureTarget") ? "FailureTarget"
            : said.Contains("SuccessCriteriaMet") ? "SuccessCriteriaMet"
            : "Running";
    }

    private static string Completions(JsonElement obj)
    {
        var succeeded = obj.Number("status", "succeeded");
        var parallelism = obj.Number("spec", "parallelism");
        return obj.Text("spec", "completions") is { Length: > 0 } completions ? $"{succeeded}/{completions}"
            : parallelism > 1 ? $"{succeeded}/1 of {parallelism}"
            : $"{succeeded}/1";
    }
}
