using System.Text;
using System.Text.Json.Nodes;
using Serval.Api.Core;

namespace Serval.Api.Admission;

/// <summary>Jobs (kubernetes pkg/apis/batch: defaults, validation; pkg/registry/batch/job: the generated selector).</summary>
internal static class JobRules
{
    private const int DefaultBackoff = 6;
    private const int MostIndexed = 100_000;
    private const int MostOfMany = 10_000;
    private const int MostManagedBy = 63;
    private const string UidLabel = "batch.kubernetes.io/controller-uid";
    private const string NameLabel = "batch.kubernetes.io/job-name";
    private const string TemplateLabels = "spec.template.metadata.labels";
    private const string Mismatch = "`selector` does not match template `labels`";

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
        Patterns(spec);
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

    /// <summary>What a pattern of conditions asks for when it does not say.</summary>
    public static void Patterns(JsonObject spec)
    {
        foreach (var (_, rule) in spec.Object("podFailurePolicy").Objects("rules"))
        {
            foreach (var (_, pattern) in rule.Objects("onPodConditions"))
            {
                pattern.DefaultZero("status", "True");
            }
        }
    }

    public static void Check(JsonObject tree, JsonObject? old, Problems to)
    {
        var spec = tree.Object("spec") ?? [];
        if (old is null)
        {
            Generated(tree.Object("metadata"), spec, to);
        }
        if (!StoredSpec.Kept(tree, old, stored => Default(stored, stored)))
        {
            Spec(spec, old.Object("spec"), "spec", to);
        }
        Selector(spec, to);
        if (old is null || old.Object("spec").Number("completions") != spec.Number("completions"))
        {
            HostName(tree.Object("metadata"), spec, to);
        }
        if (old.Object("spec") is { } before)
        {
            Unchanged(spec, before, old.Object("status"), to);
        }
    }

