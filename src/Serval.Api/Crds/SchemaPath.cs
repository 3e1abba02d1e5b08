using System.Text.Json.Nodes;
using Serval.Api.Admission;

namespace Serval.Api.Crds;

/// <summary>A field of a schema by a path like <c>.spec.map['key'].name</c> (apiextensions-apiserver schema/cel ValidFieldPath).</summary>
internal static class SchemaPath
{
    private const string Nowhere = "does not refer to a valid field";

    /// <returns>What is wrong with the path; null when it leads to <paramref name="found"/>.</returns>
    public static string? Find(JsonObject schema, string path, bool allowKeys, out JsonObject? found)
    {
        found = schema;
        for (var i = 0; i < path.Length;)
        {
            string name;
            if (path[i] == '[')
            {
                if (!allowKeys)
                {
                    return "array notation is not allowed";
                }
                var end = path.IndexOf("']", i, StringComparison.Ordinal);
                if (end < 0 || i + 1 >= path.Length || path[i + 1] != '\'' || end < i + 2)
                {
                    return "unexpected end of JSON path";
                }
                name = path[(i + 2)..end];
                i = end + 2;
            }
            else if (path[i] == '.')
            {
                var end = path.AsSpan(i + 1).IndexOfAny('.', '[', ']');
                end = end < 0 ? path.Length : i + 1 + end;
                name = path[(i + 1)..end];
                if (name.Length == 0)
                {
                    return "unexpected end of JSON path";
                }
                i = end;
            }
            else
            {
                var end = path.AsSpan(i).IndexOfAny('.', '[', ']');
                return "expected [ or . but got: " + (end < 0 ? path[i..] : path[i..(i + end)]);
            }
            found = found.Object("properties") is { Count: > 0 } properties ? properties.Object(name) : found.Object("additionalProperties");
            if (found is null)
            {
                return Nowhere;
            }
        }
        return null;
    }
}
