using Serval.Api;
using Serval.Api.Fields;
using Serval.Api.Schema;

namespace Serval.ApiServer.Pipeline;

/// <summary>What server-side apply knows of a kind.</summary>
internal static class FieldTypes
{
    public static FieldType Of(ResourceKind kind) => kind.Shape is { } shape
        ? StructuralFieldTypes.Of(shape.Schema, TableFieldTypes.Custom.Of(Schemas.ObjectMeta))
        : (kind.IsCustom ? TableFieldTypes.Custom : TableFieldTypes.BuiltIn).Of(Schemas.For(kind).Type);
}
