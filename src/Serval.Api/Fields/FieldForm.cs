namespace Serval.Api.Fields;

/// <summary>The forms a value can have.</summary>
internal enum FieldForm
{
    Scalar,
    List,
    Map,
}
