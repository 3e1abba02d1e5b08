using System.Text.Json.Nodes;
using Serval.Api.Core;
using Serval.Api.GoText;

namespace Serval.Api.Admission;

/// <summary>Kubernetes' rules of Deployments and ReplicaSets.</summary>
internal static class WorkloadRules
{
    public static void Deployment(JsonObject tree, JsonObject? old, Problems to)
    {
        var spec = tree.Object("spec");
        NotNegative(spec, "replicas", to);
        Selected(spec, old, to);
        Strategy(spec.Object("strategy"), to);
        NotNegative(spec, "minReadySeconds", to);
        NotNegative(spec, "revisionHistoryLimit", to);
        NotNegative(spec, "progressDeadlineSeconds", to);
        if (spec.Number("progressDeadlineSeconds") is { } deadline && deadline <= (spec.Number("minReadySeconds") ?? 0))
        {
            to.Invalid("spec.progressDeadlineSeconds", deadline.ToString(), "must be greater than minReadySeconds");
        }
        SameSelector(spec, old, to);
    }

    public static void ReplicaSet(JsonObject tree, JsonObject? old, Problems to)
    {
        var spec = tree.Object("spec");
        NotNegative(spec, "replicas", to);
        NotNegative(spec, "minReadySeconds", to);
        Selected(spec, old, to);
        SameSelector(spec, old, to);
    }

    /// <summary>What a name with dots becomes in the names of pods (registry/apps, registry/batch: WarningsOnCreate).</summary>
    public static void WarnOfName(JsonObject tree, JsonObject? old, AdmissionContext ctx)
    {
        if (old is null && tree.Object("metadata").String("name").Contains('.'))
        {
            ctx.Warn("metadata.name: this is used in Pod names and hostnames, which can result in surprising behavior; a DNS label is recommended: [must not contain dots]");
        }
    }

    private static void SameSelector(JsonObject? spec, JsonObject? old, Problems to)
    {
        var selector = spec.Object("selector");
        if (old is not null && !TreeDiff.Same(old.Object("spec")?["selector"], selector))
        {
            to.Invalid("spec.selector", selector?.ToJsonString() ?? "null", "field is immutable");
        }
    }

    /// <summary>The selector, and the template when the selector can be read at all.</summary>
    private static void Selected(JsonObject? spec, JsonObject? old, Problems to)
    {
        if (!Selector(spec, isNew: old is null, to))
        {
            return;
        }
        var template = spec.Object("template");
        if (PodRules.ChangedTemplate(template, old.Object("spec").Object("template"), "spec.template", to, "Always") && template.Object("spec").Has("activeDeadlineSeconds"))
        {
            to.Forbidden("spec.template.spec.activeDeadlineSeconds", "activeDeadlineSeconds in ReplicaSet is not Supported");
        }
    }

    /// <summary>Whether the selector is one, matching or not.</summary>
    private static bool Selector(JsonObject? spec, bool isNew, Problems to)
    {
        var selector = spec.Object("selector");
        var labels = spec.Object("template").Object("metadata");
        if (selector is null)
        {
            to.Required("spec.selector");
        }
        else
        {
            var before = to.List.Count;
            var parsed = ParseSelector(selector, "spec.selector", to, values: isNew);
            if (to.List.Count > before)
            {
                to.Invalid("spec.selector", selector.ToJsonString(), "invalid label selector");
                return false;
            }
            if (parsed.MatchLabels.Count == 0 && parsed.MatchExpressions.Count == 0)
            {
                to.Invalid("spec.selector", "{}", "empty selector is invalid for deployment");
                return true;
            }
            if (parsed.Matches(labels.Texts("labels")))
            {
                return true;
            }
        }
        to.Invalid("spec.template.metadata.labels", labels.Object("labels")?.ToJsonString() ?? "null", "`selector` does not match template `labels`");
        return true;
    }

    /// <summary>A label selector, whatever is wrong with it said (apimachinery pkg/apis/meta/v1/validation: ValidateLabelSelector).</summary>
    /// <param name="selector">The selector.</param>
    /// <param name="at">Path to it.</param>
    /// <param name="to">Gets what is wrong.</param>
    /// <param name="values">Whether values of requirements must be able to be a label's.</param>
    internal static LabelSelector ParseSelector(JsonObject selector, string at, Problems to, bool values = false)
    {
        foreach (var (key, value) in selector.Texts("matchLabels"))
        {
            to.Check($"{at}.matchLabels", key, Names.QualifiedNameProblems);
            to.Check($"{at}.matchLabels", value, Names.LabelValue);
        }
        var requirements = new List<LabelRequirement>();
        foreach (var (i, expression) in selector.Objects("matchExpressions"))
        {
            var requirement = new LabelRequirement
            {
                Key = expression.String("key"),
                Operator = expression.String("operator"),
                Values = [.. (expression.Array("values") ?? []).Select(Tree.Text)],
            };
            requirements.Add(requirement);
            Requirement(requirement, $"{at}.matchExpressions[{i}]", values, to);
        }
        return new LabelSelector { MatchLabels = selector.Texts("matchLabels"), MatchExpressions = requirements };
    }

    private static void Requirement(LabelRequirement requirement, string path, bool values, Problems to)
    {
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
            to.InvalidText($"{path}.operator", requirement.Operator, "not a valid selector operator");
        }
        to.Check($"{path}.key", requirement.Key, Names.QualifiedNameProblems);
        foreach (var (i, value) in requirement.Values.Index().Where(_ => values))
        {
            to.Check($"{path}.values[{i}]", value, Names.LabelValue);
        }
    }

    private static void Strategy(JsonObject? strategy, Problems to)
    {
        var type = strategy.String("type");
        if (type is not ("RollingUpdate" or "Recreate"))
        {
            to.Add(new FieldError("FieldValueNotSupported", $"Unsupported value: {ShownStrategy(strategy, type)}: supported values: \"Recreate\", \"RollingUpdate\"", "spec.strategy"));
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
            to.Invalid("spec.strategy.rollingUpdate.maxUnavailable", rolling?["maxUnavailable"]?.ToJsonString() ?? "0", "may not be 0 when `maxSurge` is 0");
        }
    }

    // A number, or a percentage as text; null when neither.
    private static long? Share(JsonObject? rolling, string field, long most, Problems to)
    {
        var path = $"spec.strategy.rollingUpdate.{field}";
        var text = rolling.String(field);
        if (text.Length > 0)
        {
            if (!text.EndsWith('%') || !long.TryParse(text[..^1], System.Globalization.NumberStyles.None, null, out var percent))
            {
                to.InvalidText(path, text, DisruptionRules.NoPercent);
                return null;
            }
            if (percent > most)
            {
                to.InvalidText(path, text, "must not be greater than 100%");
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

    private static string ShownStrategy(JsonObject? strategy, string type) =>
        $"{{\"Type\":{GoQuote.Quote(type)},\"RollingUpdate\":{ShownRolling(strategy.Object("rollingUpdate"))}}}";

    private static string ShownRolling(JsonObject? rolling) => rolling is null
        ? "null"
        : $"{{\"MaxUnavailable\":{rolling["maxUnavailable"]?.ToJsonString() ?? "0"},\"MaxSurge\":{rolling["maxSurge"]?.ToJsonString() ?? "0"}}}";

    private static void NotNegative(JsonObject? spec, string field, Problems to)
    {
        if (spec.Number(field) is < 0)
        {
            to.Invalid($"spec.{field}", spec.Number(field).ToString()!, "must be greater than or equal to 0");
        }
    }
}
