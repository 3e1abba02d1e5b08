using System.Text.Json.Nodes;
using Serval.Api.Core;

namespace Serval.Api.Admission;

/// <summary>When pods of a job fail it, and when it has succeeded (kubernetes pkg/apis/batch/validation: validatePodFailurePolicy, validateSuccessPolicy).</summary>
internal static class JobPolicyRules
{
    private const int MostRules = 20;
    private const int MostPatterns = 20;
    private const int MostCodes = 255;
    private const int LongestIndexes = 64 * 1024;

    public static void Failure(JsonObject spec, string path, Problems to)
    {
        if (spec.Object("podFailurePolicy") is not { } policy)
        {
            return;
        }
        if (policy.Array("rules") is { Count: > MostRules } many)
        {
            to.TooMany($"{path}.rules", many.Count, MostRules);
        }
        var pod = spec.Object("template").Object("spec");
        var containers = pod.Objects("containers").Concat(pod.Objects("initContainers")).Select(c => c.Item.String("name")).ToHashSet(StringComparer.Ordinal);
        foreach (var (i, rule) in policy.Objects("rules"))
        {
            Rule(rule, $"{path}.rules[{i}]", spec.Has("backoffLimitPerIndex"), containers, to);
        }
    }

    public static void Success(JsonObject spec, string path, Problems to)
    {
        if (spec.Object("successPolicy") is not { } policy)
        {
            return;
        }
        var rules = policy.Objects("rules").ToList();
        if (spec.String("completionMode") != "Indexed")
        {
            var shown = rules.Select(r => $"{{\"SucceededIndexes\":{r.Item["succeededIndexes"]?.ToJsonString() ?? "null"},\"SucceededCount\":{r.Item["succeededCount"]?.ToJsonString() ?? "null"}}}");
            to.Invalid(path, policy.Array("rules") is null ? "{\"Rules\":null}" : $"{{\"Rules\":[{string.Join(',', shown)}]}}", "requires indexed completion mode");
            return;
        }
        if (rules.Count == 0)
        {
            to.Required($"{path}.rules", "at least one rules must be specified when the successPolicy is specified");
        }
        if (rules.Count > MostRules)
        {
            to.TooMany($"{path}.rules", rules.Count, MostRules);
        }
        foreach (var (i, rule) in rules)
        {
            Enough(rule, spec.Number("completions") ?? 0, $"{path}.rules[{i}]", to);
        }
    }

    /// <summary>How many indexes a text such as <c>0,2-4</c> names, all below <paramref name="completions"/> and rising (validateIndexesFormat).</summary>
    /// <returns>What is wrong, or null.</returns>
    public static string? Indexes(string text, long completions, out long count)
    {
        count = 0;
        long? last = null;
        foreach (var part in text.Length == 0 ? [] : text.Split(','))
        {
            var ends = part.Split('-');
            if (ends.Length > 2)
            {
                return $"the fragment \"{part}\" violates the requirement that an index interval can have at most two parts separated by '-'";
            }
            Span<long> interval = [0, 0];
            for (var i = 0; i < ends.Length; i++)
            {
                if (!long.TryParse(ends[i], System.Globalization.NumberStyles.AllowLeadingSign, System.Globalization.CultureInfo.InvariantCulture, out interval[i]))
                {
                    return $"cannot convert string to integer for index: \"{ends[i]}\"";
                }
                if (interval[i] >= completions)
                {
                    return $"too large index: \"{ends[i]}\"";
                }
            }
            var to = ends.Length > 1 ? interval[1] : interval[0];
            if (ends.Length > 1 && interval[0] >= to)
            {
                return $"non-increasing order, previous: {interval[0]}, current: {to}";
            }
            if (last >= interval[0])
            {
                return $"non-increasing order, previous: {last}, current: {interval[0]}";
            }
            count += to - interval[0] + 1;
            last = to;
        }
        return null;
    }