    /// <summary>What any job must have, one that is made later by the clock too (validateJobSpec).</summary>
    public static void Spec(JsonObject spec, JsonObject? before, string path, Problems to)
    {
        foreach (var field in (ReadOnlySpan<string>)
            ["parallelism", "completions", "activeDeadlineSeconds", "backoffLimit", "ttlSecondsAfterFinished", "backoffLimitPerIndex", "maxFailedIndexes"])
        {
            if (spec.Number(field) is < 0)
            {
                to.Invalid($"{path}.{field}", spec.Number(field).ToString()!, "must be greater than or equal to 0");
            }
        }
        if (spec.Has("maxFailedIndexes") && !spec.Has("backoffLimitPerIndex"))
        {
            to.Required($"{path}.backoffLimitPerIndex", "when maxFailedIndexes is specified");
        }
        if (spec.Has("managedBy"))
        {
            ManagedBy(spec.String("managedBy"), $"{path}.managedBy", to);
        }
        Mode(spec, path, to);
        JobPolicyRules.Failure(spec, $"{path}.podFailurePolicy", to);
        JobPolicyRules.Success(spec, $"{path}.successPolicy", to);
        if (!spec.Has("podFailurePolicy"))
        {
            to.OneOf(spec, "podReplacementPolicy", path, "Failed", "TerminatingOrFailed");
        }
        else if (spec.String("podReplacementPolicy") is { Length: > 0 } replaced and not "Failed")
        {
            to.Unsupported($"{path}.podReplacementPolicy", replaced, "Failed");
        }
        PodRules.ChangedTemplate(spec.Object("template"), before.Object("template"), $"{path}.template", to, "OnFailure", "Never");
        if (spec.Has("podFailurePolicy") && spec.Object("template").Object("spec").String("restartPolicy") == "OnFailure")
        {
            to.InvalidText($"{path}.template.spec.restartPolicy", "OnFailure", "only \"Never\" is supported when podFailurePolicy is specified");
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

    // Somebody may have written labels of their own in their place.
    private static void Generated(JsonObject? metadata, JsonObject spec, Problems to)
    {
        if (spec.Bool("manualSelector") == true || spec.Object("selector") is not { } selector)
        {
            return;
        }
        var (uid, name) = (metadata.String("uid"), metadata.String("name"));
        var template = spec.Object("template").Object("metadata").Object("labels");
        foreach (var (label, expected) in (ReadOnlySpan<(string, string)>)[("controller-uid", uid), ("job-name", name), (UidLabel, uid), (NameLabel, name)])
        {
            if (template.String(label) != expected)
            {
                var shown = new JsonObject((template ?? []).OrderBy(static l => l.Key, StringComparer.Ordinal).Select(static l => KeyValuePair.Create(l.Key, l.Value?.DeepClone())));
                to.Invalid($"{TemplateLabels}[{label}]", shown.ToJsonString(), $"must be '{expected}'");
            }
        }
        var chosen = selector.Texts("matchLabels");
        if (chosen.Count != 1 || chosen.GetValueOrDefault(UidLabel) != uid || selector.Array("matchExpressions") is { Count: > 0 })
        {
            to.Invalid("spec.selector", selector.ToJsonString(), "`selector` not auto-generated");
        }
    }

    private static void Selector(JsonObject spec, Problems to)
    {
        var labels = spec.Object("template").Object("metadata");
        if (spec.Object("selector") is not { } selector)
        {
            to.Required("spec.selector");
            to.Invalid(TemplateLabels, labels.Object("labels")?.ToJsonString() ?? "null", Mismatch); // no selector selects nothing
            return;
        }
        var has = labels.Texts("labels");
        if (selector.Texts("matchLabels").Any(l => has.GetValueOrDefault(l.Key) != l.Value))
        {
            to.Invalid(TemplateLabels, labels.Object("labels")?.ToJsonString() ?? "null", Mismatch);
        }
    }

    // A domain and a path of it (apimachinery util/validation: IsDomainPrefixedPath).
    private static void ManagedBy(string manager, string path, Problems to)
    {
        var slash = manager.IndexOf('/', StringComparison.Ordinal);
        if (manager.Length == 0)
        {
            to.Required(path);
        }
        else if (slash < 1 || slash == manager.Length - 1)
        {
            to.InvalidText(path, manager, "must be a domain-prefixed path (such as \"acme.io/foo\")");
        }
        else
        {
            to.Check(path, manager[..slash], Names.Subdomain);
        }
        if (Encoding.UTF8.GetByteCount(manager) > MostManagedBy)
        {
            to.TooLong(path, MostManagedBy);
        }
    }

    private static void Mode(JsonObject spec, string path, Problems to)
    {
        to.OneOf(spec, "completionMode", path, "NonIndexed", "Indexed");
        var (completions, parallelism, most) = (spec.Number("completions"), spec.Number("parallelism"), spec.Number("maxFailedIndexes"));
        if (spec.String("completionMode") is "" or "NonIndexed")
        {
            foreach (var field in (ReadOnlySpan<string>)["backoffLimitPerIndex", "maxFailedIndexes"])
            {
                if (spec.Number(field) is { } number)
                {
                    to.Invalid($"{path}.{field}", $"{number}", "requires indexed completion mode");
                }
            }
        }
        if (spec.String("completionMode") != "Indexed")
        {
            return;
        }
        if (completions is null)
        {
            to.Required($"{path}.completions", "when completion mode is Indexed");
        }
        if (parallelism is > MostIndexed)
        {
            to.Invalid($"{path}.parallelism", $"{parallelism}", $"must be less than or equal to {MostIndexed} when completion mode is Indexed");
        }
        if (most > completions)
        {
            to.Invalid($"{path}.maxFailedIndexes", $"{most}", "must be less than or equal to completions");
        }
        if (most > MostIndexed)
        {
            to.Invalid($"{path}.maxFailedIndexes", $"{most}", $"must be less than or equal to {MostIndexed}");
        }
        if (completions is not > MostIndexed || !spec.Has("backoffLimitPerIndex"))
        {
            return;
        }
        if (most is null)
        {
            to.Required($"{path}.maxFailedIndexes", $"must be specified when completions is above {MostIndexed}");
        }
        foreach (var field in (ReadOnlySpan<string>)["parallelism", "maxFailedIndexes"])
        {
            if (spec.Number(field) is > MostOfMany and var number)
            {
                to.Invalid($"{path}.{field}", $"{number}", $"must be less than or equal to {MostOfMany} when completions are above {MostIndexed} and used with backoff limit per index");
            }
        }
    }

    // The last pod's host name must still be a label.
    private static void HostName(JsonObject? metadata, JsonObject spec, Problems to)
    {
        if (spec.String("completionMode") == "Indexed" && spec.Number("completions") is > 0 and var completions
            && $"{metadata.String("name")}-{completions - 1}" is var last && Names.Label(last) is not null)
        {
            to.InvalidText("metadata.name", metadata.String("name"), $"will not able to create pod with invalid DNS label: {last}");
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
        var indexed = spec.String("completionMode") == "Indexed";
        if (!TreeDiff.Same(before["completions"], spec["completions"]) && !(indexed && (!spec.Has("completions") || spec.Number("completions") == spec.Number("parallelism"))))
        {
            to.Invalid("spec.completions", spec["completions"]?.ToJsonString() ?? "null", indexed ? "can only be modified in tandem with spec.parallelism" : "field is immutable");
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
