namespace Serval.ApiServer.Tables;

/// <summary>The small built-in kinds.</summary>
internal static class CorePrinters
{
    public static readonly TableLayout ConfigMap = new(
        [TableLayout.Name, new("Data"), TableLayout.Age],
        (obj, now, cells) =>
        {
            cells.Add(obj.Text("metadata", "name"));
            cells.Add((long)(obj.Size("data") + obj.Size("binaryData")));
            cells.Add(TableLayout.AgeOf(obj, now));
        });

    public static readonly TableLayout Secret = new(
        [TableLayout.Name, new("Type"), new("Data"), TableLayout.Age],
        (obj, now, cells) =>
        {
            cells.Add(obj.Text("metadata", "name"));
            cells.Add(obj.Text("type"));
            cells.Add((long)obj.Size("data"));
            cells.Add(TableLayout.AgeOf(obj, now));
        });

    public static readonly TableLayout Namespace = new(
        [TableLayout.Name, new("Status"), TableLayout.Age],
        (obj, now, cells) =>
        {
            cells.Add(obj.Text("metadata", "name"));
            cells.Add(obj.Text("status", "phase"));
            cells.Add(TableLayout.AgeOf(obj, now));
        });

    public static readonly TableLayout ServiceAccount = new(
        [TableLayout.Name, TableLayout.Age],
        (obj, now, cells) =>
        {
            cells.Add(obj.Text("metadata", "name"));
            cells.Add(TableLayout.AgeOf(obj, now));
        });

    public static readonly TableLayout ResourceQuota = new(
        [TableLayout.Name, new("Request"), new("Limit"), TableLayout.Age],
        (obj, now, cells) =>
        {
            var limits = obj.Entries("status", "hard").OrderBy(h => h.Name, StringComparer.Ordinal)
                .ToLookup(h => h.Name.StartsWith("limits.", StringComparison.Ordinal), h => $"{h.Name}: {obj.Text("status", "used", h.Name)}/{h.Value.Text()}");
            cells.Add(obj.Text("metadata", "name"));
            cells.Add(string.Join(", ", limits[false]));
            cells.Add(string.Join(", ", limits[true]));
            cells.Add(TableLayout.AgeOf(obj, now));
        });

    public static readonly TableLayout Lease = new(
        [TableLayout.Name, new("Holder"), TableLayout.Age],
        (obj, now, cells) =>
        {
            cells.Add(obj.Text("metadata", "name"));
            cells.Add(obj.Text("spec", "holderIdentity"));
            cells.Add(TableLayout.AgeOf(obj, now));
        });

    /// <summary>Of kinds that upstream has no printer of its own for.</summary>
    public static readonly TableLayout CreatedAt = new(
        [TableLayout.Name, new("Created At", "date")],
        (obj, _, cells) =>
        {
            cells.Add(obj.Text("metadata", "name"));
            cells.Add(obj.Text("metadata", "creationTimestamp"));
        });
}
