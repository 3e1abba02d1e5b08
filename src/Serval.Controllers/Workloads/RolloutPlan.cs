using System.Globalization;
using System.Text.Json;
using Serval.Api.Apps;

namespace Serval.Controllers.Workloads;

/// <summary>How many replicas each ReplicaSet of a Deployment gets in this step (apps/v1: RollingUpdate and Recreate). Pure.</summary>
internal sealed record RolloutPlan(int Current, IReadOnlyDictionary<string, int> Old)
{
    internal static RolloutPlan For(Deployment deployment, SetFacts? current, IReadOnlyList<SetFacts> old)
    {
        var desired = deployment.Spec.Replicas ?? 1;
        var oldTotal = old.Sum(s => s.Spec);
        if (oldTotal == 0)
        {
            return new RolloutPlan(desired, old.ToDictionary(s => s.Name, _ => 0));
        }
        if (deployment.Spec.Strategy.Type == "Recreate")
        {
            var gone = old.All(s => s.Replicas == 0);
            return new RolloutPlan(gone ? desired : current?.Spec ?? 0, old.ToDictionary(s => s.Name, _ => 0));
        }
        var surge = Resolve(deployment.Spec.Strategy.RollingUpdate?.MaxSurge, desired, roundUp: true);
        var unavailable = Resolve(deployment.Spec.Strategy.RollingUpdate?.MaxUnavailable, desired, roundUp: false);
        if (surge == 0 && unavailable == 0)
        {
            unavailable = 1; // both zero cannot make progress; upstream takes one away
        }
        return Roll(desired, surge, unavailable, current, old);
    }

    private static RolloutPlan Roll(int desired, int surge, int unavailable, SetFacts? current, IReadOnlyList<SetFacts> old)
    {
        var currentSpec = current?.Spec ?? 0;
        var room = desired + surge - (currentSpec + old.Sum(s => s.Spec));
        var next = Math.Min(desired, Math.Max(currentSpec > desired ? desired : currentSpec, currentSpec + Math.Max(0, room)));

        // Unready old pods give nothing: they may go first, whatever the budget. Then ready ones, as far as enough stay available.
        var available = (current?.Available ?? 0) + old.Sum(s => s.Available);
        var budget = available - (desired - unavailable);
        var plan = new Dictionary<string, int>();
        foreach (var set in old.OrderBy(s => s.Created))
        {
            var keep = Math.Min(set.Spec, set.Available);
            var removable = Math.Clamp(budget, 0, keep);
            budget -= removable;
            plan[set.Name] = keep - removable;
        }
        return new RolloutPlan(next, plan);
    }

    private static int Resolve(JsonElement? value, int desired, bool roundUp)
    {
        switch (value?.ValueKind)
        {
            case JsonValueKind.Number:
                return value.Value.GetInt32();
            case JsonValueKind.String when value.Value.GetString() is { } text:
                if (text.EndsWith('%') && double.TryParse(text[..^1], NumberStyles.Float, CultureInfo.InvariantCulture, out var percent))
                {
                    var exact = percent / 100 * desired;
                    return (int)(roundUp ? Math.Ceiling(exact) : Math.Floor(exact));
                }
                return int.TryParse(text, out var number) ? number : 0;
            default:
                return roundUp ? (int)Math.Ceiling(desired * 0.25) : (int)Math.Floor(desired * 0.25);
        }
    }
}
