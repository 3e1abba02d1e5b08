using System.Text.Json;

namespace Serval.ApiServer.Tables;

/// <summary>Kinds that are stored and not acted on, where a column is no field (kubernetes pkg/printers/internalversion).</summary>
internal static class StoredPrinters
{
    public static readonly TableLayout StatefulSet = new(
        [TableLayout.Name, new("Ready"), TableLayout.Age],
        (obj, now, cells) =>
        {
            cells.Add(obj.Text("metadata", "name"));
            cells.Add($"{obj.Number("status", "readyReplicas")}/{(obj.At("spec", "replicas").ValueKind == JsonValueKind.Number ? obj.Number("spec", "replicas") : 1)}");
            cells.Add(TableLayout.AgeOf(obj, now));
        });

    public static readonly TableLayout Webhooks = new(
        [TableLayout.Name, new("Webhooks", "integer"), TableLayout.Age],
        (obj, now, cells) =>
        {
            cells.Add(obj.Text("metadata", "name"));
            cells.Add(obj.At("webhooks") is { ValueKind: JsonValueKind.Array } list ? (long)list.GetArrayLength() : 0L);
            cells.Add(TableLayout.AgeOf(obj, now));
        });
}
