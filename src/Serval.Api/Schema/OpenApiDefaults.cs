using System.Text.Json;

namespace Serval.Api.Schema;

/// <summary>
/// The <c>default</c> of a field: what the API states, or the zero value of what is never absent in upstream's types: a required scalar, a struct
/// (kube-openapi: pkg/generators, mustEnforceDefault).
/// </summary>
internal static class OpenApiDefaults
{
    /// <summary>As JSON; null for none.</summary>
    public static string? Of(FieldSchema field)
    {
        if (field.Default is { } stated)
        {
            return field.Value.Kind == ValueKind.String ? $"\"{JsonEncodedText.Encode(stated)}\"" : stated;
        }
        if (field.IsPointer)
        {
            return null;
        }
        return field.Value.Kind switch
        {
            ValueKind.Object when field.Required || field.Value.Type!.Name is "ObjectMeta" or "ListMeta" => "{}",
            ValueKind.String when field.Required => "\"\"",
            ValueKind.Int32 or ValueKind.Int64 or ValueKind.Number when field.Required => "0",
            ValueKind.Boolean when field.Required => "false",
            _ => null,
        };
    }
}
