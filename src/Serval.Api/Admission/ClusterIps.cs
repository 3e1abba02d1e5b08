using System.Text.Json.Nodes;
using Serval.Api.Core;

namespace Serval.Api.Admission;

/// <summary>
/// The addresses of Services in a cluster that has IPv4 alone: which fields mean which, and who gets one (kubernetes:
/// pkg/registry/core/service, storage and strategy; pkg/apis/core/validation). Choosing the address is the caller's.
/// </summary>
public static class ClusterIps
{
    private const string None = "None";
    private const string Many = "spec.clusterIPs";

    /// <summary>Brings the linked fields of a defaulted Service in line and fills in the families.</summary>
    /// <returns>What is wrong with them, before anything else is judged; empty when nothing is.</returns>
    public static IReadOnlyList<FieldError> Prepare(JsonObject tree, JsonObject? old)
    {
        var spec = tree.Ensure("spec");
        var before = old.Object("spec");
        if (before is not null)
        {
            Keep(spec, before);
        }
        Link(spec, before);
        if (before is not null)
        {
            ServiceTrafficRules.Drop(spec, before);
        }
        if (IsExternalName(spec))
        {
            spec.Remove("internalTrafficPolicy");
            if (before is not null && !IsExternalName(before))
            {
                Drop(spec, before);
            }
            return [];
        }
        var to = new Problems();
        Families(spec, before, to);
        return to.List;
    }

    /// <summary>The address that the Service needs and does not have: one it asks for, empty for any, null for none.</summary>
    public static string? Wanted(JsonObject tree, JsonObject? old)
    {
        var (spec, before) = (tree.Object("spec"), old.Object("spec"));
        if (IsExternalName(spec) || First(spec) == None)
        {
            return null;
        }
        return before is null || IsExternalName(before) || Had(before).Count == 0 ? First(spec) : null;
    }

    /// <summary>Gives the Service its address.</summary>
    public static void Set(JsonObject tree, string address)
    {
        var spec = tree.Ensure("spec");
        spec["clusterIP"] = address;
        spec["clusterIPs"] = new JsonArray(address);
    }

    /// <summary>That an address cannot be had.</summary>
    public static FieldError NotAllocated(JsonObject tree, string why)
    {
        var to = new Problems();
        to.Invalid(Many, Json(tree.Object("spec"), "clusterIPs"), why);
        return to.List[0];
    }

    /// <summary>What must hold between the address fields and the families of any Service but one of type ExternalName.</summary>
    internal static void Check(JsonObject? spec, JsonObject? before, Problems to)
    {
        var (one, many) = (spec.String("clusterIP"), All(spec));
        if (one.Length > 0 && many.Count == 0)
        {
            to.Required(Many);
        }
        else if (one.Length > 0 && many[0] != one)
        {
            to.Invalid(Many, Json(spec, "clusterIPs"), "first value must match `clusterIP`");
        }
        else if (one.Length == 0 && many.Count > 0)
        {
            to.Invalid(Many, Json(spec, "clusterIPs"), "must be empty when `clusterIP` is not specified");
        }
        var families = FamiliesOf(spec);
        for (var i = 0; i < families.Count; i++)
        {
            if (families[i] is not ("IPv4" or "IPv6"))
            {
                to.Unsupported($"spec.ipFamilies[{i}]", families[i], "IPv4", "IPv6");
            }
            if (families.IndexOf(families[i]) < i)
            {
                to.Duplicate($"spec.ipFamilies[{i}]", families[i]);
            }
        }
        to.OneOf(spec, "ipFamilyPolicy", "spec", "PreferDualStack", "RequireDualStack", "SingleStack");
        if (!AreAddresses(spec, many, Had(before), to))
        {
            return;
        }
        if (many.Count > 1 && (many.Count > 2 || IpText.Family(many[0]) == IpText.Family(many[1])))
        {
            to.Invalid(Many, Json(spec, "clusterIPs"), "may specify no more than one IP for each IP family");
        }
        for (var i = 0; i < Math.Min(many.Count, families.Count) && many[0] != None; i++)
        {
            if (IpText.Family(many[i]) != families[i])
            {
                to.InvalidText($"{Many}[{i}]", many[i], $"expected an {families[i]} value as indicated by `ipFamilies[{i}]`");
            }
        }
    }

    /// <summary>What has been given cannot be changed, only lost with the type.</summary>
    internal static void CheckChange(JsonObject? spec, JsonObject? before, Problems to)
    {
        if (IsExternalName(spec) || IsExternalName(before))
        {
            return;
        }
        var (had, has) = (Had(before), All(spec));
        if (had.Count == 0 || (had[0] == None && has is [None]))
        {
            return;
        }
        if (has.Count == 0)
        {
            to.Invalid($"{Many}[0]", Json(spec, "clusterIPs"), "primary clusterIP can not be unset");
        }
        else if (has[0] != had[0])
        {
            to.Invalid($"{Many}[0]", Json(spec, "clusterIPs"), "may not change once set");
        }
        if (had[0] != None && has is not [None, ..] && FamiliesOf(before) is [var family, ..] && FamiliesOf(spec) is [var now, ..] && now != family)
        {
            to.Invalid("spec.ipFamilies[0]", Json(spec, "ipFamilies"), "may not change once set");
        }
    }

    /// <summary>Whether it has no address on purpose.</summary>
    internal static bool IsHeadless(JsonObject? spec) => First(spec) == None;

