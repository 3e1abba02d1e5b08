using System.Text.Json;

namespace Serval.ApiServer.Tables;

/// <summary>Deployments and replica sets.</summary>
internal static class WorkloadPrinters
{
    internal static readonly TableColumn[] WideColumns =
        [new("Containers", Priority: 1), new("Images", Priority: 1), new("Selector", Priority: 1)];

    public static readonly TableLayout Deployment = new(
        [TableLayout.Name, new("Ready"), new("Up-to-date"), new("Available"), TableLayout.Age, .. WideColumns],
        (obj, now, cells) =>
        {
            cells.Add(obj.Text("metadata", "name"));
            cells.Add($"{obj.Number("status", "readyReplicas")}/{obj.Number("spec", "replicas")}");
            cells.Add(obj.Number("status", "updatedReplicas"));
            cells.Add(obj.Number("status", "availableReplicas"));
            cells.Add(TableLayout.AgeOf(obj, now));
            Wide(obj, cells);
        });

    public static readonly TableLayout ReplicaSet = new(
        [TableLayout.Name, new("Desired", "integer"), new("Current", "integer"), new("Ready", "integer"), TableLayout.Age, .. WideColumns],
        (obj, now, cells) =>
        {
            cells.Add(obj.Text("metadata", "name"));
            cells.Add(obj.Number("spec", "replicas"));
            cells.Add(obj.Number("status", "replicas"));
            cells.Add(obj.Number("status", "readyReplicas"));
            cells.Add(TableLayout.AgeOf(obj, now));
            Wide(obj, cells);
        });

    /// <summary>As kubernetes pkg/printers/internalversion prints it.</summary>
    public static readonly TableLayout Scale = new(
        [TableLayout.Name, new("Desired", "integer"), new("Available", "integer"), TableLayout.Age],
        (obj, now, cells) =>
        {
            cells.Add(obj.Text("metadata", "name"));
            cells.Add(obj.Number("spec", "replicas"));
            cells.Add(obj.Number("status", "replicas"));
            cells.Add(TableLayout.AgeOf(obj, now));
        });

    public static readonly TableLayout HorizontalPodAutoscaler = new(
        [
            TableLayout.Name, new("Reference"), new("Targets"), new("MinPods"), new("MaxPods"), new("Replicas"), TableLayout.Age,
        ],
        (obj, now, cells) =>
        {
            cells.Add(obj.Text("metadata", "name"));
            cells.Add($"{obj.Text("spec", "scaleTargetRef", "kind")}/{obj.Text("spec", "scaleTargetRef", "name")}");
            cells.Add(Targets(obj));
            cells.Add(obj.Text("spec", "minReplicas"));
            cells.Add(obj.Number("spec", "maxReplicas"));
            cells.Add(obj.Number("status", "currentReplicas"));
            cells.Add(TableLayout.AgeOf(obj, now));
        });

    private static string Targets(JsonElement obj) => string.Join(", ", obj.Items("spec", "metrics").Select(metric =>
    {
        var name = metric.Text("resource", "name");
        var aim = metric.At("resource", "target");
        var now = obj.Items("status", "currentMetrics").FirstOrDefault(m => name.Length > 0 && m.Text("resource", "name") == name).At("resource", "current");
        var (field, unit) = aim.Has("averageValue") ? ("averageValue", "") : ("averageUtilization", "%");
        var measured = now.Has(field) ? now.Text(field) + unit : "<unknown>";
        return name.Length == 0 ? measured : $"{name}: {measured}/{aim.Text(field)}{unit}";
    }));

    internal static void Wide(JsonElement obj, List<object?> cells)
    {
        var containers = obj.Items("spec", "template", "spec", "containers").ToList();
        cells.Add(string.Join(",", containers.Select(c => c.Text("name"))));
        cells.Add(string.Join(",", containers.Select(c => c.Text("image"))));
        cells.Add(SelectorText.Format(obj.At("spec", "selector")));
    }
}
