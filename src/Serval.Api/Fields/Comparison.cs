namespace Serval.Api.Fields;

/// <summary>What is different between two states of an object.</summary>
public sealed record Comparison(FieldSet Added, FieldSet Modified, FieldSet Removed)
{
    /// <summary>Without these fields and what is below them.</summary>
    public Comparison Without(FieldSet ignored) =>
        ignored.IsEmpty ? this : new(Added.ExceptTrees(ignored), Modified.ExceptTrees(ignored), Removed.ExceptTrees(ignored));
}