    // Who leaves out what has been given means to keep it (patchAllocatedValues).
    private static void Keep(JsonObject spec, JsonObject before)
    {
        if (IsExternalName(spec) || IsExternalName(before))
        {
            return;
        }
        if (spec.String("clusterIP").Length == 0 && before.String("clusterIP").Length > 0)
        {
            spec["clusterIP"] = before.String("clusterIP");
        }
        if (All(spec).Count == 0 && Had(before) is { Count: > 0 } had)
        {
            spec["clusterIPs"] = List(had);
        }
    }

    // Old clients know clusterIP alone (normalizeClusterIPs).
    private static void Link(JsonObject spec, JsonObject? before)
    {
        var (one, many) = (spec.String("clusterIP"), All(spec));
        var (was, had) = (before.String("clusterIP"), Had(before));
        if (before is null || had.Count == 0)
        {
            if (one.Length > 0 && many.Count == 0)
            {
                spec["clusterIPs"] = List([one]);
            }
            return;
        }
        if (many.Count == 0 && one == was)
        {
            spec["clusterIPs"] = List(had);
        }
        if (one != was && many.SequenceEqual(had))
        {
            spec.Remove("clusterIPs");
            if (one.Length > 0)
            {
                spec["clusterIPs"] = List([one]);
            }
        }
    }

    // What a type without an address had by itself goes with it, unless it is changed too: that is for validation to refuse.
    private static void Drop(JsonObject spec, JsonObject before)
    {
        if (spec.String("clusterIP") == before.String("clusterIP") && All(spec).SequenceEqual(Had(before)))
        {
            spec.Remove("clusterIP");
            spec.Remove("clusterIPs");
        }
        foreach (var field in (ReadOnlySpan<string>)["ipFamilies", "ipFamilyPolicy"])
        {
            if (JsonNode.DeepEquals(spec[field], before[field]))
            {
                spec.Remove(field);
            }
        }
    }

    private static void Families(JsonObject spec, JsonObject? before, Problems to)
    {
        var free = IsHeadless(spec) && spec.Texts("selector").Count == 0; // its endpoints are somebody else's, of whatever family
        if (spec.String("ipFamilyPolicy").Length == 0)
        {
            spec["ipFamilyPolicy"] = before.String("ipFamilyPolicy") is { Length: > 0 } kept ? kept : free ? "RequireDualStack" : "SingleStack";
        }
        Check(spec, before, to);
        if (to.List.Count > 0)
        {
            return;
        }
        var single = spec.String("ipFamilyPolicy") == "SingleStack";
        var (families, many) = (FamiliesOf(spec), All(spec));
        if (single && many.Count == 2)
        {
            Policy("must be 'RequireDualStack' or 'PreferDualStack' when multiple cluster IPs are specified");
        }
        if (single && families.Count == 2)
        {
            Policy("must be 'RequireDualStack' or 'PreferDualStack' when multiple IP families are specified");
        }
        for (var i = families.Count; i < many.Count && many[i] != None; i++)
        {
            if (IpText.Family(many[i]) is var family && family != "IPv4")
            {
                to.Invalid($"{Many}[{i}]", Json(spec, "clusterIPs"), $"{family} is not configured on this cluster");
            }
        }
        if (to.List.Count > 0)
        {
            return;
        }
        if (free)
        {
            families = families.Count == 0 ? ["IPv4"] : families;
            spec["ipFamilies"] = List(families.Count == 1 && !single ? [families[0], families[0] == "IPv4" ? "IPv6" : "IPv4"] : families);
            return;
        }
        if (spec.String("ipFamilyPolicy") == "RequireDualStack")
        {
            Policy("this cluster is not configured for dual-stack services");
        }
        foreach (var (i, family) in families.Index().Where(f => f.Item != "IPv4"))
        {
            to.InvalidText($"spec.ipFamilies[{i}]", family, "not configured on this cluster");
        }
        if (families.Count == 0 && to.List.Count == 0)
        {
            spec["ipFamilies"] = List(["IPv4"]);
        }

        void Policy(string wrong) => to.InvalidText("spec.ipFamilyPolicy", spec.String("ipFamilyPolicy"), wrong);
    }

    private static bool AreAddresses(JsonObject? spec, List<string> many, List<string> known, Problems to)
    {
        var good = true;
        for (var i = 0; i < many.Count; i++)
        {
            if (i == 0 && many[0] == None)
            {
                if (many.Count > 1)
                {
                    to.Invalid(Many, Json(spec, "clusterIPs"), "'None' must be the first and only value");
                    good = false;
                }
            }
            else if (!known.Contains(many[i]) && IpText.Problem(many[i]) is { } wrong)
            {
                to.InvalidText($"{Many}[{i}]", many[i], wrong);
                good = false;
            }
        }
        if (many.Count > 2)
        {
            to.Invalid(Many, Json(spec, "clusterIPs"), "may only hold up to 2 values");
        }
        return good;
    }

    private static bool IsExternalName(JsonObject? spec) => spec.String("type") == "ExternalName";

    private static string First(JsonObject? spec) => All(spec) is [var first, ..] ? first : "";

    private static List<string> All(JsonObject? spec) => [.. (spec.Array("clusterIPs") ?? []).Select(Tree.Text)];

    // One stored before there was clusterIPs names its address in clusterIP alone.
    private static List<string> Had(JsonObject? before) => All(before) is { Count: > 0 } many ? many : before.String("clusterIP") is { Length: > 0 } one ? [one] : [];

    private static List<string> FamiliesOf(JsonObject? spec) => [.. (spec.Array("ipFamilies") ?? []).Select(Tree.Text)];

    private static JsonArray List(IEnumerable<string> texts) => [.. texts.Select(t => (JsonNode)t)];

    private static string Json(JsonObject? spec, string field) => spec?[field]?.ToJsonString() ?? "null";
}
