using System.Text.Json.Nodes;

namespace Serval.Api.Admission;

/// <summary>Kubernetes' rules and defaults of HorizontalPodAutoscalers (kubernetes pkg/apis/autoscaling, pkg/registry/autoscaling), and what of them is not acted on here.</summary>
internal static class HpaRules
{
    /// <summary>Longest stabilisation window, in seconds.</summary>
    private const int LongestWindow = 3600;

    /// <summary>Longest period of a scaling policy, in seconds.</summary>
    private const int LongestPeriod = 1800;

    private static readonly string[] s_directions = ["scaleUp", "scaleDown"];

    public static void Default(JsonObject tree)
    {
        var spec = tree.Ensure("spec");
        spec.Default("minReplicas", 1);
        if (spec.Array("metrics") is null or { Count: 0 })
        {
            spec["metrics"] = new JsonArray(new JsonObject
            {
                ["type"] = "Resource",
                ["resource"] = new JsonObject { ["name"] = "cpu", ["target"] = new JsonObject { ["type"] = "Utilization", ["averageUtilization"] = 80 } },
            });
        }
        if (spec.Object("behavior") is not { } behavior)
        {
            return;
        }
        foreach (var direction in s_directions)
        {
            var rules = behavior.Ensure(direction);
            foreach (var (name, value) in DefaultRules(direction))
            {
                rules.Default(name, value!.DeepClone());
            }
        }
    }

    /// <param name="tree">The new object.</param>
    /// <param name="old">The stored one: what it has is not asked for the group of its target again.</param>
    /// <param name="to">Takes what is wrong.</param>
    public static void Check(JsonObject tree, JsonObject? old, Problems to)
    {
        if (StoredSpec.Kept(tree, old, Default))
        {
            return;
        }
        var (spec, before) = (tree.Object("spec"), old.Object("spec"));
        var min = spec.Number("minReplicas") ?? 1;
        var least = before.Number("minReplicas") == 0 ? 0 : 1;
        if (min < least)
        {
            to.Invalid("spec.minReplicas", $"{min}", $"must be greater than or equal to {least}");
        }
        var max = spec.Number("maxReplicas") ?? 0;
        if (max == 0)
        {
            to.Required("spec.maxReplicas", "must be set and greater than 0");
        }
        else if (max < 0)
        {
            to.Invalid("spec.maxReplicas", $"{max}", "must be greater than or equal to 1");
        }
        if (max < min)
        {
            to.Invalid("spec.maxReplicas", $"{max}", "must be greater than or equal to `minReplicas`");
        }
        var (target, was) = (spec.Object("scaleTargetRef"), before.Object("scaleTargetRef"));
        var sameType = before is not null && target.String("kind") == was.String("kind") && target.String("apiVersion") == was.String("apiVersion");
        Reference(target, "spec.scaleTargetRef", anyVersion: sameType, noGroup: target.String("kind") == "ReplicationController", to);
        HpaMetricRules.Check(spec, before, to);
        if (min == 0 && !spec.Objects("metrics").Any(m => m.Item.String("type") is "Object" or "External"))
        {
            to.Forbidden("spec.metrics", "must specify at least one Object or External metric to support scaling to zero replicas");
        }
        foreach (var direction in s_directions)
        {
            if (spec.Object("behavior").Object(direction) is { } rules)
            {
                Rules(rules, $"spec.behavior.{direction}", to);
            }
        }
    }

    /// <summary>A CrossVersionObjectReference.</summary>
    public static void Reference(JsonObject? reference, string path, bool anyVersion, bool noGroup, Problems to)
    {
        foreach (var field in (ReadOnlySpan<string>)["kind", "name"])
        {
            to.Need(reference, field, path);
            to.Check($"{path}.{field}", reference.String(field), RbacRules.Name);
        }
        if (!anyVersion && WrongVersion(reference.String("apiVersion"), noGroup) is { } wrong)
        {
            to.InvalidText($"{path}.apiVersion", reference.String("apiVersion"), wrong);
        }
    }

    /// <summary>What is wrong with a reference's apiVersion (ValidateAPIVersion), or null.</summary>
    public static string? WrongVersion(string version, bool noGroup) => version.Count(static c => c == '/') switch
    {
        > 1 => $"unexpected GroupVersion string: {version}",
        1 when version[0] != '/' => null,
        _ => noGroup ? null : "apiVersion must specify API group",
    };

    /// <summary>What is stored and not acted on is said, unless it is what holds anyway.</summary>
    public static void Warn(JsonObject tree, AdmissionContext ctx)
    {
        foreach (var direction in s_directions)
        {
            var defaults = DefaultRules(direction);
            foreach (var field in (ReadOnlySpan<string>)["policies", "selectPolicy", "tolerance"])
            {
                if (tree.Object("spec").Object("behavior").Object(direction)?[field] is { } given && !TreeDiff.Same(given, defaults[field]))
                {
                    ctx.Warn($"spec.behavior.{direction}.{field}: not acted on, Kubernetes' default holds");
                }
            }
        }
    }

    // Scaling down has no window of its own: the controller's holds.
    private static JsonObject DefaultRules(string direction) => direction == "scaleUp"
        ? new() { ["stabilizationWindowSeconds"] = 0, ["selectPolicy"] = "Max", ["policies"] = new JsonArray(Policy("Pods", 4), Policy("Percent", 100)) }
        : new() { ["selectPolicy"] = "Max", ["policies"] = new JsonArray(Policy("Percent", 100)) };

    private static JsonObject Policy(string type, int value) => new() { ["type"] = type, ["value"] = value, ["periodSeconds"] = 15 };

    private static void Rules(JsonObject rules, string path, Problems to)
    {
        if (rules.Number("stabilizationWindowSeconds") is { } window and (< 0 or > LongestWindow))
        {
            to.Invalid($"{path}.stabilizationWindowSeconds", $"{window}", window < 0 ? "must be greater than or equal to zero" : $"must be less than or equal to {LongestWindow}");
        }
        if (rules.Has("selectPolicy") && rules.String("selectPolicy") is not ("Disabled" or "Max" or "Min"))
        {
            to.Unsupported($"{path}.selectPolicy", rules.String("selectPolicy"), "Disabled", "Max", "Min");
        }
        if (rules.Array("policies") is null or { Count: 0 })
        {
            to.Required($"{path}.policies", "must specify at least one Policy");
        }
        foreach (var (i, policy) in rules.Objects("policies"))
        {
            var at = $"{path}.policies[{i}]";
            if (policy.String("type") is not ("Pods" or "Percent"))
            {
                to.Unsupported($"{at}.type", policy.String("type"), "Percent", "Pods");
            }
            foreach (var field in (ReadOnlySpan<string>)["value", "periodSeconds"])
            {
                if ((policy.Number(field) ?? 0) is <= 0 and var number)
                {
                    to.Invalid($"{at}.{field}", $"{number}", "must be greater than zero");
                }
            }
            if (policy.Number("periodSeconds") is > LongestPeriod and var period)
            {
                to.Invalid($"{at}.periodSeconds", $"{period}", $"must be less than or equal to {LongestPeriod}");
            }
        }
        if (Amounts.TryRead(rules["tolerance"], out var tolerance) && tolerance.IsNegative)
        {
            to.InvalidText($"{path}.tolerance", Amounts.Text(rules["tolerance"]), "must be greater than or equal to 0");
        }
    }
}
