using Serval.Api;
using Serval.Kube;

namespace Serval.Controllers.Workloads;

/// <summary>
/// Which objects of a kind select a set of labels, without looking at all of them: each selector is filed under one of its pairs, the one that fewest
/// share so far, so that only selectors with a pair in common are compared. Filed from the first question on. Safe from any thread.
/// </summary>
/// <param name="cache">The objects that select.</param>
/// <param name="selectorOf">What the spec of one selects; null is nothing.</param>
internal sealed class SelectorIndex(IObjectCache cache, Func<KubeObject, LabelSelector?> selectorOf)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<ObjectKey, Entry> _entries = []; // guarded by _lock
    private readonly Dictionary<Pair, Dictionary<ObjectKey, Entry>> _files = []; // guarded by _lock; no file is empty
    private bool _filed; // guarded by _lock

    /// <summary>
    /// A watch that keeps the index. It stands before the watches that ask it, so that what an object selects is known when they do.
    /// </summary>
    internal ReconcilerWatch Watch => new(cache.Kind, change =>
    {
        Follow(change);
        return []; // the object itself runs anyway
    });

    internal void Follow(CacheChange change)
    {
        lock (_lock)
        {
            if (!_filed)
            {
                return;
            }
            if (change.Type == WatchEventType.Deleted)
            {
                Set_NeedsLock(change.New.Key, null);
            }
            else if (change.Old is not { } old || !old.Member("spec").Span.SequenceEqual(change.New.Member("spec").Span))
            {
                Set_NeedsLock(change.New.Key, selectorOf(change.New));
            }
        }
    }

    /// <summary>The keys whose selectors match the object, and those that did before its labels changed.</summary>
    internal IEnumerable<ObjectKey> Matching(CacheChange change)
    {
        var ns = change.New.Metadata.Namespace;
        var now = Matching(ns, change.New.Metadata.Labels);
        return change.Old is { } old && !ReferenceEquals(old.Metadata.Labels, change.New.Metadata.Labels) ? now.Union(Matching(ns, old.Metadata.Labels)) : now;
    }

    /// <summary>The keys in <paramref name="ns"/> whose selectors match these labels.</summary>
    internal IReadOnlyList<ObjectKey> Matching(string ns, IReadOnlyDictionary<string, string> labels)
    {
        List<ObjectKey>? found = null;
        lock (_lock)
        {
            if (!_filed)
            {
                FileAll_NeedsLock();
            }
            Add_NeedsLock(ref found, new Pair(ns, "", ""), labels);
            foreach (var (label, value) in labels)
            {
                Add_NeedsLock(ref found, new Pair(ns, label, value), labels);
            }
        }
        return found ?? (IReadOnlyList<ObjectKey>)[];
    }

    private void FileAll_NeedsLock()
    {
        _filed = true;
        foreach (var present in cache.List())
        {
            Set_NeedsLock(present.Key, selectorOf(present));
        }
    }

    private void Set_NeedsLock(ObjectKey key, LabelSelector? selector)
    {
        if (_entries.Remove(key, out var before))
        {
            Unfile_NeedsLock(key, before);
        }
        if (selector is not null)
        {
            var entry = new Entry(Narrowest_NeedsLock(key.Namespace, selector), selector);
            _entries[key] = entry;
            if (!_files.TryGetValue(entry.File, out var file))
            {
                _files[entry.File] = file = [];
            }
            file[key] = entry;
        }
    }

    private void Add_NeedsLock(ref List<ObjectKey>? found, Pair pair, IReadOnlyDictionary<string, string> labels)
    {
        if (!_files.TryGetValue(pair, out var file))
        {
            return;
        }
        foreach (var (key, entry) in file)
        {
            if (entry.Selector.Matches(labels))
            {
                (found ??= []).Add(key);
            }
        }
    }

    private Pair Narrowest_NeedsLock(string ns, LabelSelector selector)
    {
        var (best, fewest) = (new Pair(ns, "", ""), int.MaxValue); // where selectors without a pair of their own stand
        foreach (var (label, value) in selector.MatchLabels)
        {
            var pair = new Pair(ns, label, value);
            if (_files.TryGetValue(pair, out var file) ? file.Count < fewest : fewest > 0)
            {
                (best, fewest) = (pair, file?.Count ?? 0);
            }
        }
        return best;
    }

    private void Unfile_NeedsLock(ObjectKey key, Entry entry)
    {
        var file = _files[entry.File];
        file.Remove(key);
        if (file.Count == 0)
        {
            _files.Remove(entry.File);
        }
    }

    private readonly record struct Pair(string Namespace, string Label, string Value);

    private sealed record Entry(Pair File, LabelSelector Selector);
}
