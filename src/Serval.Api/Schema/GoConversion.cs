using System.Text.Json;

namespace Serval.Api.Schema;

/// <summary>What upstream says of a value that does not fit a field when it fills an object from maps (apimachinery: runtime/converter.go, fromUnstructured).</summary>
internal static class GoConversion
{
    public static string Complaint(JsonElement value, ValueSchema field) => field.Kind switch
    {
        ValueKind.List or ValueKind.Bytes => $"cannot restore slice from {Kind(value)}",
        ValueKind.Map => $"cannot restore map from {Kind(value)}",
        ValueKind.Object => $"cannot restore struct from: {Kind(value)}",
        ValueKind.String when IsInteger(value) => $"cannot convert int64 to {field.GoName}",
        ValueKind.Int32 or ValueKind.Int64 when value.ValueKind == JsonValueKind.Number => $"cannot convert {Kind(value)} to {field.GoName}",
        _ => $"unrecognized type: {field.GoName}",
    };

    private static bool IsInteger(JsonElement value) => value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out _);

    private static string Kind(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Number => IsInteger(value) ? "int64" : "float64",
        JsonValueKind.True or JsonValueKind.False => "bool",
        JsonValueKind.Array => "slice",
        JsonValueKind.Object => "map",
        _ => "string",
    };
}
