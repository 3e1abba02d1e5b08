using System.Text.Json.Nodes;
using Serval.Api.Core;

namespace Serval.Api.Admission;

/// <summary>Kubernetes' rules of ResourceQuotas (kubernetes pkg/apis/core/validation), and what of them is not acted on here.</summary>
internal static class QuotaRules
{
    public static void ResourceQuota(JsonObject tree, JsonObject? old, Problems to)
    {
        var spec = tree.Object("spec");
        if (old is not null && TreeDiff.Same(old["spec"], spec))
        {
            return;
        }
        foreach (var (name, value) in spec.Object("hard") ?? [])
        {
            var at = $"spec.hard[{name}]";
            ResourceNames.CheckQuota(at, name, to);
            if (!Amounts.TryRead(value, out var amount))
            {
                to.InvalidText(at, Amounts.Text(value), Quantity.Complaint);
            }
            else if (amount.IsNegative)
            {
                to.InvalidText(at, Amounts.Text(value), "must be greater than or equal to 0");
            }
            else if (!amount.IsWholeInMilli && ResourceNames.IsWhole(name))
            {
                to.InvalidText(at, Amounts.Text(value), "must be an integer");
            }
        }
        foreach (var field in (ReadOnlySpan<string>)["scopes", "scopeSelector"])
        {
            if (spec.Has(field))
            {
                to.Forbidden($"spec.{field}", "this version counts every pod of the namespace; leave it out");
            }
        }
    }

    /// <summary>What is stored and not counted is said.</summary>
    public static void Warn(JsonObject tree, AdmissionContext ctx)
    {
        foreach (var (name, _) in tree.Object("spec").Object("hard") ?? [])
        {
            if (!PodResources.IsCounted(name))
            {
                ctx.Warn($"spec.hard[{name}]: not enforced, only pods and what they request and are limited to are counted");
            }
        }
    }
}
