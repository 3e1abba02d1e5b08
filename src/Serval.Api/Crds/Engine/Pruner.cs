using System.Text.Json.Nodes;
using Serval.Api.Schema;

namespace Serval.Api.Crds;

/// <summary>
/// Removes what a schema does not name (apiextensions-apiserver pkg/apiserver/schema/pruning). apiVersion, kind and metadata of an object stay
/// whole, at the root and in embedded objects.
/// </summary>
internal static class Pruner
{
    /// <returns>Paths of the removed fields, in order.</returns>
    public static IReadOnlyList<string> Prune(StructuralSchema schema, JsonObject root) => Prune(root, schema, isObject: true);

    /// <summary>Whether a value names nothing that the schema does not.</summary>
    /// <param name="schema">The schema of the value.</param>
    /// <param name="value">The value.</param>
    /// <param name="isRoot">It is of the custom object itself.</param>
    internal static bool IsPruned(StructuralSchema schema, JsonNode value, bool isRoot = false) => Prune(value.DeepClone(), schema, isRoot || schema.IsEmbedded).Count == 0;

    private static List<string> Prune(JsonNode value, StructuralSchema schema, bool isObject)
    {
        var unknown = new List<string>();
        Walk(value, schema, isObject, keep: false, new DecodePath(), unknown);
        unknown.Sort(StringComparer.Ordinal);
        return unknown;
    }

    private static void Walk(JsonNode? value, StructuralSchema? schema, bool isObject, bool keep, DecodePath path, List<string> unknown)
    {
        keep |= schema?.PreservesUnknown == true;
        switch (value)
        {
            case JsonObject map:
                Fields(map, schema, isObject, keep, path, unknown);
                break;
            case JsonArray list when !keep || schema?.Items is not null:
                for (var i = 0; i < list.Count; i++)
                {
                    path.Push(i);
                    Walk(list[i], schema?.Items, schema?.Items?.IsEmbedded == true, keep, path, unknown); // a list that is kept keeps its items
                    path.Pop();
                }
                break;
            default:
                break;
        }
    }

    private static void Fields(JsonObject map, StructuralSchema? schema, bool isObject, bool keep, DecodePath path, List<string> unknown)
    {
        List<string>? gone = null;
        foreach (var (name, value) in map)
        {
            if (isObject && name is "apiVersion" or "kind" or "metadata")
            {
                continue;
            }
            var field = schema?.Field(name);
            if (field is null && schema?.AllowsAdditional is null)
            {
                if (!keep)
                {
                    (gone ??= []).Add(name);
                }
                continue;
            }
            path.Push(name);
            Walk(value, field, field?.IsEmbedded == true, keep: false, path, unknown);
            path.Pop();
        }
        foreach (var name in gone ?? [])
        {
            if (unknown.Count < TextLimit.MostTold)
            {
                unknown.Add(path.With(name));
            }
            map.Remove(name);
        }
    }
}
