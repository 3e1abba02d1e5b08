namespace Serval.Autoscaling.Hpa;

/// <summary>
/// Decides a workload's replicas as Kubernetes' HorizontalPodAutoscaler does (kubernetes pkg/controller/podautoscaler): a proposal from how loaded the
/// pods are, held by the stabilisation windows, by how fast it may grow, and by the bounds. It remembers what it proposed and did; time is the caller's.
/// </summary>
public sealed class HpaScaler
{
    /// <summary>How often it decides, and the time in which growth is bounded.</summary>
    public static readonly TimeSpan Period = TimeSpan.FromSeconds(15);

    private const double Tolerance = 0.1;
    private const int PodsAPeriod = 4;

    private readonly List<(TimeSpan At, int Replicas)> _proposals = [];
    private readonly List<(TimeSpan At, int Added)> _growth = [];

    /// <summary>Replicas that bring the pods to their target; null when none of them was measured.</summary>
    /// <param name="current">Replicas that there are to be.</param>
    /// <param name="loads">What each ready pod uses, as a share of its target; null: not measured.</param>
    /// <param name="unready">Pods that are not ready: they are idle when more are wanted, and do not count when fewer are.</param>
    /// <param name="missing">The load of who was not measured, when fewer are wanted. When more are it is idle: it neither adds nor removes by itself.</param>
    public static int? Propose(int current, IReadOnlyList<double?> loads, int unready = 0, double missing = 1)
    {
        var measured = loads.OfType<double>().ToList();
        if (measured.Count == 0)
        {
            return null;
        }
        var ratio = measured.Average();
        var unmeasured = loads.Count - measured.Count;
        var pods = loads.Count + (ratio > 1 ? unready : 0);
        var whole = pods == measured.Count ? ratio : (measured.Sum() + (ratio < 1 ? unmeasured * missing : 0)) / pods;
        if (whole is >= 1 - Tolerance and <= 1 + Tolerance || ratio < 1 != whole < 1)
        {
            return current;
        }
        var proposed = (int)Math.Min(int.MaxValue, Math.Ceiling(whole * pods));
        return whole < 1 ? Math.Min(proposed, current) : Math.Max(proposed, current);
    }

    /// <summary>The decision at <paramref name="now"/>, which is taken to be carried out.</summary>
    public HpaDecision Decide(HpaLimits limits, int current, int proposed, TimeSpan now)
    {
        if (_proposals.Count == 0)
        {
            _proposals.Add((now, current)); // what was wanted before is not known: it counts as wanted
        }
        var longest = limits.UpWindow > limits.DownWindow ? limits.UpWindow : limits.DownWindow;
        _proposals.RemoveAll(p => now - p.At >= longest);
        var most = _proposals.Where(p => now - p.At < limits.UpWindow).Select(p => p.Replicas).Append(proposed).Min();
        var fewest = _proposals.Where(p => now - p.At < limits.DownWindow).Select(p => p.Replicas).Append(proposed).Max();
        _proposals.Add((now, proposed));
        _growth.RemoveAll(g => now - g.At >= Period);
        if (current > limits.Max || current < limits.Min)
        {
            return new HpaDecision(Math.Clamp(current, limits.Min, limits.Max), current > limits.Max ? HpaLimit.TooManyReplicas : HpaLimit.TooFewReplicas, HpaHold.No);
        }
        var stable = current < most ? most : current > fewest ? fewest : current;
        var before = current - _growth.Sum(g => g.Added);
        var fastest = Math.Max(current, Math.Max(before + PodsAPeriod, (int)Math.Min(int.MaxValue, 2L * before)));
        var (desired, limit) = stable < limits.Min ? (limits.Min, HpaLimit.TooFewReplicas)
            : stable > fastest && fastest < limits.Max ? (fastest, HpaLimit.ScaleUpLimit)
            : stable > limits.Max ? (limits.Max, HpaLimit.TooManyReplicas)
            : (stable, HpaLimit.DesiredWithinRange);
        if (desired > current)
        {
            _growth.Add((now, desired - current));
        }
        return new HpaDecision(desired, limit, stable < proposed ? HpaHold.ScalingUp : stable > proposed ? HpaHold.ScalingDown : HpaHold.No);
    }
}
