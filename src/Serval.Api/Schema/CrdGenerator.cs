using System.Text.Json.Nodes;
using Serval.Api.Crds;

namespace Serval.Api.Schema;

/// <summary>Makes the CustomResourceDefinition of a kind that upstream serves from one, out of the field table.</summary>
public static class CrdGenerator
{
    /// <summary>The definition without its spec and status.</summary>
    public static KubeObject Outline(ResourceKind kind)
    {
        var labels = new JsonObject { ["app.kubernetes.io/name"] = "knative-serving", ["app.kubernetes.io/part-of"] = "serval", ["knative.dev/crd-install"] = "true" };
        foreach (var duck in Ducks(kind))
        {
            labels[$"duck.knative.dev/{duck}"] = "true";
        }
        return KubeObject.From(new JsonObject
        {
            ["apiVersion"] = "apiextensions.k8s.io/v1",
            ["kind"] = "CustomResourceDefinition",
            ["metadata"] = new JsonObject { ["name"] = kind.ResourceName, ["labels"] = labels },
        });
    }

    /// <summary>What other programs may take the kind for (knative.dev/serving config/core/300-resources).</summary>
    private static string[] Ducks(ResourceKind kind) =>
        kind == Kinds.KService ? ["addressable", "podspecable"] : kind == Kinds.Configuration ? ["podspecable"] : kind == Kinds.Route ? ["addressable"] : [];

    /// <summary>The structural schema of a custom kind. Texts of the pod's many fields are left out to keep it small, unless it is to be explained.</summary>
    public static JsonObject StructuralSchema(ResourceKind kind, bool explained = false)
    {
        var type = Schemas.For(kind).Type;
        var schema = new StructuralWriter(explained).Object(type);
        var properties = schema["properties"]!.AsObject();
        properties["metadata"] = new JsonObject { ["type"] = "object" };
        return schema;
    }

    /// <summary>The spec of the definition.</summary>
    public static JsonObject Spec(ResourceKind kind) => new()
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

    /// <summary>The status of the definition of a kind that is served.</summary>
    public static JsonObject Status(ResourceKind kind, DateTimeOffset established)
    {
        var status = new JsonObject { ["acceptedNames"] = Names(kind), ["storedVersions"] = new JsonArray(kind.Version) };
        ConditionList.Set(status, DefinitionConditions.NamesAccepted, true, "NoConflicts", "no conflicts found", established);
        ConditionList.Set(status, DefinitionConditions.Established, true, "InitialNamesAccepted", "the initial names have been accepted", established);
        return status;
    }
}
