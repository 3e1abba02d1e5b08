namespace Serval.Api.Fields;

/// <summary>
/// A set of paths into an object: what a manager owns, or what a change touches. Having a path does not mean having those above or below it.
/// Immutable. (structured-merge-diff: fieldpath.Set.)
/// </summary>
public sealed class FieldSet : IEquatable<FieldSet>
{
    public static readonly FieldSet Empty = new([]);

    private readonly FieldEntry[] _entries; // in order, none of them empty

    private FieldSet(FieldEntry[] entries) => _entries = entries;

    public bool IsEmpty => _entries.Length == 0;

    /// <summary>The steps below, in order.</summary>
    public IReadOnlyList<FieldEntry> Entries => _entries;

    /// <summary>The set of these steps; those with nothing in them fall out.</summary>
    public static FieldSet Of(IEnumerable<FieldEntry> entries)
    {
        var array = entries.Where(e => !e.IsEmpty).ToArray();
        Array.Sort(array, static (a, b) => a.Element.OrderTo(b.Element));
        return array.Length == 0 ? Empty : new FieldSet(array);
    }

    /// <summary>The set of one path of fields.</summary>
    public static FieldSet OfFields(params ReadOnlySpan<string> path) =>
        new([new FieldEntry(PathElement.Field(path[0]), path.Length == 1, path.Length == 1 ? Empty : OfFields(path[1..]))]);

    public bool Has(params ReadOnlySpan<PathElement> path) => path.Length switch
    {
        0 => false,
        1 => Find(path[0]).IsMember,
        _ => Below(path[0]).Has(path[1..]),
    };

    /// <summary>The paths below a step, without it.</summary>
    public FieldSet Below(PathElement element) => Find(element).Children;

    public FieldSet Union(FieldSet other) => IsEmpty ? other : other.IsEmpty ? this
        : Join(other, static (a, b) => new FieldEntry(a.Element, a.IsMember || b.IsMember, a.Children.Union(b.Children)));

    public FieldSet Intersect(FieldSet other) => IsEmpty || other.IsEmpty ? Empty
        : Join(other, static (a, b) => new FieldEntry(a.Element, a.IsMember && b.IsMember, a.Children.Intersect(b.Children)));

    /// <summary>Without the paths of the other set; what is below them stays.</summary>
    public FieldSet Except(FieldSet other) => IsEmpty || other.IsEmpty ? this
        : Join(other, static (a, b) => new FieldEntry(a.Element, a.IsMember && !b.IsMember, a.Children.Except(b.Children)));

    /// <summary>Without the paths of the other set and everything below them.</summary>
    public FieldSet ExceptTrees(FieldSet other) => IsEmpty || other.IsEmpty ? this
        : Join(other, static (a, b) => b.IsMember ? a with { IsMember = false, Children = Empty } : a with { Children = a.Children.ExceptTrees(b.Children) });

    /// <summary>Every interior step that the type declares as a field becomes a member too. (EnsureNamedFieldsAreMembers.)</summary>
    public FieldSet WithNamedFields(FieldType? type) => Select(e =>
        new FieldEntry(e.Element, e.IsMember || type?.Declares(e.Element) == true, e.Children.WithNamedFields(type?.At(e.Element))));

    /// <summary>
    /// Ownership written when more of the type was granular: what is atomic by now is owned whole by who owned a part of it.
    /// (ReconcileFieldSetWithSchema; what became granular since stays as it is, as upstream.)
    /// </summary>
    public FieldSet SettledBy(FieldType type) => ReferenceEquals(type, FieldType.Deduced) ? this : Select(e => type.At(e.Element) switch
    {
        null => e,
        { IsAtomic: true } => e.Children.IsEmpty ? e : new FieldEntry(e.Element, true, Empty),
        var inner => e with { Children = e.Children.SettledBy(inner) },
    });

    /// <summary>Every path, parents before children: of each level all members, then what is below each (structured-merge-diff: fieldpath.Set.Iterate).</summary>
    public IEnumerable<IReadOnlyList<PathElement>> Paths() => Paths([]);

    public bool Equals(FieldSet? other) => other is not null && _entries.AsSpan().SequenceEqual(other._entries);

    public override bool Equals(object? obj) => Equals(obj as FieldSet);

    public override int GetHashCode() => _entries.Aggregate(0, (hash, e) => HashCode.Combine(hash, e));

    /// <summary>One path a line.</summary>
    public override string ToString() => string.Join('\n', Paths().Select(p => string.Concat(p)));

    private FieldEntry Find(PathElement element)
    {
        var index = Array.BinarySearch(_entries, new FieldEntry(element, false, Empty), s_byElement);
        return index < 0 ? new FieldEntry(element, false, Empty) : _entries[index];
    }

    private static readonly Comparer<FieldEntry> s_byElement = Comparer<FieldEntry>.Create(static (a, b) => a.Element.OrderTo(b.Element));

    private FieldSet Select(Func<FieldEntry, FieldEntry> change) => IsEmpty ? this : new FieldSet([.. _entries.Select(change)]);

    private FieldSet Join(FieldSet other, Func<FieldEntry, FieldEntry, FieldEntry> join)
    {
        var result = new List<FieldEntry>(Math.Max(_entries.Length, other._entries.Length));
        for (int i = 0, j = 0; i < _entries.Length || j < other._entries.Length;)
        {
            var order = i == _entries.Length ? 1 : j == other._entries.Length ? -1 : _entries[i].Element.OrderTo(other._entries[j].Element);
            var element = order <= 0 ? _entries[i].Element : other._entries[j].Element;
            var none = new FieldEntry(element, false, Empty);
            var joined = join(order <= 0 ? _entries[i++] : none, order >= 0 ? other._entries[j++] : none);
            if (!joined.IsEmpty)
            {
                result.Add(joined);
            }
        }
        return result.Count == 0 ? Empty : new FieldSet([.. result]);
    }

    private IEnumerable<IReadOnlyList<PathElement>> Paths(PathElement[] above)
    {
        foreach (var entry in _entries.Where(e => e.IsMember))
        {
            yield return [.. above, entry.Element];
        }
        foreach (var entry in _entries)
        {
            foreach (var below in entry.Children.Paths([.. above, entry.Element]))
            {
                yield return below;
            }
        }
    }
}
