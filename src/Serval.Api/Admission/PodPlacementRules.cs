using System.Globalization;
using System.Text.Json.Nodes;
using Serval.Api.Core;

namespace Serval.Api.Admission;

/// <summary>
/// What pods ask of their place: affinity to nodes and pods, and spreading (kubernetes pkg/apis/core/validation: validateAffinity, validateTopologySpreadConstraints).
/// </summary>
internal static class PodPlacementRules
{
    internal const string Required = "requiredDuringSchedulingIgnoredDuringExecution";
    internal const string Preferred = "preferredDuringSchedulingIgnoredDuringExecution";

    /// <param name="spec">The pod's.</param>
    /// <param name="before">The stored pod's, on an update: affinity that is as it was is not judged again.</param>
    /// <param name="path">Path of the spec.</param>
    /// <param name="to">Gets what is wrong.</param>
    public static void Affinity(JsonObject? spec, JsonObject? before, string path, Problems to)
    {
        if (spec.Object("affinity") is not { } affinity || (before is not null && TreeDiff.Same(before["affinity"], affinity)))
        {
            return;
        }
        if (affinity.Object("nodeAffinity") is { } node)
        {
            Nodes(node, $"{path}.affinity.nodeAffinity", to);
        }
        Pods(affinity.Object("podAffinity"), $"{path}.affinity.podAffinity", to);
        Pods(affinity.Object("podAntiAffinity"), $"{path}.affinity.podAntiAffinity", to);
    }

    /// <inheritdoc cref="Affinity"/>
    public static void Spread(JsonObject? spec, JsonObject? before, string path, Problems to)
    {
        if (spec.Array("topologySpreadConstraints") is not { Count: > 0 } all || (before is not null && TreeDiff.Same(before["topologySpreadConstraints"], all)))
        {
            return;
        }
        var constraints = spec.Objects("topologySpreadConstraints").ToList();
        var comesAgain = new bool[constraints.Count];
        var later = new HashSet<(string, string)>();
        for (var i = constraints.Count - 1; i >= 0; i--)
        {
            comesAgain[i] = !later.Add((constraints[i].Item.String("topologyKey"), constraints[i].Item.String("whenUnsatisfiable")));
        }
        foreach (var (i, (index, constraint)) in constraints.Index())
        {
            Constraint(constraint, $"{path}.topologySpreadConstraints[{index}]", comesAgain[i], to);
        }
    }

    private static void Nodes(JsonObject affinity, string path, Problems to)
    {
        if (affinity.Object(Required) is { } required)
        {
            if (required.Array("nodeSelectorTerms") is not { Count: > 0 })
            {
                to.Required($"{path}.{Required}.nodeSelectorTerms", "must have at least one node selector term");
            }
            foreach (var (i, term) in required.Objects("nodeSelectorTerms"))
            {
                Term(term, values: true, $"{path}.{Required}.nodeSelectorTerms[{i}]", to);
            }
        }
        foreach (var (i, preference) in affinity.Objects(Preferred))
        {
            Weight(preference, $"{path}.{Preferred}[{i}]", to);
            Term(preference.Object("preference"), values: false, $"{path}.{Preferred}[{i}].preference", to);
        }
    }

    /// <param name="term">The term.</param>
    /// <param name="values">Whether what a label is compared to must be able to be a label's value: what is only preferred may be in vain.</param>
    /// <param name="path">Path to it.</param>
    /// <param name="to">Gets what is wrong.</param>
    private static void Term(JsonObject? term, bool values, string path, Problems to)
    {
        foreach (var (i, requirement) in term.Objects("matchExpressions"))
        {
            Label(requirement, values, $"{path}.matchExpressions[{i}]", to);
        }
        foreach (var (i, requirement) in term.Objects("matchFields"))
        {
            Field(requirement, $"{path}.matchFields[{i}]", to);
        }
    }

