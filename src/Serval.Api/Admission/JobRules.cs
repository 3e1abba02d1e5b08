using System.Text.Json.Nodes;

namespace Serval.Api.Admission;

/// <summary>Jobs (kubernetes pkg/apis/batch: defaults, validation; pkg/registry/batch/job: the generated selector).</summary>
internal static class JobRules
{
    private const int DefaultBackoff = 6;
    private const int MostParallelIndexed = 100_000;
    private const int MostIndexedName = 63;
    private const string UidLabel = "batch.kubernetes.io/controller-uid";
    private const string NameLabel = "batch.kubernetes.io/job-name";

    public static void Default(JsonObject tree, JsonObject? old)
    {
        var spec = tree.Ensure("spec");
        if (!spec.Has("completions") && !spec.Has("parallelism"))
        {
            spec["completions"] = 1;
        }
        spec.Default("parallelism", 1);
        spec.Default("backoffLimit", spec.Has("backoffLimitPerIndex") ? int.MaxValue : DefaultBackoff);
        spec.DefaultZero("completionMode", "NonIndexed");
        spec.Default("suspend", false);
        spec.Default("manualSelector", false);
        spec.DefaultZero("podReplacementPolicy", spec.Has("podFailurePolicy") ? "Failed" : "TerminatingOrFailed");
        foreach (var (_, rule) in spec.Object("podFailurePolicy").Objects("rules"))
        {
            foreach (var (_, pattern) in rule.Objects("onPodConditions"))
            {
                pattern.DefaultZero("status", "True");
            }
        }
        var template = spec.Ensure("template");
        PodDefaults.Template(template);
        if (old is null && spec.Bool("manualSelector") != true)
        {
            Select(tree.Object("metadata"), spec, template);
        }
        if (tree.Object("metadata") is { } metadata && !metadata.Has("labels") && template.Object("metadata").Object("labels") is { } labels)
        {
            metadata["labels"] = labels.DeepClone();
        }
    }

    public static void Check(JsonObject tree, JsonObject? old, Problems to)
    {
        var spec = tree.Object("spec") ?? [];
        foreach (var field in (ReadOnlySpan<string>)
            ["parallelism", "completions", "activeDeadlineSeconds", "backoffLimit", "ttlSecondsAfterFinished", "backoffLimitPerIndex", "maxFailedIndexes"])
        {
            if (spec.Number(field) is < 0)
            {
                to.Invalid("spec." + field, spec.Number(field).ToString()!, "must be greater than or equal to 0");
            }
        }
        Selector(tree, spec, to);
        Mode(tree, spec, to);
        to.OneOf(spec, "podReplacementPolicy", "spec", "Failed", "TerminatingOrFailed");
        FailurePolicy(spec, to);
        if (!PodRules.SameTemplate(spec.Object("template"), old.Object("spec").Object("template")))
        {
            PodRules.Template(spec.Object("template"), "spec.template", to, "OnFailure", "Never");
        }
        if (old.Object("spec") is { } before)
        {
            Unchanged(spec, before, old.Object("status"), to);
        }
    }

    /// <summary>What is stored and then not looked at.</summary>
    public static void Warn(JsonObject tree, AdmissionContext ctx)
    {
        var spec = tree.Object("spec");
        foreach (var field in (ReadOnlySpan<string>)["backoffLimitPerIndex", "maxFailedIndexes", "successPolicy"])
        {
            if (spec.Has(field))
            {
                ctx.Warn($"spec.{field} is stored but not honoured by Serval");
            }
        }
        if (spec.Object("podFailurePolicy").Objects("rules").Any(r => r.Item.String("action") == "FailIndex"))
        {
            ctx.Warn("spec.podFailurePolicy: action FailIndex counts the failure, as Count does");
        }
    }

    /// <summary>The pods of a job are told by its uid, so that no two jobs ever share one.</summary>
    private static void Select(JsonObject? metadata, JsonObject spec, JsonObject template)
    {
        var (uid, name) = (metadata.String("uid"), metadata.String("name"));
        spec.Ensure("selector").Ensure("matchLabels").Default(UidLabel, uid);
        var labels = template.Ensure("metadata").Ensure("labels");
        labels.Default(UidLabel, uid);
        labels.Default(NameLabel, name);
        labels.Default("controller-uid", uid); // of before 1.27
        labels.Default("job-name", name);
    }

    private static void Selector(JsonObject tree, JsonObject spec, Problems to)
    {
        var selector = spec.Object("selector");
        if (selector is null)
        {
            to.Required("spec.selector");
            return;
        }
        var labels = spec.Object("template").Object("metadata").Texts("labels");
        var chosen = selector.Texts("matchLabels");
        if (spec.Bool("manualSelector") != true
            && (chosen.Count != 1 || chosen.GetValueOrDefault(UidLabel) != tree.Object("metadata").String("uid") || selector.Array("matchExpressions") is { Count: > 0 }))
        {
            to.Invalid("spec.selector", selector.ToJsonString(), "`selector` not auto-generated");
        }
        if (chosen.Any(l => labels.GetValueOrDefault(l.Key) != l.Value))
        {
            to.Invalid("spec.template.metadata.labels", spec.Object("template").Object("metadata").Object("labels")?.ToJsonString() ?? "null",
                "`selector` does not match template `labels`");
        }
    }

