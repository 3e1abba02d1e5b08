namespace Serval.Api.Schema;

/// <summary>The shape of one value: a scalar, a list or map of a shape, or an object of a type.</summary>
public sealed class ValueSchema
{
    private readonly string? _typeName;
    private TypeSchema? _type; // resolved on first use, because types refer to each other; a lost race finds the same instance

    internal ValueSchema(ValueKind kind) => Kind = kind;

    internal ValueSchema(ValueKind kind, ValueSchema item)
    {
        Kind = kind;
        Item = item;
    }

    internal ValueSchema(string typeName)
    {
        Kind = ValueKind.Object;
        _typeName = typeName;
    }

    public ValueKind Kind { get; }

    /// <summary>Shape of the items of a list or the values of a map.</summary>
    public ValueSchema? Item { get; }

    /// <summary>Type of an object.</summary>
    public TypeSchema? Type => _typeName is null ? null : _type ??= Schemas.Resolve(_typeName);

    /// <summary>What Go calls the type that a value is read as: some types hand it on to a plainer one.</summary>
    internal string GoRead => Kind switch
    {
        ValueKind.IntOrString => "int32",
        ValueKind.Time or ValueKind.MicroTime => "string",
        _ => GoName,
    };

    /// <summary>What Go calls the type; the API server's decoding errors name it.</summary>
    internal string GoName => Kind switch
    {
        ValueKind.Int32 => "int32",
        ValueKind.Int64 => "int64",
        ValueKind.Number => "float64",
        ValueKind.Boolean => "bool",
        ValueKind.Quantity => "resource.Quantity",
        ValueKind.IntOrString => "intstr.IntOrString",
        ValueKind.Time => "v1.Time",
        ValueKind.MicroTime => "v1.MicroTime",
        ValueKind.Bytes => "[]uint8",
        ValueKind.Any => "interface {}",
        ValueKind.Object => Type!.GoName,
        ValueKind.List => "[]" + Item!.GoName,
        ValueKind.Map when Item!.Kind == ValueKind.Quantity => "v1.ResourceList",
        ValueKind.Map => "map[string]" + Item!.GoName,
        _ => "string",
    };
}
