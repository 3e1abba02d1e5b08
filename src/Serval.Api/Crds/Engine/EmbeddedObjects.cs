using System.Text.Json.Nodes;
using Serval.Api.Admission;
using Serval.Api.Core;
using Serval.Api.Schema;

namespace Serval.Api.Crds;

/// <summary>Whole objects inside custom ones: their metadata is read and judged as any (apiextensions-apiserver pkg/apiserver/schema/objectmeta).</summary>
internal static class EmbeddedObjects
{
    /// <summary>Makes the metadata of embedded objects canonical; what is unknown in it goes, and is told.</summary>
    public static void Read(StructuralSchema schema, JsonObject root, List<string> unknown, Problems to) =>
        Walk(schema, root, "", isRoot: true, (map, path) => ReadOne(map, path, unknown, to));

    /// <summary>Whether embedded objects have apiVersion, kind and lawful metadata.</summary>
    /// <param name="schema">The schema of the value.</param>
    /// <param name="value">An object, or a part of one.</param>
    /// <param name="path">Path to it.</param>
    /// <param name="isRoot">The value is the custom object itself, which is judged elsewhere.</param>
    /// <param name="to">Takes the errors.</param>
    public static void Check(StructuralSchema schema, JsonNode? value, string path, bool isRoot, Problems to) =>
        Walk(schema, value, path, isRoot, (map, at) => CheckOne(map, at, to));

    /// <summary>As <see cref="Check"/>, of a default; <paramref name="isWhole"/>: it is one of a custom object itself, which is judged as an embedded one.</summary>
    public static void CheckDefault(StructuralSchema schema, JsonNode value, string path, bool isWhole, Problems to)
    {
        if (isWhole && value is JsonObject whole)
        {
            CheckOne(whole, path, to);
        }
        Check(schema, value, path, isRoot: isWhole, to);
    }

    private static void Walk(StructuralSchema? schema, JsonNode? value, string path, bool isRoot, Action<JsonObject, string> visit)
    {
        if (schema is null)
        {
            return;
        }
        if (value is JsonArray list)
        {
            for (var i = 0; i < list.Count; i++)
            {
                Walk(schema.Items, list[i], $"{path}[{i}]", isRoot: false, visit);
            }
        }
        else if (value is JsonObject map)
        {
            if (schema.IsEmbedded && !isRoot)
            {
                visit(map, path);
            }
            foreach (var (name, field) in map)
            {
                if (field is JsonObject or JsonArray && schema.Field(name) is { } of)
                {
                    Walk(of, field, schema.Properties.ContainsKey(name) ? Tree.Join(path, name) : $"{path}[{TextLimit.First(name, TextLimit.PathStep)}]", isRoot: false, visit);
                }
            }
        }
    }

    private static void ReadOne(JsonObject map, string path, List<string> unknown, Problems to)
    {
        foreach (var name in (ReadOnlySpan<string>)["apiVersion", "kind"])
        {
            if (map.TryGetPropertyValue(name, out var value) && JsonText.TypeOf(value) != "string")
            {
                to.Invalid(Tree.Join(path, name), JsonText.Of(value), "must be a string");
            }
        }
        if (map["metadata"] is not { } metadata)
        {
            return;
        }
        path = Tree.Join(path, "metadata");
        if (metadata is not JsonObject tree)
        {
            to.Invalid(path, JsonText.Of(metadata), "must be an object");
            return;
        }
        var read = StrictDecoder.Decode(Schemas.ObjectMeta, CanonicalJson.Serialize(tree));
        if (read.Errors.Count > 0)
        {
            to.InvalidText(path, JsonText.TypeOf(metadata), read.Errors[0].Message);
            return;
        }
        map["metadata"] = read.Tree;
        unknown.AddRange(read.Warnings.Take(TextLimit.MostTold - unknown.Count).Select(w => w.Replace(" field \"", $" field \"{path}.", StringComparison.Ordinal)));
    }

    private static void CheckOne(JsonObject map, string path, Problems to)
    {
        to.Need(map, "apiVersion", path);
        to.Need(map, "kind", path);
        var version = map.String("apiVersion");
        if (version.Count(c => c == '/') > 1)
        {
            to.InvalidText(path + ".apiVersion", version, "unexpected GroupVersion string: " + version);
        }
        if (map.String("kind") is { Length: > 0 } kind && Names.Label1035(kind.ToLowerInvariant()) is { } wrong)
        {
            to.InvalidText(path + ".kind", kind, "may have mixed case, but should otherwise match: " + wrong);
        }
        var metadata = map.Object("metadata");
        to.Check(path + ".metadata.name", metadata.String("name"), PathSegment);
        MetadataRules.Labels(metadata, path + ".metadata.labels", to);
        MetadataRules.Annotations(metadata, path + ".metadata.annotations", to);
    }

    private static string? PathSegment(string name) => name is "." or ".." ? $"may not be '{name}'"
        : name.Contains('/', StringComparison.Ordinal) ? "may not contain '/'"
        : name.Contains('%', StringComparison.Ordinal) ? "may not contain '%'"
        : null;
}
