namespace Serval.ApiServer.Tables;

/// <summary>PodDisruptionBudgets, as kubernetes pkg/printers/internalversion prints them.</summary>
internal static class DisruptionPrinter
{
    public static readonly TableLayout Layout = new(
        [TableLayout.Name, new("Min Available"), new("Max Unavailable"), new("Allowed Disruptions", "integer"), TableLayout.Age],
        (obj, now, cells) =>
        {
            cells.Add(obj.Text("metadata", "name"));
            cells.Add(obj.Text("spec", "minAvailable") is { Length: > 0 } least ? least : "N/A");
            cells.Add(obj.Text("spec", "maxUnavailable") is { Length: > 0 } most ? most : "N/A");
            cells.Add(obj.Number("status", "disruptionsAllowed"));
            cells.Add(TableLayout.AgeOf(obj, now));
        });
}
