using System.Text.Json.Nodes;

namespace Serval.Api.Schema;

/// <summary>Writes a type as a structural schema: everything in place, no references.</summary>
/// <param name="explained">Whether with the texts of all types; else with those of Knative's own.</param>
internal sealed class StructuralWriter(bool explained)
{
    private const string QuantityPattern = "^(\\+|-)?(([0-9]+(\\.[0-9]*)?)|(\\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|([eE](\\+|-)?(([0-9]+(\\.[0-9]*)?)|(\\.[0-9]+))))?$";

    public JsonObject Object(TypeSchema type)
    {
        var schema = new JsonObject();
        var isOwn = explained || type.FullName.StartsWith("dev.knative.", StringComparison.Ordinal);
        if (isOwn && type.Doc.Length > 0)
        {
            schema["description"] = type.Doc;
        }
        schema["type"] = "object";
        var required = type.Fields.Where(f => f.Required && !IsFilledIn(type, f)).Select(f => JsonValue.Create(f.Name)).ToArray();
        if (required.Length > 0)
        {
            schema["required"] = new JsonArray([.. required]);
        }
        var properties = new JsonObject();
        foreach (var field in type.Fields)
        {
            properties[field.Name] = Field(field, isOwn);
        }
        if (properties.Count > 0)
        {
            schema["properties"] = properties;
        }
        if (type.IsAtomic)
        {
            schema["x-kubernetes-map-type"] = "atomic";
        }
        if (ReferenceEquals(type, Schemas.ObjectMeta))
        {
            schema["x-kubernetes-preserve-unknown-fields"] = true; // as upstream has it for templates
        }
        return schema;
    }

    /// <summary>What a pod's author must say and a Service's need not, as Knative knows it (knative.dev/serving cmd/schema-tweak: dropRequired).</summary>
    private static bool IsFilledIn(TypeSchema type, FieldSchema field) => (type.FullName, field.Name) is
        ("io.k8s.api.core.v1.Container", "name") or ("io.k8s.api.core.v1.ContainerPort", "containerPort")
        or ("io.k8s.api.core.v1.HTTPGetAction" or "io.k8s.api.core.v1.TCPSocketAction" or "io.k8s.api.core.v1.GRPCAction", "port");

    private JsonObject Field(FieldSchema field, bool describe)
    {
        var schema = Value(field.Value);
        if (describe && field.Doc.Length > 0)
        {
            schema["description"] = field.Doc;
        }
        if (field.Default is { } text && field.Value.Kind != ValueKind.Object)
        {
            schema["default"] = field.Value.Kind == ValueKind.String ? JsonValue.Create(text) : JsonNode.Parse(text);
        }
        var marked = field.HasListKind && !DefinitionLists.IsUnmarked(field);
        if (marked)
        {
            schema["x-kubernetes-list-type"] = field.ListKind.ToString().ToLowerInvariant();
        }
        if (marked && field.ListMapKeys.Count > 0)
        {
            schema["x-kubernetes-list-map-keys"] = new JsonArray([.. field.ListMapKeys.Select(k => JsonValue.Create(k))]);
        }
        if (field.AtomicMap)
        {
            schema["x-kubernetes-map-type"] = "atomic";
        }
        return schema;
    }

    private JsonObject Value(ValueSchema value)
    {
        switch (value.Kind)
        {
            case ValueKind.Object:
                return Object(value.Type!);
            case ValueKind.List:
                return new JsonObject { ["type"] = "array", ["items"] = Value(value.Item!) };
            case ValueKind.Map:
                return new JsonObject { ["type"] = "object", ["additionalProperties"] = Value(value.Item!) };
            case ValueKind.Any:
                return new JsonObject { ["x-kubernetes-preserve-unknown-fields"] = true };
            case ValueKind.IntOrString:
                return NumberOrString();
            case ValueKind.Quantity:
                var quantity = NumberOrString();
                quantity["pattern"] = QuantityPattern;
                return quantity;
            case ValueKind.Time or ValueKind.MicroTime:
                return new JsonObject { ["type"] = "string" }; // without a format, as Knative has it: an empty time is let through
            default:
                var (type, format) = OpenApiScalar.Of(value.Kind);
                var scalar = new JsonObject { ["type"] = type };
                if (format is not null)
                {
                    scalar["format"] = format;
                }
                return scalar;
        }
    }

    private static JsonObject NumberOrString() => new()
    {
        ["anyOf"] = new JsonArray(new JsonObject { ["type"] = "integer" }, new JsonObject { ["type"] = "string" }),
        ["x-kubernetes-int-or-string"] = true,
    };
}