    private static void Rule(JsonObject rule, string path, bool perIndex, HashSet<string> containers, Problems to)
    {
        var action = rule.String("action");
        if (action.Length == 0)
        {
            to.Required($"{path}.action", "valid values: [\"Count\" \"FailIndex\" \"FailJob\" \"Ignore\"]");
        }
        else if (action == "FailIndex" && !perIndex)
        {
            to.InvalidText($"{path}.action", action, "requires the backoffLimitPerIndex to be set");
        }
        to.OneOf(rule, "action", path, "Count", "FailIndex", "FailJob", "Ignore");
        var conditions = rule.Array("onPodConditions") is { Count: > 0 };
        if (rule.Object("onExitCodes") is { } codes)
        {
            ExitCodes(codes, path + ".onExitCodes", containers, to);
        }
        if (conditions)
        {
            Conditions(rule, path + ".onPodConditions", to);
        }
        if (rule.Has("onExitCodes") == conditions)
        {
            to.Add(new FieldError("FieldValueInvalid", conditions
                ? "Invalid value: specifying both OnExitCodes and OnPodConditions is not supported"
                : "Invalid value: specifying one of OnExitCodes and OnPodConditions is required", path));
        }
    }

    private static void ExitCodes(JsonObject codes, string path, HashSet<string> containers, Problems to)
    {
        if (codes.String("operator").Length == 0)
        {
            to.Required($"{path}.operator", "valid values: [\"In\" \"NotIn\"]");
        }
        to.OneOf(codes, "operator", path, "In", "NotIn");
        if (codes.Has("containerName") && !containers.Contains(codes.String("containerName")))
        {
            to.InvalidText($"{path}.containerName", codes.String("containerName"), "must be one of the container or initContainer names in the pod template");
        }
        var values = codes.Array("values") ?? [];
        if (values.Count == 0)
        {
            to.Invalid(path + ".values", codes.Has("values") ? "[]" : "null", "at least one value is required");
        }
        else if (values.Count > MostCodes)
        {
            to.TooMany(path + ".values", values.Count, MostCodes);
        }
        var seen = new HashSet<long>();
        var (ordered, last) = (true, long.MinValue);
        for (var i = 0; i < values.Count; i++)
        {
            var value = Tree.Number(values[i]) ?? 0;
            if (codes.String("operator") == "In" && value == 0)
            {
                to.Invalid($"{path}.values[{i}]", "0", "must not be 0 for the In operator");
            }
            if (!seen.Add(value))
            {
                to.DuplicateValue($"{path}.values[{i}]", $"{value}");
            }
            (ordered, last) = (ordered && last <= value, value);
        }
        if (!ordered)
        {
            to.Invalid(path + ".values", values.ToJsonString(), "must be ordered");
        }
    }

    private static void Conditions(JsonObject rule, string path, Problems to)
    {
        if (rule.Array("onPodConditions") is { Count: > MostPatterns } many)
        {
            to.TooMany(path, many.Count, MostPatterns);
        }
        foreach (var (i, pattern) in rule.Objects("onPodConditions"))
        {
            to.Check($"{path}[{i}].type", pattern.String("type"), Names.QualifiedNameProblems);
            to.OneOf(pattern, "status", $"{path}[{i}]", "False", "True", "Unknown");
        }
    }

    private static void Enough(JsonObject rule, long completions, string path, Problems to)
    {
        if (!rule.Has("succeededCount") && !rule.Has("succeededIndexes"))
        {
            to.Required(path, "at least one of succeededCount or succeededIndexes must be specified");
        }
        long named = 0;
        if (rule.Has("succeededIndexes"))
        {
            var text = rule.String("succeededIndexes");
            if (text.Length > LongestIndexes)
            {
                to.TooLong($"{path}.succeededIndexes", LongestIndexes);
            }
            if (Indexes(text, completions, out named) is { } wrong)
            {
                to.InvalidText($"{path}.succeededIndexes", text, "error parsing succeededIndexes: " + wrong);
                named = 0;
            }
        }
        if (rule.Number("succeededCount") is not { } count)
        {
            return;
        }
        if (count < 0)
        {
            to.Invalid($"{path}.succeededCount", $"{count}", "must be greater than or equal to 0");
        }
        if (count > completions)
        {
            to.Invalid($"{path}.succeededCount", $"{count}", $"must be less than or equal to {completions} (the number of specified completions)");
        }
        if (rule.Has("succeededIndexes") && count > named)
        {
            to.Invalid($"{path}.succeededCount", $"{count}", $"must be less than or equal to {named} (the number of indexes in the specified succeededIndexes field)");
        }
    }
}
