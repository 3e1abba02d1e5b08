using System.Runtime.CompilerServices;
using Serval.Api.Crds;

namespace Serval.Api.Fields;

/// <summary>A structural schema as server-side apply sees it. (kube-openapi: schemaconv.)</summary>
public static class StructuralFieldTypes
{
    private static readonly ConditionalWeakTable<StructuralSchema, FieldType> s_types = [];
    private static readonly FieldType s_text = new() { Scalar = ScalarForm.Text };

    /// <summary>The type of a whole object.</summary>
    /// <param name="schema">The schema of the kind.</param>
    /// <param name="metadata">The type of every object's metadata.</param>
    public static FieldType Of(StructuralSchema schema, FieldType metadata) => Whole(schema, metadata);

    private static FieldType Whole(StructuralSchema schema, FieldType metadata) => new()
    {
        Map = new MapForm(false, name => name switch
        {
            "apiVersion" or "kind" => s_text,
            "metadata" => metadata,
            _ => schema.Properties.TryGetValue(name, out var field) ? Of(field) : null,
        }, () => Rest(schema)),
    };

    private static FieldType Of(StructuralSchema schema) => s_types.GetValue(schema, static s =>
    {
        var type = s switch
        {
            { IsIntOrString: true } => new FieldType { Scalar = ScalarForm.Any },
            { Type: "array" } => new FieldType
            {
                List = new ListForm(s.ListType is not ("set" or "map"), s.ListType == "map" ? s.ListMapKeys : [], () => s.Items is { } item ? Of(item) : FieldType.Deduced),
            },
            { Type: "string" } => s_text,
            { Type: "integer" or "number" } => new FieldType { Scalar = ScalarForm.Number },
            { Type: "boolean" } => new FieldType { Scalar = ScalarForm.Boolean },
            { Type: "object", Properties.Count: 0, Additional: null, MapType: not "atomic" } or { Type: "" } => FieldType.Deduced,
            _ => new FieldType
            {
                Map = new MapForm(s.MapType == "atomic", name => s.Properties.TryGetValue(name, out var field) ? Of(field) : null, () => Rest(s)),
            },
        };
        return s.HasDefault ? type with { Default = s.NewDefault() } : type;
    });

    private static FieldType? Rest(StructuralSchema schema) =>
        schema.Additional is { } additional ? Of(additional) : schema.PreservesUnknown || schema.IsEmbedded || schema.AllowsAdditional == true ? FieldType.Deduced : null;
}
