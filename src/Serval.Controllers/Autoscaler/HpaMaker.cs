using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Autoscaling;
using Serval.Api.Serving;
using Serval.Kube;

namespace Serval.Controllers.Autoscaler;

/// <summary>The HorizontalPodAutoscaler of a PodAutoscaler of class hpa (knative/serving: reconciler/autoscaling/hpa/resources). Pure.</summary>
internal static class HpaMaker
{
    /// <summary>Kubernetes' own, of an autoscaler without metrics.</summary>
    private const int DefaultCpu = 80;

    internal static JsonObject Make(KubeObject stored, PodAutoscaler autoscaler, AutoscalingAnnotations annotations)
    {
        var made = OwnedObjects.New(
            Kinds.HorizontalPodAutoscaler, stored, stored.Metadata.Name, JsonMaps.ToJson(stored.Metadata.Labels), JsonMaps.ToJson(stored.Metadata.Annotations));
        var target = autoscaler.Spec.ScaleTargetRef;
        var (min, max) = annotations.ScaleBounds(autoscaler.Spec.Reachability != "Unreachable");
        var spec = new JsonObject
        {
            ["maxReplicas"] = max == 0 ? int.MaxValue : max,
            ["metrics"] = new JsonArray(Metric(annotations.Metric, annotations.WrittenTarget)),
            ["minReplicas"] = Math.Max(1, min),
            ["scaleTargetRef"] = new JsonObject { ["apiVersion"] = target.ApiVersion, ["kind"] = target.Kind, ["name"] = target.Name },
        };
        if (annotations.WrittenWindow is { } window)
        {
            // Whole, as the API server fills it in: else each look at it would find a difference.
            spec["behavior"] = new JsonObject { ["scaleDown"] = Rules(window, Policy("Percent", 100)), ["scaleUp"] = Rules(window, Policy("Pods", 4), Policy("Percent", 100)) };
        }
        made["spec"] = spec;
        return made;
    }

    private static JsonObject Rules(TimeSpan window, params JsonNode[] policies) =>
        new() { ["policies"] = new JsonArray(policies), ["selectPolicy"] = "Max", ["stabilizationWindowSeconds"] = (int)window.TotalSeconds };

    private static JsonObject Policy(string type, int value) => new() { ["periodSeconds"] = 15, ["type"] = type, ["value"] = value };

    private static JsonObject Metric(string metric, double? target) => (metric, target) switch
    {
        (_, null) => Resource(AutoscalingAnnotations.Cpu, Utilization(DefaultCpu)),
        (AutoscalingAnnotations.Cpu, { } percent) => Resource(metric, Utilization((int)Math.Ceiling(percent))),
        (AutoscalingAnnotations.Memory, { } mebibytes) => Resource(metric, Average($"{Math.Max(1, (long)mebibytes)}Mi")),
        (_, { } amount) => new JsonObject
        {
            ["type"] = "Pods",
            ["pods"] = new JsonObject { ["metric"] = new JsonObject { ["name"] = metric }, ["target"] = Average($"{Math.Max(1, (long)amount)}") },
        },
    };

    private static JsonObject Resource(string name, JsonObject target) =>
        new() { ["type"] = "Resource", ["resource"] = new JsonObject { ["name"] = name, ["target"] = target } };

    private static JsonObject Utilization(int percent) => new() { ["type"] = "Utilization", ["averageUtilization"] = percent };

    private static JsonObject Average(string amount) => new() { ["type"] = "AverageValue", ["averageValue"] = amount };
}
