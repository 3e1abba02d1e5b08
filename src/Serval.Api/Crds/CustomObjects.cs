using System.Text.Json.Nodes;
using Serval.Api.Admission;
using Serval.Api.Schema;

namespace Serval.Api.Crds;

/// <summary>A custom object through the schema of one of its versions (apiextensions-apiserver pkg/apiserver/customresource_handler.go).</summary>
public static class CustomObjects
{
    /// <summary>
    /// Reads an object: metadata by its own type, the rest pruned by the schema. Unknown fields are among the warnings. Throws
    /// <see cref="ApiException"/> 400 when the text is not a JSON object.
    /// </summary>
    public static DecodedObject Decode(ResourceKind kind, StructuralSchema schema, ReadOnlyMemory<byte> utf8)
    {
        var read = StrictDecoder.Decode(kind, utf8);
        var problems = new Problems();
        var unknown = new List<string>();
        EmbeddedObjects.Read(schema, read.Tree, unknown, problems);
        unknown.InsertRange(0, Pruner.Prune(schema, read.Tree).Select(path => $"unknown field \"{path}\""));
        return new DecodedObject(kind, kind.Kind, read.Tree, [.. read.Warnings, .. unknown],
            [.. read.Errors, .. problems.List.Select(e => new DecodeError(e.Field, e.Message))]);
    }

    /// <summary>A stored object as a version shows it: without what its schema does not know, with its defaults, also those of later.</summary>
    public static void Complete(StructuralSchema schema, JsonObject tree)
    {
        Pruner.Prune(schema, tree);
        Defaulter.Apply(schema, tree);
    }

    /// <summary>Everything a definition has to say about an object that is pruned and defaulted.</summary>
    /// <param name="schema">The schema of the version in which the object is.</param>
    /// <param name="tree">The whole object.</param>
    /// <param name="old">The stored object in the same version; null on a create. What was wrong and did not change is let be.</param>
    /// <param name="scale">Where <c>/scale</c> of the version finds its numbers; null when it has none.</param>
    /// <param name="subresource"><c>status</c>: nothing else is judged, since nothing else was written (registry/customresource: status_strategy.go).</param>
    public static IReadOnlyList<FieldError> Validate(
        StructuralSchema schema, JsonObject tree, JsonObject? old, CustomResourceScale? scale = null, string subresource = "")
    {
        var scaled = new Problems();
        if (subresource == "status")
        {
            var errors = schema.Properties.TryGetValue("status", out var status) && tree.TryGetPropertyValue("status", out var value)
                ? SchemaValidator.Run(status, value, old?["status"], "status")
                : [];
            ScaleRules.Status(scale, tree, scaled);
            return [.. errors, .. scaled.List, .. Lists(schema, tree, old)];
        }
        ScaleRules.Spec(scale, tree, scaled);
        ScaleRules.Status(scale, tree, scaled);
        var embedded = new Problems();
        EmbeddedObjects.Check(schema, tree, "", isRoot: true, embedded);
        return [.. SchemaValidator.Run(schema, tree, old, ""), .. scaled.List, .. embedded.List, .. Lists(schema, tree, old)];
    }

    /// <summary>Lists that were no sets or maps before need not become some.</summary>
    private static IReadOnlyList<FieldError> Lists(StructuralSchema schema, JsonObject tree, JsonObject? old) =>
        ListRules.Check(schema, tree) is { Count: > 0 } errors && (old is null || ListRules.Check(schema, old).Count == 0) ? errors : [];
}
