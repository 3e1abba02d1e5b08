using Serval.Api;
using Serval.Api.Fields;
using Serval.Api.Schema;

namespace Serval.ApiServer.Pipeline;

/// <summary>What server-side apply knows of a kind.</summary>
internal static class FieldTypes
{
    private static readonly FieldType s_text = new() { Scalar = ScalarForm.Text };

    /// <summary>A custom object whose definition's schema is not asked: its metadata is known, the rest is deduced from the values.</summary>
    private static readonly FieldType s_custom = new()
    {
        Map = new MapForm(false, static name => name switch
        {
            "apiVersion" or "kind" => s_text,
            "metadata" => TableFieldTypes.Custom.Of(Schemas.ObjectMeta),
            _ => null,
        }, static () => FieldType.Deduced),
    };

    public static FieldType Of(ResourceKind kind) =>
        kind.Shape is null ? (kind.IsCustom ? TableFieldTypes.Custom : TableFieldTypes.BuiltIn).Of(Schemas.For(kind).Type) : s_custom;
}
