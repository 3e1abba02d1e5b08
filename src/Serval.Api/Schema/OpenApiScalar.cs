namespace Serval.Api.Schema;

/// <summary>What OpenAPI calls a scalar.</summary>
internal static class OpenApiScalar
{
    public static (string Type, string? Format) Of(ValueKind kind) => kind switch
    {
        ValueKind.Int32 => ("integer", "int32"),
        ValueKind.Int64 => ("integer", "int64"),
        ValueKind.Number => ("number", "double"),
        ValueKind.Boolean => ("boolean", null),
        ValueKind.Bytes => ("string", "byte"),
        ValueKind.Time or ValueKind.MicroTime => ("string", "date-time"),
        _ => ("string", null),
    };
}
