using System.Text.Json.Nodes;
using Serval.Api.Core;

namespace Serval.Api.Admission;

/// <summary>
/// Kubernetes' rules of kinds that are stored and not acted on: what a cluster would refuse is refused here, before it gets there (kubernetes pkg/apis/{apps,core,networking}/validation).
/// A spec that an update leaves as it was is not judged again.
/// </summary>
internal static class StoredRules
{
    private const string Labels = "spec.template.metadata.labels";
    private const string Mismatch = "`selector` does not match template `labels`";

    public static void Check(ResourceKind kind, JsonObject tree, JsonObject? old, Problems to)
    {
        if (old is not null)
        {
            if (Same(old, tree))
            {
                return; // without a copy: most updates are of statuses
            }
            void Defaults(JsonObject stored) => StoredDefaults.Apply(kind, stored);
            (tree, old) = (StoredSpec.Completed(tree, Defaults), StoredSpec.Completed(old, Defaults)); // either may be from before there were defaults
            if (Same(old, tree))
            {
                return;
            }
        }
        if (kind == StoredKinds.StatefulSet)
        {
            StatefulSet(tree.Object("spec"), old.Object("spec"), to);
        }
        else if (kind == StoredKinds.DaemonSet)
        {
            DaemonSet(tree.Object("spec"), old.Object("spec"), to);
        }
        else if (kind == StoredKinds.CronJob)
        {
            CronJobRules.Check(tree, old, to);
        }
        else if (kind == StoredKinds.ReplicationController)
        {
            ReplicationController(tree.Object("spec"), old.Object("spec"), to);
        }
        else if (kind == StoredKinds.PodTemplate)
        {
            PodRules.Template(tree.Object("template"), old.Object("template"), "template", to, "Always", "OnFailure", "Never");
        }
        else if (kind == StoredKinds.PersistentVolumeClaim)
        {
            ClaimRules.Check(tree.Object("spec"), old is null ? null : old.Object("spec") ?? [], "spec", to);
        }
        else if (kind == StoredKinds.LimitRange)
        {
            LimitRangeRules.Check(tree, to);
        }
        else if (kind == StoredKinds.NetworkPolicy)
        {
            NetworkPolicyRules.Check(tree.Object("spec"), to);
        }
        else if (kind == StoredKinds.ApiService)
        {
            ApiServiceRules.Check(tree, to);
        }
        else if (kind == StoredKinds.Ingress)
        {
            IngressRules.Check(tree, old, to);
        }
    }

    private static bool Same(JsonObject old, JsonObject tree) =>
        TreeDiff.Same(old["spec"], tree["spec"]) && TreeDiff.Same(old["template"], tree["template"]);

    private static void StatefulSet(JsonObject? spec, JsonObject? before, Problems to)
    {
        if (spec.String("podManagementPolicy") is not ("OrderedReady" or "Parallel") and var policy)
        {
            to.InvalidText("spec.podManagementPolicy", policy, "must be 'OrderedReady' or 'Parallel'");
        }
        SetStrategy(spec.Object("updateStrategy"), to);
        foreach (var field in (ReadOnlySpan<string>)["whenDeleted", "whenScaled"])
        {
            to.OneOf(spec.Object("persistentVolumeClaimRetentionPolicy"), field, "spec.persistentVolumeClaimRetentionPolicy", "Retain", "Delete");
        }
        NotNegative(spec, "spec", to, "replicas", "minReadySeconds");
        NotNegative(spec.Object("ordinals"), "spec.ordinals", to, "start");
        if (before is null && spec.String("serviceName") is { Length: > 0 } service)
        {
            to.Check("spec.serviceName", service, Names.Label);
        }
        if (!Selector(spec, "statefulset", required: true, isNew: before is null, to))
        {
            to.Invalid("spec.selector", spec.Object("selector")!.ToJsonString(), "");
        }
        else
        {
            Template(Mounted(spec), before, "StatefulSet", to);
        }
        if (before is null || spec is null)
        {
            return;
        }
        foreach (var (field, was) in before.Concat(spec.Where(f => !before.ContainsKey(f.Key)).Select(static f => KeyValuePair.Create(f.Key, (JsonNode?)null))))
        {
            var free = field is "replicas" or "ordinals" or "template" or "updateStrategy" or "revisionHistoryLimit" or "persistentVolumeClaimRetentionPolicy" or "minReadySeconds";
            var same = field == "serviceName" ? before.String(field) == spec.String(field) : TreeDiff.Same(was, spec[field]); // Go writes an empty serviceName
            if (!free && !same)
            {
                to.Forbidden("spec", "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden");
                return;
            }
        }
    }

    private static void SetStrategy(JsonObject? strategy, Problems to)
    {
        const string path = "spec.updateStrategy";
        var rolling = strategy.Object("rollingUpdate");
        switch (strategy.String("type"))
        {
            case "OnDelete" when rolling is not null:
                to.Invalid($"{path}.rollingUpdate", rolling.ToJsonString(), "only allowed for updateStrategy 'RollingUpdate'");
                break;
            case "OnDelete":
                break;
            case "RollingUpdate":
                NotNegative(rolling, $"{path}.rollingUpdate", to, "partition");
                break;
            default:
                to.Invalid(path, strategy?.ToJsonString() ?? "null", "must be 'RollingUpdate' or 'OnDelete'");
                break;
        }
    }

