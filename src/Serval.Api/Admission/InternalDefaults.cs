using System.Text.Json.Nodes;
using Serval.Api.Serving;

namespace Serval.Api.Admission;

/// <summary>Defaults of the kinds Knative's controllers write for each other.</summary>
internal static class InternalDefaults
{
    public static void PodAutoscaler(JsonObject tree, AdmissionContext ctx)
    {
        var annotations = tree.Ensure("metadata").Ensure("annotations");
        annotations.Default(AutoscalingAnnotations.ClassKey, ctx.Config.Autoscaler.PodAutoscalerClass);
        annotations.Default(AutoscalingAnnotations.MetricKey, AutoscalingAnnotations.DefaultMetric(annotations.String(AutoscalingAnnotations.ClassKey)));
    }

    public static void Ingress(JsonObject tree)
    {
        foreach (var (_, rule) in tree.Object("spec").Objects("rules"))
        {
            rule.DefaultZero("visibility", "ExternalIP");
            foreach (var (_, path) in rule.Object("http").Objects("paths"))
            {
                if (path.Array("splits") is { Count: 1 } splits && splits[0] is JsonObject only)
                {
                    only.DefaultZero("percent", 100);
                }
            }
        }
    }
}
