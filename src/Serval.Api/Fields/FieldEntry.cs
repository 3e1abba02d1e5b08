namespace Serval.Api.Fields;

/// <summary>One step of a <see cref="FieldSet"/>: whether it is a member itself, and the members below it.</summary>
public readonly record struct FieldEntry(PathElement Element, bool IsMember, FieldSet Children)
{
    internal bool IsEmpty => !IsMember && Children.IsEmpty;
}
