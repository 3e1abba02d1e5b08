using System.Text.Json.Nodes;
using Serval.Api.Core;

namespace Serval.Api.Admission;

/// <summary>What a HorizontalPodAutoscaler scales by (kubernetes pkg/apis/autoscaling/validation: validateMetricSpec and below).</summary>
internal static class HpaMetricRules
{
    private const string NoSource = "must populate information for the given metric source";

    private static readonly string[] s_types = ["ContainerResource", "External", "Object", "Pods", "Resource"];

    // In the order in which they are looked at: of several the first is judged, and the others are too many.
    private static readonly string[] s_sources = ["object", "external", "pods", "resource", "containerResource"];

    public static void Check(JsonObject? spec, JsonObject? before, Problems to)
    {
        var anyVersion = before.Objects("metrics").Any(m => m.Item.String("type") == "Object"
            && m.Item.Object("object") is { } source && HpaRules.WrongVersion(source.Object("describedObject").String("apiVersion"), noGroup: true) is not null);
        foreach (var (i, metric) in spec.Objects("metrics"))
        {
            Metric(metric, $"spec.metrics[{i}]", anyVersion, to);
        }
    }

    private static void Metric(JsonObject metric, string path, bool anyVersion, Problems to)
    {
        var type = metric.String("type");
        if (type.Length == 0)
        {
            to.Required($"{path}.type", "must specify a metric source type");
        }
        var known = s_types.Contains(type);
        if (!known)
        {
            to.Unsupported($"{path}.type", type, s_types);
        }
        var present = s_sources.Where(s => metric.Object(s) is not null).ToList();
        if (present.Count > 0)
        {
            Source(present[0], metric.Object(present[0])!, $"{path}.{present[0]}", anyVersion, to);
        }
        var expected = known ? char.ToLowerInvariant(type[0]) + type[1..] : "";
        if (!known)
        {
            to.Unsupported($"{path}.type", type, s_types);
        }
        else if (!present.Contains(expected))
        {
            to.Required($"{path}.{expected}", NoSource);
        }
        foreach (var other in present.Where(s => present.Count > 1 && s != expected))
        {
            to.Forbidden($"{path}.{other}", "must populate the given metric source only");
        }
    }

    private static void Source(string kind, JsonObject source, string path, bool anyVersion, Problems to)
    {
        var target = source.Object("target");
        var (value, average, utilization) = (target.Has("value"), target.Has("averageValue"), target.Has("averageUtilization"));
        switch (kind)
        {
            case "object":
                HpaRules.Reference(source.Object("describedObject"), $"{path}.describedObject", anyVersion, noGroup: true, to);
                Identifier(source, path, to);
                break;
            case "external" or "pods":
                Identifier(source, path, to);
                break;
            default:
                Named(source, path, inContainer: kind == "containerResource", to);
                break;
        }
        Target(target, $"{path}.target", to);
        var missing = kind switch
        {
            "object" when !value && !average => "must set either a target value or averageValue",
            "external" when !value && !average => "must set either a target value for metric or a per-pod target",
            "pods" when !average => "must specify a positive target averageValue",
            _ => null,
        };
        if (missing is not null)
        {
            to.Required($"{path}.target.averageValue", missing);
        }
        else if (kind == "external" && value && average)
        {
            to.Forbidden($"{path}.target.value", "may not set both a target value for metric and a per-pod target");
        }
        else if (kind is "resource" or "containerResource" && utilization == average)
        {
            if (average)
            {
                to.Forbidden($"{path}.target.averageValue", "may not set both a target raw value and a target utilization");
            }
            else
            {
                to.Required($"{path}.target.averageUtilization", "must set either a target raw value or a target utilization");
            }
        }
    }

    private static void Identifier(JsonObject source, string path, Problems to)
    {
        var name = source.Object("metric").String("name");
        if (name.Length == 0)
        {
            to.Required($"{path}.metric.name", "must specify a metric name");
        }
        to.Check($"{path}.metric.name", name, RbacRules.Name);
    }

    private static void Named(JsonObject source, string path, bool inContainer, Problems to)
    {
        if (source.String("name").Length == 0)
        {
            to.Required($"{path}.name", "must specify a resource name");
        }
        if (!inContainer)
        {
            return;
        }
        var container = source.String("container");
        if (container.Length == 0)
        {
            to.Required($"{path}.container", "must specify a container");
        }
        else
        {
            to.Check($"{path}.container", container, Names.Label);
        }
    }

    private static void Target(JsonObject? target, string path, Problems to)
    {
        var type = target.String("type");
        if (type.Length == 0)
        {
            to.Required($"{path}.type", "must specify a metric target type");
        }
        if (type is not ("Utilization" or "Value" or "AverageValue"))
        {
            to.InvalidText($"{path}.type", type, "must be either Utilization, Value, or AverageValue");
        }
        foreach (var field in (ReadOnlySpan<string>)["value", "averageValue"])
        {
            if (target?[field] is { } value && (!Amounts.TryRead(value, out var amount) || amount.IsNegative || amount.IsZero))
            {
                to.InvalidText($"{path}.{field}", Amounts.Text(value), "must be positive");
            }
        }
        if (target.Number("averageUtilization") is < 1 and var percent)
        {
            to.Invalid($"{path}.averageUtilization", $"{percent}", "must be greater than 0");
        }
    }
}
