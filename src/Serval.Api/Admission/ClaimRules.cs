using System.Text.Json.Nodes;
using Serval.Api.Core;

namespace Serval.Api.Admission;

/// <summary>Specs of PersistentVolumeClaims (kubernetes pkg/apis/core/validation: ValidatePersistentVolumeClaimSpec).</summary>
internal static class ClaimRules
{
    private static readonly string[] s_modes = ["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"];

    /// <param name="spec">The claim's.</param>
    /// <param name="before">The stored one's, on an update: what was stored before a rule must not keep a binder from naming its volume.</param>
    /// <param name="path">Path to it.</param>
    /// <param name="to">Gets what is wrong.</param>
    public static void Check(JsonObject? spec, JsonObject? before, string path, Problems to)
    {
        if (IsNew("accessModes"))
        {
            Modes([.. spec.Strings("accessModes")], $"{path}.accessModes", to);
        }
        if (IsNew("selector") && spec.Object("selector") is { } selector)
        {
            WorkloadRules.ParseSelector(selector, $"{path}.selector", to);
        }
        if (IsNew("resources"))
        {
            Storage(spec.Object("resources").Object("requests")?["storage"], $"{path}.resources[storage]", to);
        }
        if (IsNew("storageClassName") && spec.String("storageClassName") is { Length: > 0 } name)
        {
            to.Check($"{path}.storageClassName", name, Names.Subdomain);
        }
        if (IsNew("volumeMode"))
        {
            to.OneOf(spec, "volumeMode", path, "Block", "Filesystem");
        }

        bool IsNew(string field) => before is null || !TreeDiff.Same(before[field], spec?[field]);
    }

    private static void Modes(List<string> modes, string path, Problems to)
    {
        if (modes.Count == 0)
        {
            to.Required(path, "at least 1 access mode is required");
        }
        foreach (var mode in modes.Where(static m => !s_modes.Contains(m)))
        {
            to.Unsupported(path, mode, s_modes);
        }
        if (modes.Contains("ReadWriteOncePod") && modes.Any(static m => m != "ReadWriteOncePod" && s_modes.Contains(m)))
        {
            to.Forbidden(path, "may not use ReadWriteOncePod with other access modes");
        }
    }

    private static void Storage(JsonNode? asked, string path, Problems to)
    {
        if (asked is null)
        {
            to.Required(path);
        }
        else if (Amounts.TryRead(asked, out var amount) && (amount.IsNegative || amount.IsZero))
        {
            to.InvalidText(path, Amounts.Text(asked), "must be greater than zero");
        }
    }
}
