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

    /// <summary>kube-aggregator registry/apiservice/etcd: ConvertToTable.</summary>
    public static readonly TableLayout ApiService = new(
        [TableLayout.Name, new("Service"), new("Available"), TableLayout.Age],
        (obj, now, cells) =>
        {
            cells.Add(obj.Text("metadata", "name"));
            cells.Add(obj.At("spec", "service").ValueKind == JsonValueKind.Object ? $"{obj.Text("spec", "service", "namespace")}/{obj.Text("spec", "service", "name")}" : "Local");
            var available = obj.At("status").Items("conditions").FirstOrDefault(c => c.Text("type") == "Available");
            var (status, reason) = available.ValueKind == JsonValueKind.Object ? (available.Text("status"), available.Text("reason")) : ("Unknown", "");
            cells.Add(status != "True" && reason.Length > 0 ? $"{status} ({reason})" : status);
            cells.Add(TableLayout.AgeOf(obj, now));
        });
}
