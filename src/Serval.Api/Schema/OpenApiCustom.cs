using System.Text.Json.Nodes;

namespace Serval.Api.Schema;

/// <summary>
/// The schemas of a custom kind and its list, as apiextensions-apiserver publishes them: the structural schema of the definition, in place, with the fields
/// that every object has (pkg/controller/openapi/builder).
/// </summary>
internal static class OpenApiCustom
{
    private const string ApiVersionDoc = "APIVersion defines the group and version whose schema this object follows.";
    private const string KindDoc = "Kind says what sort of object this is.";
    private const string MetadataDoc = "Standard object's metadata: its name, labels and bookkeeping.";
    private const string Kinds = "x-kubernetes-group-version-kind";

    public static string Name(ResourceKind kind, string name) => $"{string.Join('.', kind.Group.Split('.').Reverse())}.{kind.Version}.{name}";

    public static JsonObject Object(ResourceKind kind)
    {
        var schema = kind.Shape?.OpenApi() ?? CrdGenerator.StructuralSchema(kind, explained: true);
        Embed(schema);
        AddObjectFields(schema);
        return Finish(schema, kind, kind.Kind);
    }

    public static JsonObject List(ResourceKind kind)
    {
        var reference = new JsonObject { ["$ref"] = OpenApiSchemas.Reference + Name(kind, kind.Kind) };
        var list = new JsonObject
        {
            ["description"] = $"A list of {kind.Kind} objects.",
            ["type"] = "object",
            ["required"] = new JsonArray("items"),
            ["properties"] = new JsonObject
            {
                ["apiVersion"] = Text(ApiVersionDoc),
                ["items"] = new JsonObject { ["description"] = "The objects.", ["type"] = "array", ["items"] = reference },
                ["kind"] = Text(KindDoc),
                ["metadata"] = Metadata("meta.ListMeta"),
            },
        };
        return Finish(list, kind, kind.ListKind);
    }

    private static JsonObject Finish(JsonObject schema, ResourceKind kind, string name)
    {
        schema[Kinds] = new JsonArray(new JsonObject { ["group"] = kind.Group, ["kind"] = name, ["version"] = kind.Version });
        if (kind.Shape?.SelectableFields is { Count: > 0 } fields)
        {
            schema["x-kubernetes-selectable-fields"] = new JsonArray([.. fields.Select(f => new JsonObject { ["fieldPath"] = f.TrimStart('.') })]);
        }
        return schema;
    }

    /// <summary>What a structural schema says and no more, and the fields of objects within objects.</summary>
    private static void Embed(JsonNode? schema)
    {
        if (schema is not JsonObject node)
        {
            return;
        }
        foreach (var (_, property) in node["properties"] as JsonObject ?? [])
        {
            Embed(property);
        }
        Embed(node["items"]);
        Embed(node["additionalProperties"]);
        node.Remove("example");
        node.Remove("externalDocs");
        if (IsTrue(node["x-kubernetes-int-or-string"]) && node["anyOf"] is null && node["allOf"] is null)
        {
            node["anyOf"] = new JsonArray(new JsonObject { ["type"] = "integer" }, new JsonObject { ["type"] = "string" });
        }
        if (IsTrue(node["x-kubernetes-embedded-resource"]))
        {
            AddObjectFields(node);
            var required = (node["required"] as JsonArray ?? []).Select(r => (string?)r ?? "").Union(["kind", "apiVersion"]);
            node["required"] = new JsonArray([.. required.Select(r => JsonValue.Create(r))]);
        }
    }

    private static void AddObjectFields(JsonObject schema)
    {
        if (schema["properties"] is not JsonObject properties)
        {
            schema["properties"] = properties = [];
        }
        properties["apiVersion"] = Text(ApiVersionDoc);
        properties["kind"] = Text(KindDoc);
        properties["metadata"] = Metadata("meta.ObjectMeta");
    }

    private static JsonObject Text(string doc) => new() { ["description"] = doc, ["type"] = "string" };

    private static JsonObject Metadata(string type) => new()
    {
        ["allOf"] = new JsonArray(new JsonObject { ["$ref"] = OpenApiSchemas.Reference + Schemas.Resolve(type).FullName }), ["description"] = MetadataDoc,
    };

    private static bool IsTrue(JsonNode? flag) => flag is JsonValue value && value.TryGetValue<bool>(out var yes) && yes;
}
