using Serval.Api;
using Serval.Kube;

namespace Serval.Controllers.Workloads;

/// <summary>
/// Which objects of a kind a selector selects, without looking at all of them. A label is filed from the first time a selector names it. It must be
/// told of each change of the kind before whoever asks because of that change. Safe from any thread.
/// </summary>
/// <param name="cache">The objects.</param>
/// <param name="holds">Which of them it holds.</param>
internal sealed class LabelIndex(IObjectCache cache, Func<ObjectMeta, bool> holds)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, Dictionary<(string Namespace, string Value), HashSet<string>>> _labels = []; // guarded by _lock; label → place → names

    internal void Follow(CacheChange change)
    {
        var now = change.Type == WatchEventType.Deleted ? null : change.New.Metadata;
        var before = change.Type == WatchEventType.Deleted ? change.New.Metadata : change.Old?.Metadata;
        if (now is not null && ReferenceEquals(now.Labels, before?.Labels) && ReferenceEquals(now.OwnerReferences, before?.OwnerReferences))
        {
            return;
        }
        now = now is not null && holds(now) ? now : null;
        before = before is not null && holds(before) ? before : null;
        lock (_lock)
        {
            foreach (var (label, places) in _labels)
            {
                var (old, value) = (before?.Label(label), now?.Label(label));
                if (old == value)
                {
                    continue;
                }
                if (old is not null)
                {
                    Remove(places, before!, old);
                }
                if (value is not null)
                {
                    Add(places, now!, value);
                }
            }
        }
    }

    /// <summary>What the selector selects in <paramref name="ns"/>, in the cache's present state.</summary>
    internal IEnumerable<KubeObject> Find(string ns, LabelSelector selector)
    {
        var found = selector.MatchLabels.Count == 0
            ? cache.List(ns)
            : Candidates(ns, selector).Select(name => cache.Get(new ObjectKey(ns, name))).OfType<KubeObject>();
        return found.Where(o => holds(o.Metadata) && selector.Matches(o.Metadata.Labels));
    }

    private string[] Candidates(string ns, LabelSelector selector)
    {
        lock (_lock)
        {
            HashSet<string>? fewest = null;
            foreach (var (label, value) in selector.MatchLabels)
            {
                if (!Places_NeedsLock(label).TryGetValue((ns, value), out var names))
                {
                    return [];
                }
                fewest = fewest is null || names.Count < fewest.Count ? names : fewest;
            }
            return [.. fewest!];
        }
    }

    private Dictionary<(string Namespace, string Value), HashSet<string>> Places_NeedsLock(string label)
    {
        if (!_labels.TryGetValue(label, out var places))
        {
            _labels[label] = places = [];
            foreach (var present in cache.List())
            {
                if (holds(present.Metadata) && present.Metadata.Label(label) is { } value)
                {
                    Add(places, present.Metadata, value);
                }
            }
        }
        return places;
    }

    private static void Add(Dictionary<(string Namespace, string Value), HashSet<string>> places, ObjectMeta metadata, string value)
    {
        if (!places.TryGetValue((metadata.Namespace, value), out var names))
        {
            places[(metadata.Namespace, value)] = names = new HashSet<string>(StringComparer.Ordinal);
        }
        names.Add(metadata.Name);
    }

    private static void Remove(Dictionary<(string Namespace, string Value), HashSet<string>> places, ObjectMeta metadata, string value)
    {
        if (places.TryGetValue((metadata.Namespace, value), out var names) && names.Remove(metadata.Name) && names.Count == 0)
        {
            places.Remove((metadata.Namespace, value));
        }
    }
}
