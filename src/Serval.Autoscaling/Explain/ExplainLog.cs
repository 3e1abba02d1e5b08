using Serval.Api;

namespace Serval.Autoscaling;

/// <summary>One line of the explain log: a decision and how often it was repeated.</summary>
public sealed record Explanation(ObjectKey Revision, DateTimeOffset First, DateTimeOffset Last, int Times, ScaleDecision Decision)
{
    public override string ToString() =>
        $"{First:HH:mm:ss.fff} {Revision}: {Decision.Inputs.Replicas} → {Decision.Desired} ({Decision.Reason}{(Times > 1 ? $", {Times} times" : "")}); "
        + $"stable {Decision.Inputs.Stable:0.###}, panic {Decision.Inputs.Panic:0.###}, now {Decision.Inputs.Now}, target {Decision.Inputs.Target:0.##}, "
        + $"ready {Decision.Inputs.Ready}, bounds {Decision.Inputs.Min}–{(Decision.Inputs.Max == 0 ? "∞" : Decision.Inputs.Max)}";
}

/// <summary>The latest scaling decisions of all revisions, in a bounded ring. A repeated decision counts up instead of taking a line.</summary>
public sealed class ExplainLog(int capacity = 4096)
{
    private readonly Lock _lock = new();
    private readonly Explanation?[] _ring = new Explanation?[capacity]; // guarded by _lock
    private readonly Dictionary<ObjectKey, long> _latest = []; // guarded by _lock; index of a revision's newest line
    private long _next; // guarded by _lock

    public void Record(ObjectKey revision, in ScaleDecision decision, DateTimeOffset now)
    {
        lock (_lock)
        {
            if (_latest.TryGetValue(revision, out var index) && _ring[index % capacity] is { } line
                && line.Decision.Desired == decision.Desired && line.Decision.Replicas == decision.Replicas
                && line.Decision.Reason == decision.Reason)
            {
                _ring[index % capacity] = line with { Last = now, Times = line.Times + 1, Decision = decision };
                return;
            }
            var slot = _next % capacity;
            if (_ring[slot] is { } old && _latest.TryGetValue(old.Revision, out var newest) && newest == _next - capacity)
            {
                _latest.Remove(old.Revision);
            }
            _ring[slot] = new Explanation(revision, now, now, 1, decision);
            _latest[revision] = _next++;
        }
    }

    /// <summary>Lines of one revision, oldest first; of all when null.</summary>
    public IReadOnlyList<Explanation> Read(ObjectKey? revision = null)
    {
        lock (_lock)
        {
            var lines = new List<Explanation>();
            for (var index = Math.Max(0, _next - capacity); index < _next; index++)
            {
                if (_ring[index % capacity] is { } line && (revision is null || line.Revision == revision))
                {
                    lines.Add(line);
                }
            }
            return lines;
        }
    }
}
