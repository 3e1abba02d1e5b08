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

    /// <summary>Everything a schema has to say about an object that is pruned and defaulted.</summary>
    /// <param name="schema">The schema of the version in which the object is.</param>
    /// <param name="tree">The whole object.</param>
    /// <param name="old">The stored object in the same version; null on a create. What was wrong and did not change is let be.</param>
    public static IReadOnlyList<FieldError> Validate(StructuralSchema schema, JsonObject tree, JsonObject? old)
    {
        var embedded = new Problems();
        EmbeddedObjects.Check(schema, tree, "", isRoot: true, embedded);
        return [.. SchemaValidator.Run(schema, tree, old, ""), .. embedded.List, .. ListRules.Check(schema, tree)];
    }
}
