using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using Serval.Api.Schema;

namespace Serval.Api.Fields;

/// <summary>The field table as server-side apply sees it. (kube-openapi: schemaconv.)</summary>
public static class TableFieldTypes
{
    private static readonly ConcurrentDictionary<TypeSchema, FieldType> s_types = new();
    private static readonly ConcurrentDictionary<FieldSchema, FieldType> s_fields = new();

    public static FieldType Of(TypeSchema type) => s_types.GetOrAdd(type, static t => Of(t, t.IsAtomic));

    private static FieldType Of(TypeSchema type, bool atomic) => type.Fields.Count == 0 && !atomic
        ? FieldType.Deduced
        : new FieldType { Map = new MapForm(atomic, name => type.Find(name) is { } field ? Of(field) : null, static () => null) };

    private static FieldType Of(FieldSchema field) => s_fields.GetOrAdd(field, static f =>
    {
        var type = f.Value.Kind switch
        {
            ValueKind.List => new FieldType { List = new ListForm(f.ListKind == ListKind.Atomic, f.ListKind == ListKind.Map ? f.ListMapKeys : [], () => Of(f.Value.Item!)) },
            ValueKind.Map => new FieldType { Map = new MapForm(f.AtomicMap, static _ => null, () => Of(f.Value.Item!)) },
            ValueKind.Object when f.AtomicMap => Of(f.Value.Type!, atomic: true),
            _ => Of(f.Value),
        };
        return f.Default is { } text
            ? type with { Default = f.Value.Kind == ValueKind.String ? JsonValue.Create(text) : JsonNode.Parse(text) }
            : type;
    });

    private static FieldType Of(ValueSchema value) => value.Kind switch
    {
        ValueKind.Object => Of(value.Type!),
        ValueKind.List => new FieldType { List = new ListForm(true, [], () => Of(value.Item!)) },
        ValueKind.Map => new FieldType { Map = new MapForm(false, static _ => null, () => Of(value.Item!)) },
        ValueKind.Any => FieldType.Deduced,
        ValueKind.String or ValueKind.Bytes => s_text,
        ValueKind.Int32 or ValueKind.Int64 or ValueKind.Number => s_number,
        ValueKind.Boolean => s_boolean,
        _ => s_scalar,
    };

    private static readonly FieldType s_text = new() { Scalar = ScalarForm.Text };
    private static readonly FieldType s_number = new() { Scalar = ScalarForm.Number };
    private static readonly FieldType s_boolean = new() { Scalar = ScalarForm.Boolean };
    private static readonly FieldType s_scalar = new() { Scalar = ScalarForm.Any };
}
