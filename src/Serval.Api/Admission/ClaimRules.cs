using System.Text.Json.Nodes;
using Serval.Api.Core;

namespace Serval.Api.Admission;

/// <summary>Specs of PersistentVolumeClaims (kubernetes pkg/apis/core/validation: ValidatePersistentVolumeClaimSpec).</summary>
internal static class ClaimRules
{
    private static readonly string[] s_modes = ["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"];

    public static void Check(JsonObject? spec, string path, Problems to)
    {
        var modes = spec.Strings("accessModes").ToList();
        if (modes.Count == 0)
        {
            to.Required($"{path}.accessModes", "at least 1 access mode is required");
        }
        if (spec.Object("selector") is { } selector)
        {
            WorkloadRules.ParseSelector(selector, $"{path}.selector", to);
        }
        foreach (var mode in modes.Where(static m => !s_modes.Contains(m)))
        {
            to.Unsupported($"{path}.accessModes", mode, s_modes);
        }
        if (modes.Contains("ReadWriteOncePod") && modes.Any(static m => m != "ReadWriteOncePod" && s_modes.Contains(m)))
        {
            to.Forbidden($"{path}.accessModes", "may not use ReadWriteOncePod with other access modes");
        }
        Storage(spec.Object("resources").Object("requests")?["storage"], $"{path}.resources[storage]", to);
        if (spec.String("storageClassName") is { Length: > 0 } name)
        {
            to.Check($"{path}.storageClassName", name, Names.Subdomain);
        }
        to.OneOf(spec, "volumeMode", path, "Block", "Filesystem");
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
