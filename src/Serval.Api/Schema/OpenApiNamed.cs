using System.Text.Json;

namespace Serval.Api.Schema;

/// <summary>Types that are no objects with fields, but have names in upstream's documents: amounts, times, and values of any form.</summary>
internal static class OpenApiNamed
{
    private const string Meta = "io.k8s.apimachinery.pkg.apis.meta.v1.";
    private const string Extensions = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.";
    private const string AnyJson = Extensions + "JSON";
    private const string Fields = Meta + "FieldsV1";
    private const string Raw = "io.k8s.apimachinery.pkg.runtime.RawExtension";

    /// <summary>Name of the type of a value of some field; null when the value is described where it stands.</summary>
    public static string? Of(ValueKind kind, string field) => kind switch
    {
        ValueKind.Quantity => "io.k8s.apimachinery.pkg.api.resource.Quantity",
        ValueKind.IntOrString => "io.k8s.apimachinery.pkg.util.intstr.IntOrString",
        ValueKind.Time => Meta + "Time",
        ValueKind.MicroTime => Meta + "MicroTime",
        ValueKind.Any => field switch
        {
            "fieldsV1" => Fields,
            "object" => Raw,
            "status" => Extensions + "CustomResourceSubresourceStatus",
            "items" => Extensions + "JSONSchemaPropsOrArray",
            "dependencies" => Extensions + "JSONSchemaPropsOrStringArray",
            "additionalItems" or "additionalProperties" => Extensions + "JSONSchemaPropsOrBool",
            _ => AnyJson,
        },
        _ => null,
    };

    /// <summary>Writes what stands behind a name.</summary>
    public static void Write(Utf8JsonWriter json, string name)
    {
        var last = name[(name.LastIndexOf('.') + 1)..];
        switch (last)
        {
            case "Quantity":
                json.WriteString("description", "An amount: a number with an optional suffix, for example 250m, 2, 512Mi or 1e3.");
                OneOf(json, "string", "number");
                break;
            case "IntOrString":
                json.WriteString("description", "A number or a string.");
                json.WriteString("format", "int-or-string");
                OneOf(json, "integer", "string");
                break;
            case "Time" or "MicroTime":
                json.WriteString("description", last == "Time" ? "A time, written as RFC 3339." : "A time with microseconds, written as RFC 3339.");
                json.WriteString("format", "date-time");
                json.WriteString("type", "string");
                break;
            case "FieldsV1" or "RawExtension" or "CustomResourceSubresourceStatus" or "Patch":
                json.WriteString("description", last switch
                {
                    "FieldsV1" => "A set of fields, as a tree of their names.",
                    "RawExtension" => "An object of any kind.",
                    "Patch" => "A change to an object, in the form its content type says.",
                    _ => "Says that status is a subresource.",
                });
                json.WriteString("type", "object");
                break;
            default:
                json.WriteString("description", last == "JSON" ? "Any JSON." : "A schema, or in short what one often says.");
                break;
        }
    }

    private static void OneOf(Utf8JsonWriter json, params ReadOnlySpan<string> types)
    {
        json.WriteStartArray("oneOf");
        foreach (var type in types)
        {
            json.WriteStartObject();
            json.WriteString("type", type);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }
}
