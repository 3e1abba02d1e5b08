using System.Text.Json.Nodes;
using Serval.Api.Fields;

namespace Serval.ApiServer.Apply;

/// <summary>
/// Who owns which field after a write. Pure; trees are without <c>managedFields</c>. A <see cref="FormatException"/> means that the items of a
/// list in the live object cannot be told apart. (structured-merge-diff: merge/update.go.)
/// </summary>
internal static class FieldUpdater
{
    /// <summary>Never owned: what the server sets, or what says which object is meant (apimachinery: stripmeta.go).</summary>
    private static readonly FieldSet s_nobodys =
        ((string[])["name", "namespace", "creationTimestamp", "selfLink", "uid", "clusterName", "generation", "managedFields", "resourceVersion"])
        .Select(f => FieldSet.OfFields("metadata", f))
        .Aggregate(FieldSet.OfFields("apiVersion").Union(FieldSet.OfFields("kind")).Union(FieldSet.OfFields("metadata")), (a, b) => a.Union(b));

    /// <summary>After a write that is no apply: what it changed is the writer's alone.</summary>
    public static List<ManagedEntry> Update(JsonObject live, JsonObject next, IReadOnlyList<ManagedEntry> entries, FieldOperation by)
    {
        var changes = new Changes(live, next, by);
        var others = Settled(entries, by).Select(e => changes.TakeFrom(e)).OfType<ManagedEntry>().ToList();
        var own = by.Entry(isApply: false);
        own = own with { Fields = changes.Own.Modified.Union(changes.Own.Added).ExceptTrees(by.Ignored).Except(s_nobodys) };
        if (!own.Fields.IsEmpty)
        {
            if (others.Find(own.IsOfSameManager) is { } before)
            {
                others.Remove(before);
                own = own with { Fields = own.Fields.Union(before.Fields) };
            }
            others.Add(own);
        }
        return others;
    }

    /// <summary>
    /// Lays a configuration over the live object and takes out what the manager applied before and does not any more. With conflicts and
    /// without force nothing is taken from anybody, and the outcome only tells them.
    /// </summary>
    public static ApplyOutcome Apply(JsonObject live, JsonObject config, IReadOnlyList<ManagedEntry> entries, FieldOperation by, bool force)
    {
        var settled = Settled(entries, by);
        var own = by.Entry(isApply: true);
        var last = settled.Find(own.IsOfSameManager);
        own = own with { Fields = TypedTree.FieldsOf(config, by.Type).ExceptTrees(by.Ignored) };
        var others = settled.Where(e => !own.IsOfSameManager(e)).ToList();
        var next = TypedTree.Merge(live, config, by.Type);
        if (last is not null && by.TypeOf(last.ApiVersion) is { } type)
        {
            next = Pruned(next, last, [.. others, own], type, by);
        }
        var changes = new Changes(live, next, by);
        var conflicts = others.SelectMany(changes.ConflictsWith).ToList();
        if (conflicts.Count > 0 && !force)
        {
            return new ApplyOutcome(next, [], conflicts);
        }
        others = others.Select(e => changes.TakeFrom(e)).OfType<ManagedEntry>().ToList();
        own = own with { Fields = own.Fields.Except(s_nobodys) };
        if (last is not null && own.Fields.Equals(last.Fields) && JsonNode.DeepEquals(live, next))
        {
            own = own with { Time = last.Time };
        }
        return new ApplyOutcome(next, own.Fields.IsEmpty ? others : [.. others, own], []);
    }

    /// <summary>
    /// Takes out what the manager applied last time, and puts back what somebody owns, what this configuration has, and what the manager
    /// never owned itself.
    /// </summary>
    private static JsonObject Pruned(JsonObject merged, ManagedEntry last, IReadOnlyList<ManagedEntry> managers, FieldType type, FieldOperation by)
    {
        var lately = last.Fields.WithNamedFields(type);
        var pruned = TypedTree.Remove(merged, lately, type);
        foreach (var version in managers.GroupBy(m => m.ApiVersion).OrderBy(g => g.Key != last.ApiVersion))
        {
            if (by.TypeOf(version.Key) is { } versioned)
            {
                var owned = version.Aggregate(FieldSet.Empty, (set, m) => set.Union(m.Fields)).WithNamedFields(versioned);
                pruned = TypedTree.Remove(merged, Named(merged, versioned).Except(Named(pruned, versioned).Union(owned)), versioned);
            }
        }
        return TypedTree.Remove(merged, Named(merged, type).Except(Named(pruned, type)).Intersect(lately), type);
    }

    private static FieldSet Named(JsonObject tree, FieldType type) => TypedTree.FieldsOf(tree, type).WithNamedFields(type);

    /// <summary>The entries in terms of today's types; those of versions that are gone are gone.</summary>
    private static List<ManagedEntry> Settled(IReadOnlyList<ManagedEntry> entries, FieldOperation by) =>
        [.. entries.Select(e => by.TypeOf(e.ApiVersion) is { } type ? e with { Fields = e.Fields.SettledBy(type) } : null).OfType<ManagedEntry>()];

    /// <summary>What a write changes, in terms of each version that somebody wrote in.</summary>
    private sealed class Changes(JsonObject live, JsonObject next, FieldOperation by)
    {
        private readonly Dictionary<string, Comparison> _versions = new(StringComparer.Ordinal);

        public Comparison Own => In(by.ApiVersion);

        /// <summary>The entry without what is no longer its manager's; null when nothing is left.</summary>
        public ManagedEntry? TakeFrom(ManagedEntry entry)
        {
            var changed = In(entry.ApiVersion);
            var fields = entry.Fields.Except(changed.Modified).Except(changed.Added).Except(changed.Removed);
            return fields.IsEmpty ? null : entry with { Fields = fields };
        }

        public IEnumerable<FieldConflict> ConflictsWith(ManagedEntry entry)
        {
            var changed = In(entry.ApiVersion);
            return entry.Fields.Intersect(changed.Modified.Union(changed.Added)).Paths().Select(p => new FieldConflict(entry, p));
        }

        private Comparison In(string version)
        {
            if (!_versions.TryGetValue(version, out var changes))
            {
                _versions[version] = changes = TypedTree.Compare(live, next, by.TypeOf(version)!).Without(by.Ignored);
            }
            return changes;
        }
    }
}