    // The claims of a set are volumes of its pods.
    private static JsonObject? Mounted(JsonObject? spec)
    {
        var claims = spec.Objects("volumeClaimTemplates").Select(c => c.Item.Object("metadata").String("name")).Where(n => n.Length > 0).ToList();
        if (claims.Count == 0 || spec.Object("template").Object("spec") is null)
        {
            return spec;
        }
        var copy = spec!.DeepClone().AsObject();
        var pod = copy.Object("template")!.Ensure("spec");
        var claimed = claims.ToHashSet(StringComparer.Ordinal);
        var own = pod.Objects("volumes").Where(v => !claimed.Contains(v.Item.String("name"))).Select(v => v.Item.DeepClone());
        pod["volumes"] = new JsonArray([.. claims.Select(static c => (JsonNode)new JsonObject { ["name"] = c, ["persistentVolumeClaim"] = new JsonObject { ["claimName"] = c } }), .. own]);
        return copy;
    }

    private static void DaemonSet(JsonObject? spec, JsonObject? before, Problems to)
    {
        if (Selector(spec, "daemonset", required: false, isNew: before is null, to))
        {
            Template(spec, before, "DaemonSet", to);
        }
        NotNegative(spec, "spec", to, "minReadySeconds");
        var strategy = spec.Object("updateStrategy");
        switch (strategy.String("type"))
        {
            case "OnDelete":
                break;
            case "RollingUpdate":
                Shares(strategy.Object("rollingUpdate"), to);
                break;
            default:
                to.Unsupported("spec.updateStrategy", strategy.String("type"), "RollingUpdate", "OnDelete");
                break;
        }
        NotNegative(spec, "spec", to, "revisionHistoryLimit");
        if (before is not null && !TreeDiff.Same(before["selector"], spec?["selector"]))
        {
            to.Invalid("spec.selector", spec?["selector"]?.ToJsonString() ?? "null", "field is immutable");
        }
    }

    private static void Shares(JsonObject? rolling, Problems to)
    {
        const string path = "spec.updateStrategy.rollingUpdate";
        var (unavailable, surge) = (Share(rolling, "maxUnavailable", path, to), Share(rolling, "maxSurge", path, to));
        if (unavailable != 0 && surge != 0)
        {
            to.Invalid($"{path}.maxSurge", rolling?["maxSurge"]?.ToJsonString() ?? "0", "may not be set when maxUnavailable is non-zero");
        }
        else if (unavailable == 0 && surge == 0)
        {
            to.Required($"{path}.maxUnavailable", "cannot be 0 when maxSurge is 0");
        }
    }

    private static long Share(JsonObject? rolling, string field, string path, Problems to)
    {
        var text = rolling.String(field);
        if (text.Length == 0)
        {
            NotNegative(rolling, path, to, field);
            return rolling.Number(field) ?? 0;
        }
        if (!text.EndsWith('%') || !long.TryParse(text[..^1], System.Globalization.NumberStyles.None, null, out var percent))
        {
            to.InvalidText($"{path}.{field}", text, DisruptionRules.NoPercent);
            return 0;
        }
        if (percent > 100)
        {
            to.InvalidText($"{path}.{field}", text, "must not be greater than 100%");
        }
        return percent;
    }

    private static void ReplicationController(JsonObject? spec, JsonObject? before, Problems to)
    {
        NotNegative(spec, "spec", to, "minReadySeconds");
        var selector = spec.Texts("selector");
        if (selector.Count == 0)
        {
            to.Required("spec.selector");
        }
        NotNegative(spec, "spec", to, "replicas");
        if (spec.Object("template") is not { } template)
        {
            to.Required("spec.template");
            return;
        }
        var labels = template.Object("metadata").Texts("labels");
        if (selector.Any(l => labels.GetValueOrDefault(l.Key) != l.Value))
        {
            to.Invalid(Labels, template.Object("metadata").Object("labels")?.ToJsonString() ?? "null", Mismatch);
        }
        Template(spec, before, "ReplicationController", to);
    }

    /// <summary>The selector and whether it matches; false when it cannot be read.</summary>
    private static bool Selector(JsonObject? spec, string what, bool required, bool isNew, Problems to)
    {
        var labels = spec.Object("template").Object("metadata");
        LabelSelector? parsed = null;
        if (spec.Object("selector") is { } selector)
        {
            var known = to.List.Count;
            parsed = WorkloadRules.ParseSelector(selector, "spec.selector", to, values: isNew);
            if (to.List.Count > known)
            {
                return false;
            }
            if (parsed.MatchLabels.Count + parsed.MatchExpressions.Count == 0)
            {
                to.Invalid("spec.selector", "{}", $"empty selector is invalid for {what}");
            }
        }
        else if (required)
        {
            to.Required("spec.selector");
        }
        if (parsed?.Matches(labels.Texts("labels")) != true)
        {
            to.Invalid(Labels, labels.Object("labels")?.ToJsonString() ?? "null", Mismatch);
        }
        return true;
    }

    private static void Template(JsonObject? spec, JsonObject? before, string what, Problems to)
    {
        var template = spec.Object("template");
        if (!PodRules.ChangedTemplate(template, before.Object("template"), "spec.template", to, "Always"))
        {
            return;
        }
        if (template.Object("spec").Has("activeDeadlineSeconds"))
        {
            to.Forbidden("spec.template.spec.activeDeadlineSeconds", $"activeDeadlineSeconds in {what} is not Supported");
        }
    }

    private static void NotNegative(JsonObject? owner, string path, Problems to, params ReadOnlySpan<string> fields)
    {
        foreach (var field in fields)
        {
            if (owner.Number(field) is < 0 and var number)
            {
                to.Invalid($"{path}.{field}", $"{number}", "must be greater than or equal to 0");
            }
        }
    }
}
