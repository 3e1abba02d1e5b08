using System.Text.Json.Nodes;

namespace Serval.Api.Schema;

/// <summary>Makes the CustomResourceDefinition of a kind that upstream serves from one, out of the field table.</summary>
public static class CrdGenerator
{
    /// <summary>
    /// The definition, established. Throws for a built-in kind.
    /// </summary>
    /// <param name="kind">A kind with <see cref="ResourceKind.IsCustom"/>.</param>
    /// <param name="established">When it began to be served; null leaves the time out.</param>
    public static KubeObject For(ResourceKind kind, DateTimeOffset? established = null)
    {
        if (!kind.IsCustom)
        {
            throw new ArgumentException($"{kind} is built in and has no CustomResourceDefinition", nameof(kind));
        }
        return KubeObject.From(new JsonObject
        {
            ["apiVersion"] = "apiextensions.k8s.io/v1",
            ["kind"] = "CustomResourceDefinition",
            ["metadata"] = new JsonObject
            {
                ["name"] = kind.ResourceName,
                ["labels"] = new JsonObject { ["app.kubernetes.io/part-of"] = "serval", ["knative.dev/crd-install"] = "true" },
            },
            ["spec"] = Spec(kind),
            ["status"] = Status(kind, established),
        });
    }

    /// <summary>The structural schema of a custom kind.</summary>
    public static JsonObject StructuralSchema(ResourceKind kind)
    {
        var type = Schemas.For(kind).Type;
        var schema = StructuralWriter.Object(type);
        var properties = schema["properties"]!.AsObject();
        properties["metadata"] = new JsonObject { ["type"] = "object" };
        return schema;
    }

    private static JsonObject Spec(ResourceKind kind) => new()
    {
        ["group"] = kind.Group,
        ["names"] = Names(kind),
        ["scope"] = kind.Namespaced ? "Namespaced" : "Cluster",
        ["conversion"] = new JsonObject { ["strategy"] = "None" },
        ["versions"] = new JsonArray(Version(kind)),
    };

    private static JsonObject Version(ResourceKind kind)
    {
        var version = new JsonObject { ["name"] = kind.Version, ["served"] = true, ["storage"] = true };
        if (kind.HasStatus)
        {
            version["subresources"] = new JsonObject { ["status"] = new JsonObject() };
        }
        if (kind.Columns.Count > 0)
        {
            version["additionalPrinterColumns"] = new JsonArray([.. kind.Columns.Select(Column)]);
        }
        version["schema"] = new JsonObject { ["openAPIV3Schema"] = StructuralSchema(kind) };
        return version;
    }

    private static JsonObject Column(PrinterColumn column)
    {
        var json = new JsonObject { ["name"] = column.Name, ["type"] = column.Type, ["jsonPath"] = column.JsonPath };
        if (column.Priority != 0)
        {
            json["priority"] = column.Priority;
        }
        return json;
    }

    private static JsonObject Names(ResourceKind kind)
    {
        var names = new JsonObject { ["kind"] = kind.Kind, ["listKind"] = kind.ListKind, ["plural"] = kind.Plural, ["singular"] = kind.Singular };
        AddStrings(names, "shortNames", kind.ShortNames);
        AddStrings(names, "categories", kind.Categories);
        return names;
    }

    private static void AddStrings(JsonObject into, string name, IReadOnlyList<string> values)
    {
        if (values.Count > 0)
        {
            into[name] = new JsonArray([.. values.Select(v => JsonValue.Create(v))]);
        }
    }

    private static JsonObject Status(ResourceKind kind, DateTimeOffset? established) => new()
    {
        ["acceptedNames"] = Names(kind),
        ["conditions"] = new JsonArray(
            Condition("NamesAccepted", "NoConflicts", "no conflicts found", established),
            Condition("Established", "InitialNamesAccepted", "the initial names have been accepted", established)),
        ["storedVersions"] = new JsonArray(kind.Version),
    };

    private static JsonObject Condition(string type, string reason, string message, DateTimeOffset? since)
    {
        var condition = new JsonObject { ["type"] = type, ["status"] = "True", ["reason"] = reason, ["message"] = message };
        if (since is { } time)
        {
            condition["lastTransitionTime"] = KubeTime.Text(time);
        }
        return condition;
    }
}
