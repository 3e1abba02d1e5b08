using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using Serval.Api.Schema;

namespace Serval.Api.Fields;

/// <summary>The field table as server-side apply sees it. (kube-openapi: schemaconv.)</summary>
public sealed class TableFieldTypes
{
    private static readonly FieldType s_text = new() { Scalar = ScalarForm.Text };
    private static readonly FieldType s_number = new() { Scalar = ScalarForm.Number };
    private static readonly FieldType s_boolean = new() { Scalar = ScalarForm.Boolean };
    private static readonly FieldType s_scalar = new() { Scalar = ScalarForm.Any };

    private readonly ConcurrentDictionary<TypeSchema, FieldType> _types = new();
    private readonly ConcurrentDictionary<FieldSchema, FieldType> _fields = new();
    private readonly bool _custom;

    private TableFieldTypes(bool custom) => _custom = custom;

    /// <summary>Types as built-in kinds have them.</summary>
    public static TableFieldTypes BuiltIn { get; } = new(custom: false);

    /// <summary>Types as kinds from a CustomResourceDefinition have them.</summary>
    public static TableFieldTypes Custom { get; } = new(custom: true);

    public FieldType Of(TypeSchema type) => _types.GetOrAdd(type, t => Of(t, t.IsAtomic));

    private FieldType Of(TypeSchema type, bool atomic) => type.Fields.Count == 0 && !atomic
        ? FieldType.Deduced
        : new FieldType { Map = new MapForm(atomic, name => type.Find(name) is { } field ? Of(field) : null, static () => null) };

    private FieldType Of(FieldSchema field) => _fields.GetOrAdd(field, f =>
    {
        var type = f.Value.Kind switch
        {
            ValueKind.List => new FieldType { List = ListOf(f) },
            ValueKind.Map => new FieldType { Map = new MapForm(f.AtomicMap, static _ => null, () => Of(f.Value.Item!)) },
            ValueKind.Object when f.AtomicMap => Of(f.Value.Type!, atomic: true),
            _ => Of(f.Value),
        };
        return f.Default is { } text
            ? type with { Default = f.Value.Kind == ValueKind.String ? JsonValue.Create(text) : JsonNode.Parse(text) }
            : type;
    });

    private ListForm ListOf(FieldSchema field) => field.ListKind switch
    {
        ListKind.Map when !(_custom && DefinitionLists.IsUnmarked(field)) => new(false, field.ListMapKeys, () => Of(field.Value.Item!)),
        ListKind.Set => new(false, [], () => Of(field.Value.Item!)),
        _ => new(true, [], () => Of(field.Value.Item!)),
    };

    private FieldType Of(ValueSchema value) => value.Kind switch
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
}
