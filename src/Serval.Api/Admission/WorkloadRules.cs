using System.Text.Json.Nodes;
using Serval.Api.Core;

namespace Serval.Api.Admission;

/// <summary>Kubernetes' rules of Deployments and ReplicaSets.</summary>
internal static class WorkloadRules
{
    public static void Deployment(JsonObject tree, JsonObject? old, Problems to)
    {
        Shared(tree, old, to);
        var spec = tree.Object("spec");
        NotNegative(spec, "revisionHistoryLimit", to);
        NotNegative(spec, "progressDeadlineSeconds", to);
        if (spec.Number("progressDeadlineSeconds") is { } deadline && deadline <= (spec.Number("minReadySeconds") ?? 0))
        {
            to.Invalid("spec.progressDeadlineSeconds", deadline.ToString(), "must be greater than minReadySeconds");
        }
        Strategy(spec.Object("strategy"), to);
    }

    public static void ReplicaSet(JsonObject tree, JsonObject? old, Problems to) => Shared(tree, old, to);

    private static void Shared(JsonObject tree, JsonObject? old, Problems to)
    {
        var spec = tree.Object("spec");
        NotNegative(spec, "replicas", to);
        NotNegative(spec, "minReadySeconds", to);
        Selector(spec, to);
        if (!PodRules.SameTemplate(spec.Object("template"), old.Object("spec").Object("template")))
        {
            PodRules.Template(spec.Object("template"), "spec.template", to);
        }
        var selector = spec.Object("selector");
        if (old is not null && !TreeDiff.Same(old.Object("spec")?["selector"], selector))
        {
            to.Invalid("spec.selector", selector?.ToJsonString() ?? "null", "field is immutable");
        }
    }

    private static void Selector(JsonObject? spec, Problems to)
    {
        var selector = spec.Object("selector");
        if (selector is null)
        {
            to.Required("spec.selector");
            return;
        }
        var parsed = ParseSelector(selector, "spec.selector", to);
        if (parsed.MatchLabels.Count == 0 && parsed.MatchExpressions.Count == 0)
        {
            to.Invalid("spec.selector", "{}", "empty selector is invalid for deployment");
            return;
        }
        var labels = spec.Object("template").Object("metadata").Texts("labels");
        if (!parsed.Matches(labels))
        {
            to.Invalid("spec.template.metadata.labels", spec.Object("template").Object("metadata").Object("labels")?.ToJsonString() ?? "null",
                "`selector` does not match template `labels`");
        }
    }

    /// <summary>A label selector, whatever is wrong with it said.</summary>
    internal static LabelSelector ParseSelector(JsonObject selector, string at, Problems to)
    {
        foreach (var (key, value) in selector.Texts("matchLabels"))
        {
            to.Check($"{at}.matchLabels", key, Names.QualifiedName);
            to.Check($"{at}.matchLabels", value, Names.LabelValue);
        }
        var requirements = new List<LabelRequirement>();
        foreach (var (i, expression) in selector.Objects("matchExpressions"))
        {
            var path = $"{at}.matchExpressions[{i}]";
            var requirement = new LabelRequirement
            {
                Key = expression.String("key"),
                Operator = expression.String("operator"),
                Values = [.. expression.Strings("values")],
            };
            requirements.Add(requirement);
            to.Check($"{path}.key", requirement.Key, Names.QualifiedName);
            if (requirement.Operator is "In" or "NotIn" && requirement.Values.Count == 0)
            {
                to.Required($"{path}.values", "must be specified when `operator` is 'In' or 'NotIn'");
            }
            else if (requirement.Operator is "Exists" or "DoesNotExist" && requirement.Values.Count > 0)
            {
                to.Forbidden($"{path}.values", "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
            }
            else if (requirement.Operator is not ("In" or "NotIn" or "Exists" or "DoesNotExist"))
            {
                to.Invalid($"{path}.operator", $"\"{requirement.Operator}\"", "not a valid selector operator");
            }
        }
        return new LabelSelector { MatchLabels = selector.Texts("matchLabels"), MatchExpressions = requirements };
    }

    private static void Strategy(JsonObject? strategy, Problems to)
    {
        var type = strategy.String("type");
        if (type is not ("RollingUpdate" or "Recreate"))
        {
            to.Unsupported("spec.strategy.type", type, "Recreate", "RollingUpdate");
            return;
        }
        var rolling = strategy.Object("rollingUpdate");
        if (type == "Recreate")
        {
            if (rolling is not null)
            {
                to.Forbidden("spec.strategy.rollingUpdate", "may not be specified when strategy `type` is 'Recreate'");
            }
            return;
        }
        var unavailable = Share(rolling, "maxUnavailable", most: 100, to);
        var surge = Share(rolling, "maxSurge", most: int.MaxValue, to);
        if (unavailable == 0 && surge == 0)
        {
            to.Invalid("spec.strategy.rollingUpdate.maxUnavailable", "0", "may not be 0 when `maxSurge` is 0");
        }
    }

    // A number, or a percentage as text; null when neither.
    private static long? Share(JsonObject? rolling, string field, long most, Problems to)
    {
        var path = $"spec.strategy.rollingUpdate.{field}";
        var text = rolling.String(field);
        if (text.Length > 0)
        {
            if (!text.EndsWith('%') || !long.TryParse(text[..^1], System.Globalization.NumberStyles.None, null, out var percent) || percent > most)
            {
                to.InvalidText(path, text, most == 100 ? "must be a percentage from 0% to 100%" : "must be an integer or percentage (e.g '5%')");
                return null;
            }
            return percent;
        }
        if (rolling.Number(field) is < 0)
        {
            to.Invalid(path, rolling.Number(field).ToString()!, "must be greater than or equal to 0");
        }
        return rolling.Number(field);
    }

    private static void NotNegative(JsonObject? spec, string field, Problems to)
    {
        if (spec.Number(field) is < 0)
        {
            to.Invalid($"spec.{field}", spec.Number(field).ToString()!, "must be greater than or equal to 0");
        }
    }
}
