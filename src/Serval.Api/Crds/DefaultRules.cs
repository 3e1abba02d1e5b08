using System.Text.Json.Nodes;
using Serval.Api.Admission;

namespace Serval.Api.Crds;

/// <summary>A default is itself right by its schema (apiextensions-apiserver pkg/apiserver/schema/defaulting/validation.go).</summary>
internal static class DefaultRules
{
    public static void Check(StructuralSchema root, string path, Problems to) => Walk(root, path, isRoot: true, null, to);

    /// <param name="schema">Whose default is looked at, and below.</param>
    /// <param name="path">Path to it.</param>
    /// <param name="isRoot">The schema of the whole custom object.</param>
    /// <param name="around">Inside metadata of an embedded object: makes the object around a value.</param>
    /// <param name="to">Takes the errors.</param>
    private static void Walk(StructuralSchema schema, string path, bool isRoot, Func<JsonNode?, JsonObject>? around, Problems to)
    {
        if (schema.NewDefault() is { } value)
        {
            One(schema, value, path + ".default", isRoot, around, to);
        }
        if (schema.Items is { } items)
        {
            Walk(items, path + ".items", isRoot: false, around is null ? null : item => around(new JsonArray(item)), to);
        }
        foreach (var (name, field) in schema.Properties)
        {
            if (isRoot && name is "metadata" or "apiVersion" or "kind")
            {
                continue; // no defaults there: OpenApiRules
            }
            var inside = schema.IsEmbedded && name is "metadata" or "apiVersion" or "kind"
                ? child => new JsonObject { ["apiVersion"] = "validation/v1", ["kind"] = "Validation", [name] = child }
                : around is null || schema.IsEmbedded ? (Func<JsonNode?, JsonObject>?)null : child => around(new JsonObject { [name] = child });
            Walk(field, $"{path}.properties[{name}]", isRoot: false, inside, to);
        }
    }

    private static void One(StructuralSchema schema, JsonNode value, string path, bool isRoot, Func<JsonNode?, JsonObject>? around, Problems to)
    {
        var problems = new Problems();
        if (around is not null)
        {
            var whole = new JsonObject { ["object"] = around(value.DeepClone()) };
            var type = StructuralSchema.Parse(new JsonObject
            {
                ["properties"] = new JsonObject { ["object"] = new JsonObject { ["x-kubernetes-embedded-resource"] = true } },
            });
            EmbeddedObjects.Read(type, whole, [], problems);
            EmbeddedObjects.Check(type, whole, "", isRoot: true, problems);
            if (problems.List.Count > 0)
            {
                to.Invalid(path, JsonText.Of(value), "must result in valid metadata: " + problems.List[0].Message);
                return;
            }
        }
        else if (!Pruner.IsPruned(schema, value, isRoot))
        {
            to.Invalid(path, JsonText.Of(value), "must not have unknown fields");
        }
        EmbeddedObjects.CheckDefault(schema, value, path, isWhole: isRoot, problems);
        foreach (var error in problems.List.Count > 0 ? problems.List : SchemaValidator.Run(schema, value, null, path))
        {
            to.Add(error);
        }
    }
}
