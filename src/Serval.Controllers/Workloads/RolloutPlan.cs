using Serval.Api.Apps;

namespace Serval.Controllers.Workloads;

/// <summary>
/// The next step of a Deployment's ReplicaSets (apps/v1: RollingUpdate, Recreate, and proportional scaling while paused or when the wanted number
/// changes in the middle of a rollout). Pure; the sets' own changes bring the step after it.
/// </summary>
/// <param name="Sizes">New sizes by name; a set that is not named stays as it is.</param>
/// <param name="Create">Size of the set for the present template, when it is to be made; else null.</param>
internal sealed record RolloutPlan(IReadOnlyDictionary<string, int> Sizes, int? Create = null)
{
    private static readonly RolloutPlan s_stay = new(new Dictionary<string, int>());

    internal static RolloutPlan For(Deployment deployment, SetFacts? current, IReadOnlyList<SetFacts> old)
    {
        var budget = RollingBudget.Of(deployment);
        IReadOnlyList<SetFacts> all = current is null ? old : [.. old, current];
        var scaling = all.Any(s => s.IsActive && s.Desired is { } desired && desired != budget.Desired);
        if (deployment.Spec.Paused || scaling)
        {
            var scaled = Scale(deployment, budget, current, old, all);
            if (deployment.Spec.Paused || scaled != s_stay)
            {
                return scaled;
            }
        }
        return deployment.Spec.Strategy.Type == "Recreate" ? Recreate(budget.Desired, current, old) : Roll(budget, current, old);
    }

    /// <summary>The new set starts when nothing of the old ones runs any more.</summary>
    private static RolloutPlan Recreate(int desired, SetFacts? current, IReadOnlyList<SetFacts> old)
    {
        if (old.Any(s => s.IsActive))
        {
            return new RolloutPlan(old.Where(s => s.IsActive).ToDictionary(s => s.Name, _ => 0));
        }
        return old.Any(s => s.Replicas > 0 || s.Runs) ? s_stay : Grow(current, desired);
    }

    private static RolloutPlan Roll(RollingBudget budget, SetFacts? current, IReadOnlyList<SetFacts> old)
    {
        var size = current?.Spec ?? 0;
        var room = Math.Max(0, budget.Most - size - old.Sum(s => s.Spec));
        var next = size >= budget.Desired ? budget.Desired : Math.Min(budget.Desired, size + room);
        if (current is not null && next != size)
        {
            return Grow(current, next);
        }
        var shrunk = Shrink(budget, current, next, old);
        return new RolloutPlan(shrunk, current is null ? next : null);
    }

    private static RolloutPlan Grow(SetFacts? current, int size) => current switch
    {
        null => new RolloutPlan(s_stay.Sizes, size),
        _ when current.Spec == size => s_stay,
        _ => new RolloutPlan(new Dictionary<string, int> { [current.Name] = size }),
    };

    /// <summary>
    /// How far the old sets may go down. The bound counts every replica of the new set that is not available yet, so it holds also when the old sets'
    /// statuses lag; within it replicas that are not available go first, then available ones as far as enough remain. A status that still counts
    /// replicas which were taken away a moment ago is not believed.
    /// </summary>
    private static Dictionary<string, int> Shrink(RollingBudget budget, SetFacts? current, int size, IReadOnlyList<SetFacts> old)
    {
        var sizes = new Dictionary<string, int>();
        var oldest = old.Where(s => s.IsActive).OrderBy(s => s.Created).ThenBy(s => s.Name, StringComparer.Ordinal).ToList();
        var available = current?.Available ?? 0;
        var bound = size + oldest.Sum(s => s.Spec) - budget.Fewest - (size - available);
        if (bound <= 0)
        {
            return sizes;
        }
        foreach (var set in oldest)
        {
            Take(set, Math.Min(bound, Math.Max(0, set.Spec - set.Available)), ref bound);
        }
        var surplus = available + oldest.Sum(s => Math.Min(s.Available, s.Spec)) - budget.Fewest;
        foreach (var set in oldest)
        {
            Take(set, Math.Clamp(surplus, 0, sizes.GetValueOrDefault(set.Name, set.Spec)), ref surplus);
        }
        return sizes;

        void Take(SetFacts set, int count, ref int left)
        {
            if (count > 0)
            {
                sizes[set.Name] = sizes.GetValueOrDefault(set.Name, set.Spec) - count;
                left -= count;
            }
        }
    }

    /// <summary>Another wanted number without another step of the rollout: what there is grows or shrinks.</summary>
    private static RolloutPlan Scale(Deployment deployment, RollingBudget budget, SetFacts? current, IReadOnlyList<SetFacts> old, IReadOnlyList<SetFacts> all)
    {
        var active = all.Where(s => s.IsActive).ToList();
        if (active.Count <= 1)
        {
            var only = active.FirstOrDefault() ?? current ?? old.OrderByDescending(s => s.Created).FirstOrDefault();
            return only is null ? s_stay : new RolloutPlan(new Dictionary<string, int> { [only.Name] = budget.Desired });
        }
        if (current is not null && current.Spec == budget.Desired && current.Desired == budget.Desired)
        {
            return new RolloutPlan(active.Where(s => s != current).ToDictionary(s => s.Name, _ => 0));
        }
        return deployment.Spec.Strategy.Type == "Recreate" ? s_stay : new RolloutPlan(Share(budget, active, deployment.Status.Replicas));
    }

    /// <summary>Divides what is to be added or taken by the sets' sizes; the largest takes what rounding leaves.</summary>
    private static Dictionary<string, int> Share(RollingBudget budget, List<SetFacts> active, int statusReplicas)
    {
        var add = (budget.Desired > 0 ? budget.Most : 0) - active.Sum(s => s.Spec);
        var largest = active.OrderByDescending(s => s.Spec);
        var ordered = (add > 0 ? largest.ThenByDescending(s => s.Created) : largest.ThenBy(s => s.Created)).ThenBy(s => s.Name, StringComparer.Ordinal).ToList();
        var sizes = ordered.ToDictionary(s => s.Name, s => s.Spec);
        var added = 0;
        foreach (var set in ordered)
        {
            var before = set.Max ?? statusReplicas;
            var share = budget.Desired == 0 ? -set.Spec
                : (int)Math.Round(set.Spec * (double)budget.Most / (before > 0 ? before : active.Sum(s => s.Spec)), MidpointRounding.AwayFromZero) - set.Spec;
            share = add switch { 0 => 0, > 0 => Math.Min(share, add - added), _ => Math.Max(share, add - added) };
            sizes[set.Name] += share;
            added += share;
        }
        sizes[ordered[0].Name] = Math.Max(0, sizes[ordered[0].Name] + add - added);
        return sizes;
    }
}
