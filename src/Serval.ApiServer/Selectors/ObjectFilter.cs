using Serval.Api;

namespace Serval.ApiServer.Selectors;

/// <summary>Namespace, labels and fields of a list or a watch, parsed once.</summary>
/// <param name="Namespace">Null selects every namespace.</param>
internal sealed record ObjectFilter(string? Namespace, LabelQuery Labels, FieldQuery Fields)
{
    public static ObjectFilter Parse(string? ns, string labels, string fields)
    {
        var filter = new ObjectFilter(string.IsNullOrEmpty(ns) ? null : ns, LabelQuery.Parse(labels), FieldQuery.Parse(fields));
        return filter.Fields.Paths.Contains("") ? throw ApiException.BadRequest("field label not supported: ") : filter;
    }

    /// <summary>Whether labels or fields narrow the selection (the namespace of an object never changes).</summary>
    public bool Selects => !Labels.IsEverything || !Fields.IsEverything;

    public bool InScope(KubeObject obj) => Namespace is null || string.Equals(Namespace, obj.Metadata.Namespace, StringComparison.Ordinal);

    /// <summary>Labels and fields only.</summary>
    public bool Matches(KubeObject obj) => Labels.Matches(obj.Metadata.Labels) && Fields.Matches(obj);
}
