using System.Text.Json.Nodes;

namespace Serval.Api.Admission;

/// <summary>Kubernetes' rules and defaults of HorizontalPodAutoscalers (kubernetes pkg/apis/autoscaling), and what of them is not acted on here.</summary>
internal static class HpaRules
{
    /// <summary>Longest stabilisation window, in seconds.</summary>
    private const int LongestWindow = 3600;

    public static void Default(JsonObject tree)
    {
        var spec = tree.Ensure("spec");
        spec.Default("minReplicas", 1);
        if (spec.Array("metrics") is null or { Count: 0 })
        {
            spec["metrics"] = new JsonArray(new JsonObject
            {
                ["type"] = "Resource",
                ["resource"] = new JsonObject { ["name"] = "cpu", ["target"] = new JsonObject { ["type"] = "Utilization", ["averageUtilization"] = 80 } },
            });
        }
    }

    public static void Check(JsonObject tree, Problems to)
    {
        var spec = tree.Object("spec");
        var min = spec.Number("minReplicas") ?? 1;
        if (min < 1)
        {
            to.Invalid("spec.minReplicas", $"{min}", "must be greater than or equal to 1");
        }
        if ((spec.Number("maxReplicas") ?? 0) is var max && max < 1)
        {
            to.Invalid("spec.maxReplicas", $"{max}", "must be greater than 0");
        }
        if (max < min)
        {
            to.Invalid("spec.maxReplicas", $"{max}", "must be greater than or equal to `minReplicas`");
        }
        to.Need(spec.Object("scaleTargetRef"), "kind", "spec.scaleTargetRef");
        to.Need(spec.Object("scaleTargetRef"), "name", "spec.scaleTargetRef");
        foreach (var (i, metric) in spec.Objects("metrics"))
        {
            Metric(metric, $"spec.metrics[{i}]", to);
        }
        foreach (var direction in (ReadOnlySpan<string>)["scaleUp", "scaleDown"])
        {
            if (spec.Object("behavior").Object(direction).Number("stabilizationWindowSeconds") is { } window and (< 0 or > LongestWindow))
            {
                to.Invalid($"spec.behavior.{direction}.stabilizationWindowSeconds", $"{window}", window < 0 ? "must be greater than or equal to zero" : $"must be less than or equal to {LongestWindow}");
            }
        }
    }

    /// <summary>What is stored and not acted on is said.</summary>
    public static void Warn(JsonObject tree, AdmissionContext ctx)
    {
        foreach (var direction in (ReadOnlySpan<string>)["scaleUp", "scaleDown"])
        {
            foreach (var field in (ReadOnlySpan<string>)["policies", "selectPolicy", "tolerance"])
            {
                if (tree.Object("spec").Object("behavior").Object(direction).Has(field))
                {
                    ctx.Warn($"spec.behavior.{direction}.{field}: not acted on, Kubernetes' default holds");
                }
            }
        }
    }

    private static void Metric(JsonObject metric, string path, Problems to)
    {
        to.Need(metric, "type", path);
        to.OneOf(metric, "type", path, "ContainerResource", "External", "Object", "Pods", "Resource");
        if (metric.String("type") != "Resource")
        {
            return;
        }
        if (metric.Object("resource") is not { } resource)
        {
            to.Required($"{path}.resource", "must populate information for the given metric source");
            return;
        }
        to.Need(resource, "name", $"{path}.resource");
        var target = resource.Object("target");
        to.Need(target, "type", $"{path}.resource.target");
        to.OneOf(target, "type", $"{path}.resource.target", "Utilization", "AverageValue", "Value");
        var (utilization, value) = (target.Number("averageUtilization"), target?["averageValue"]);
        if (utilization is null && value is null)
        {
            to.Required($"{path}.resource.target.averageUtilization", "must set either a target raw value or a target utilization");
        }
        else if (utilization is not null && value is not null)
        {
            to.Forbidden($"{path}.resource.target.averageValue", "may not set both a target raw value and a target utilization");
        }
        if (utilization < 1)
        {
            to.Invalid($"{path}.resource.target.averageUtilization", $"{utilization}", "must be greater than 0");
        }
        if (value is not null && (!Amounts.TryRead(value, out var amount) || amount.IsNegative || amount.IsZero))
        {
            to.InvalidText($"{path}.resource.target.averageValue", Amounts.Text(value), "must be positive");
        }
    }
}