    private static void Mode(JsonObject tree, JsonObject spec, Problems to)
    {
        to.OneOf(spec, "completionMode", "spec", "NonIndexed", "Indexed");
        if (spec.String("completionMode") != "Indexed")
        {
            return;
        }
        if (!spec.Has("completions"))
        {
            to.Required("spec.completions", "when completion mode is Indexed");
        }
        if (spec.Number("parallelism") is > MostParallelIndexed)
        {
            to.Invalid("spec.parallelism", spec.Number("parallelism").ToString()!, $"must be less than or equal to {MostParallelIndexed} when completion mode is Indexed");
        }
        // The last pod's host name must still be a label.
        var last = $"{tree.Object("metadata").String("name")}-{Math.Max(0, (spec.Number("completions") ?? 1) - 1)}";
        if (last.Length > MostIndexedName)
        {
            to.InvalidText("metadata.name", tree.Object("metadata").String("name"), $"will not able to create pod with invalid DNS label: {last}");
        }
    }

    private static void FailurePolicy(JsonObject spec, Problems to)
    {
        if (spec.Object("podFailurePolicy") is not { } policy)
        {
            return;
        }
        if (spec.Object("template").Object("spec").String("restartPolicy") != "Never")
        {
            to.Invalid("spec.template.spec.restartPolicy", $"\"{spec.Object("template").Object("spec").String("restartPolicy")}\"", "only \"Never\" is supported when podFailurePolicy is specified");
        }
        foreach (var (i, rule) in policy.Objects("rules"))
        {
            var path = $"spec.podFailurePolicy.rules[{i}]";
            to.Need(rule, "action", path);
            to.OneOf(rule, "action", path, "Count", "FailIndex", "FailJob", "Ignore");
            if (rule.Has("onExitCodes") == (rule.Array("onPodConditions") is { Count: > 0 }))
            {
                to.Add(new FieldError("FieldValueInvalid", rule.Has("onExitCodes")
                    ? "Invalid value: specifying both OnExitCodes and OnPodConditions is not supported"
                    : "Invalid value: specifying one of OnExitCodes and OnPodConditions is required", path));
            }
            if (rule.Object("onExitCodes") is { } codes)
            {
                ExitCodes(codes, path + ".onExitCodes", to);
            }
        }
    }

    private static void ExitCodes(JsonObject codes, string path, Problems to)
    {
        to.Need(codes, "operator", path);
        to.OneOf(codes, "operator", path, "In", "NotIn");
        var values = codes.Array("values") ?? [];
        if (values.Count == 0)
        {
            to.Invalid(path + ".values", "[]", "at least one value is required");
        }
        for (var i = 0; i < values.Count; i++)
        {
            if (codes.String("operator") == "In" && Tree.Number(values[i]) == 0)
            {
                to.Invalid($"{path}.values[{i}]", "0", "must not be 0 for the In operator");
            }
        }
    }

    private static void Unchanged(JsonObject spec, JsonObject before, JsonObject? status, Problems to)
    {
        foreach (var field in (ReadOnlySpan<string>)["selector", "template", "completionMode", "podFailurePolicy", "backoffLimitPerIndex", "managedBy", "successPolicy"])
        {
            if (field == "template" && MayBePlaced(before, status))
            {
                SameButPlaced(spec.Object(field), PodRules.Defaulted(before.Object(field)), to);
            }
            else if (!TreeDiff.Same(before[field], spec[field]) && !(field == "template" && TreeDiff.Same(PodRules.Defaulted(before.Object(field)), spec[field])))
            {
                to.Invalid("spec." + field, spec[field]?.ToJsonString() ?? "null", "field is immutable");
            }
        }
        // An indexed job may grow and shrink as a whole.
        if (!TreeDiff.Same(before["completions"], spec["completions"])
            && !(spec.String("completionMode") == "Indexed" && spec.Number("completions") == spec.Number("parallelism")))
        {
            to.Invalid("spec.completions", spec["completions"]?.ToJsonString() ?? "null", "field is immutable");
        }
    }

    /// <summary>Whether the job waits to be let go and has no pods: queues say meanwhile where they are to run and what they get (registry/batch/job: shouldAllowMutablePodTemplate).</summary>
    private static bool MayBePlaced(JsonObject before, JsonObject? status) => before.Bool("suspend") == true && (status.Number("active") ?? 0) == 0
        && (!status.Has("startTime") || status.Objects("conditions").Any(c => c.Item.String("type") == "Suspended" && c.Item.String("status") == "True"));

    private static void SameButPlaced(JsonObject? template, JsonObject? was, Problems to)
    {
        var (spec, before) = (template.Object("spec"), was.Object("spec"));
        if (spec is null || before is null)
        {
            return; // said by the template's own rules
        }
        foreach (var field in (ReadOnlySpan<string>)["nodeSelector", "tolerations", "schedulingGates"])
        {
            before[field] = spec[field]?.DeepClone();
        }
        if (spec.Object("affinity") is not null || before.Object("affinity") is not null)
        {
            before.Ensure("affinity")["nodeAffinity"] = spec.Object("affinity")?["nodeAffinity"]?.DeepClone();
        }
        foreach (var list in (ReadOnlySpan<string>)["containers", "initContainers"])
        {
            foreach (var ((_, now), (_, then)) in spec.Objects(list).Zip(before.Objects(list)).Where(p => p.First.Item.String("name") == p.Second.Item.String("name")))
            {
                then["resources"] = now["resources"]?.DeepClone();
            }
        }
        if (!TreeDiff.Same(WithoutNulls(before), WithoutNulls(spec)))
        {
            to.Invalid("spec.template.spec", spec.ToJsonString(), "field is immutable");
        }
    }

    // An affinity that says nothing is none.
    private static JsonObject WithoutNulls(JsonObject spec)
    {
        var copy = spec.DeepClone().AsObject();
        if (copy.Object("affinity") is { } affinity && affinity.All(a => a.Value is null))
        {
            copy.Remove("affinity");
        }
        return copy;
    }
}
