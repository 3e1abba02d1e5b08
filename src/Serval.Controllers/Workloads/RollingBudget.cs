using System.Globalization;
using System.Text.Json;
using Serval.Api.Apps;

namespace Serval.Controllers.Workloads;

/// <summary>How far a rolling update may go over and below the wanted number (apps/v1: maxSurge rounds up, maxUnavailable down). Pure.</summary>
/// <param name="Desired">Replicas wanted.</param>
/// <param name="Surge">Most replicas above that.</param>
/// <param name="Unavailable">Most of the wanted that may be missing.</param>
internal readonly record struct RollingBudget(int Desired, int Surge, int Unavailable)
{
    internal static RollingBudget Of(Deployment deployment)
    {
        var desired = deployment.Spec.Replicas ?? 1;
        if (deployment.Spec.Strategy.Type == "Recreate" || desired == 0)
        {
            return new RollingBudget(desired, 0, 0);
        }
        var surge = Resolve(deployment.Spec.Strategy.RollingUpdate?.MaxSurge, desired, roundUp: true);
        var unavailable = Resolve(deployment.Spec.Strategy.RollingUpdate?.MaxUnavailable, desired, roundUp: false);
        // Two zeros cannot make progress; upstream takes one away.
        return new RollingBudget(desired, surge, surge == 0 && unavailable == 0 ? 1 : Math.Min(unavailable, desired));
    }

    /// <summary>Most replicas at a time.</summary>
    internal int Most => Desired + Surge;

    /// <summary>Fewest available replicas at a time.</summary>
    internal int Fewest => Desired - Unavailable;

    /// <summary>A number, or a percentage of <paramref name="desired"/>; 25 % when absent.</summary>
    internal static int Resolve(JsonElement? value, int desired, bool roundUp)
    {
        switch (value?.ValueKind)
        {
            case JsonValueKind.Number:
                return value.Value.GetInt32();
            case JsonValueKind.String when value.Value.GetString() is { } text:
                if (text.EndsWith('%') && double.TryParse(text[..^1], NumberStyles.Float, CultureInfo.InvariantCulture, out var percent))
                {
                    var exact = percent * desired / 100;
                    return (int)(roundUp ? Math.Ceiling(exact) : Math.Floor(exact));
                }
                return int.TryParse(text, out var number) ? number : 0;
            default:
                return roundUp ? (int)Math.Ceiling(desired * 0.25) : (int)Math.Floor(desired * 0.25);
        }
    }
}