    // ValidateNodeSelectorRequirement
    private static void Label(JsonObject requirement, bool values, string path, Problems to)
    {
        var (relation, given) = (requirement.String("operator"), requirement.Array("values") ?? []);
        switch (relation)
        {
            case "In" or "NotIn" when given.Count == 0:
                to.Required($"{path}.values", "must be specified when `operator` is 'In' or 'NotIn'");
                break;
            case "Exists" or "DoesNotExist" when given.Count > 0:
                to.Forbidden($"{path}.values", "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
                break;
            case "Gt" or "Lt" when given.Count != 1:
                to.Required($"{path}.values", "must be specified single value when `operator` is 'Lt' or 'Gt'");
                break;
            case "In" or "NotIn" or "Exists" or "DoesNotExist" or "Gt" or "Lt":
                break;
            default:
                to.InvalidText($"{path}.operator", relation, "not a valid selector operator");
                break;
        }
        to.Check($"{path}.key", requirement.String("key"), Names.QualifiedNameProblems);
        foreach (var (i, value) in given.Index().Where(_ => values))
        {
            to.Check($"{path}.values[{i}]", Tree.Text(value), Names.LabelValue);
        }
    }

    // ValidateNodeFieldSelectorRequirement
    private static void Field(JsonObject requirement, string path, Problems to)
    {
        var (key, relation, given) = (requirement.String("key"), requirement.String("operator"), requirement.Array("values") ?? []);
        if (relation is not ("In" or "NotIn"))
        {
            to.InvalidText($"{path}.operator", relation, "not a valid selector operator");
        }
        else if (given.Count != 1)
        {
            to.Required($"{path}.values", "must be only one value when `operator` is 'In' or 'NotIn' for node field selector");
        }
        if (key != "metadata.name")
        {
            to.InvalidText($"{path}.key", key, "not a valid field selector key");
            return;
        }
        foreach (var (i, value) in given.Index())
        {
            to.Check($"{path}.values[{i}]", Tree.Text(value), Names.Subdomain);
        }
    }

    private static void Pods(JsonObject? affinity, string path, Problems to)
    {
        foreach (var (i, term) in affinity.Objects(Required))
        {
            PodTerm(term, $"{path}.{Required}[{i}]", to);
        }
        foreach (var (i, term) in affinity.Objects(Preferred))
        {
            Weight(term, $"{path}.{Preferred}[{i}]", to);
            PodTerm(term.Object("podAffinityTerm"), $"{path}.{Preferred}[{i}].podAffinityTerm", to);
        }
    }

    // validatePodAffinityTerm
    private static void PodTerm(JsonObject? term, string path, Problems to)
    {
        foreach (var field in (ReadOnlySpan<string>)["labelSelector", "namespaceSelector"])
        {
            if (term.Object(field) is { } selector)
            {
                WorkloadRules.ParseSelector(selector, $"{path}.{field}", to, values: true);
            }
        }
        foreach (var name in term.Array("namespaces") ?? [])
        {
            to.Check($"{path}.namespace", Tree.Text(name), Names.Label);
        }
        LabelKeys(term, path, to);
        var topology = term.String("topologyKey");
        if (topology.Length == 0)
        {
            to.Required($"{path}.topologyKey", "can not be empty");
        }
        to.Check($"{path}.topologyKey", topology, Names.QualifiedNameProblems);
    }

    private static void Weight(JsonObject term, string path, Problems to)
    {
        if ((term.Number("weight") ?? 0) is (< 1 or > 100) and var weight)
        {
            to.Invalid($"{path}.weight", weight.ToString(CultureInfo.InvariantCulture), "must be in the range 1-100");
        }
    }

    private static void Constraint(JsonObject constraint, string path, bool comesAgain, Problems to)
    {
        Positive(constraint.Number("maxSkew") ?? 0, $"{path}.maxSkew", to);
        var (topology, otherwise) = (constraint.String("topologyKey"), constraint.String("whenUnsatisfiable"));
        if (topology.Length == 0)
        {
            to.Required($"{path}.topologyKey", "can not be empty");
        }
        if (otherwise is not ("DoNotSchedule" or "ScheduleAnyway"))
        {
            to.Unsupported($"{path}.whenUnsatisfiable", otherwise, "DoNotSchedule", "ScheduleAnyway");
        }
        if (comesAgain)
        {
            to.Duplicate($"{path}.{{topologyKey, whenUnsatisfiable}}", $"{{{topology}, {otherwise}}}");
        }
        if (constraint.Number("minDomains") is { } domains)
        {
            Positive(domains, $"{path}.minDomains", to);
            if (otherwise != "DoNotSchedule")
            {
                to.Invalid($"{path}.minDomains", domains.ToString(CultureInfo.InvariantCulture), $"can only use minDomains if whenUnsatisfiable=DoNotSchedule, not {otherwise}");
            }
        }
        foreach (var field in (ReadOnlySpan<string>)["nodeAffinityPolicy", "nodeTaintsPolicy"])
        {
            if (constraint.Has(field) && constraint.String(field) is not ("Honor" or "Ignore") and var policy)
            {
                to.Unsupported($"{path}.{field}", policy, "Honor", "Ignore");
            }
        }
        LabelKeys(constraint, path, to);
        if (constraint.Object("labelSelector") is { } selector)
        {
            WorkloadRules.ParseSelector(selector, $"{path}.labelSelector", to, values: true);
        }
    }

    private static void Positive(long number, string path, Problems to)
    {
        if (number <= 0)
        {
            to.Invalid(path, number.ToString(CultureInfo.InvariantCulture), "must be greater than zero");
        }
    }

    // ValidateMatchLabelKeysAndMismatchLabelKeys
    private static void LabelKeys(JsonObject? term, string path, Problems to)
    {
        var (match, mismatch) = (term.Array("matchLabelKeys"), term.Array("mismatchLabelKeys"));
        if (match is not { Count: > 0 } && mismatch is not { Count: > 0 })
        {
            return;
        }
        var selector = term.Object("labelSelector");
        Keys(match, selector, $"{path}.matchLabelKeys", to);
        Keys(mismatch, selector, $"{path}.mismatchLabelKeys", to);
        var last = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var (i, key) in (match ?? []).Index())
        {
            last[Tree.Text(key)] = i;
        }
        // A key of the pod's label is in the selector by now: once more is the author's own.
        var selected = selector.Texts("matchLabels").Keys.ToHashSet(StringComparer.Ordinal);
        foreach (var key in selector.Objects("matchExpressions").Select(static e => e.Item.String("key")))
        {
            if (last.TryGetValue(key, out var i) && selected.Contains(key))
            {
                to.InvalidText($"{path}[{i}]", key, "exists in both matchLabelKeys and labelSelector");
            }
            selected.Add(key);
        }
        var mismatched = (mismatch ?? []).Select(Tree.Text).ToHashSet(StringComparer.Ordinal);
        foreach (var (i, key) in (match ?? []).Select(Tree.Text).Index().Where(k => mismatched.Contains(k.Item)))
        {
            to.InvalidText($"{path}.matchLabelKeys[{i}]", key, "exists in both matchLabelKeys and mismatchLabelKeys");
        }
    }

    private static void Keys(JsonArray? keys, JsonObject? selector, string path, Problems to)
    {
        if (keys is not { Count: > 0 })
        {
            return;
        }
        if (selector is null)
        {
            to.Forbidden(path, "must not be specified when labelSelector is not set");
            return;
        }
        foreach (var (i, key) in keys.Index())
        {
            to.Check($"{path}[{i}]", Tree.Text(key), Names.QualifiedNameProblems);
        }
    }
}
