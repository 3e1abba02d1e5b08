using System.Globalization;
using System.Text.Json.Nodes;

namespace Serval.Api.Admission;

/// <summary>PodDisruptionBudgets (kubernetes pkg/apis/policy/validation).</summary>
internal static class DisruptionRules
{
    /// <summary>What is said of a text that is no percentage (apimachinery: validation.IsValidPercent).</summary>
    internal const string NoPercent = "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')";

    public static void Check(JsonObject tree, Problems to)
    {
        var spec = tree.Object("spec") ?? [];
        if (spec.Has("minAvailable") && spec.Has("maxUnavailable"))
        {
            to.Invalid("spec", Shown(spec), "minAvailable and maxUnavailable cannot be both set");
        }
        Amount(spec, "minAvailable", to);
        Amount(spec, "maxUnavailable", to);
        to.OneOf(spec, "unhealthyPodEvictionPolicy", "spec", "AlwaysAllow", "IfHealthyBudget");
        if (spec.Object("selector") is { } selector)
        {
            WorkloadRules.ParseSelector(selector, "spec.selector", to);
        }
    }

    // As upstream's internal type shows itself.
    private static string Shown(JsonObject spec) => $"{{\"MinAvailable\":{Value(spec, "minAvailable")},\"Selector\":{Value(spec, "selector")},"
        + $"\"MaxUnavailable\":{Value(spec, "maxUnavailable")},\"UnhealthyPodEvictionPolicy\":{Value(spec, "unhealthyPodEvictionPolicy")}}}";

    private static string Value(JsonObject spec, string field) => spec[field]?.ToJsonString() ?? "null";

    private static void Amount(JsonObject spec, string field, Problems to)
    {
        var path = "spec." + field;
        if (spec.String(field) is { Length: > 0 } text)
        {
            if (!text.EndsWith('%') || !int.TryParse(text.AsSpan(0, text.Length - 1), NumberStyles.None, CultureInfo.InvariantCulture, out var percent))
            {
                to.InvalidText(path, text, NoPercent);
            }
            else if (percent > 100)
            {
                to.InvalidText(path, text, "must not be greater than 100%");
            }
        }
        else if (spec.Number(field) is < 0)
        {
            to.Invalid(path, spec.Number(field).ToString()!, "must be greater than or equal to 0");
        }
    }
}
