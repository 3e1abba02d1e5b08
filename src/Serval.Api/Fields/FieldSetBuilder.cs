namespace Serval.Api.Fields;

/// <summary>Gathers paths into a <see cref="FieldSet"/>.</summary>
internal sealed class FieldSetBuilder
{
    private bool _isMember;
    private Dictionary<PathElement, FieldSetBuilder>? _below;

    /// <summary>Adds a path; the empty one, the whole object, is nobody's.</summary>
    public void Add(List<PathElement> path)
    {
        var node = this;
        foreach (var element in path)
        {
            node._below ??= [];
            node = node._below.TryGetValue(element, out var below) ? below : node._below[element] = new FieldSetBuilder();
        }
        node._isMember = true;
    }

    public FieldSet Build() =>
        _below is null ? FieldSet.Empty : FieldSet.Of(_below.Select(b => new FieldEntry(b.Key, b.Value._isMember, b.Value.Build())));
}
