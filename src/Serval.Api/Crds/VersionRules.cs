using System.Text.Json.Nodes;
using Serval.Api.Admission;

namespace Serval.Api.Crds;

/// <summary>One version of a definition: schema, subresources, columns, selectable fields (apiextensions-apiserver validation).</summary>
internal static class VersionRules
{
    private const int MostSelectable = 8;
    private const string ColumnTypes = "boolean,date,integer,number,string";
    private const string ColumnFormats = "byte,date,date-time,double,float,int32,int64,password";

    // The fields of a root schema that leave the schema of its status whole; upstream names them so.
    private static readonly string[] s_rootFields =
    [
        "Description", "Type", "Format", "Title", "Maximum", "ExclusiveMaximum", "Minimum", "ExclusiveMinimum", "MaxLength", "MinLength", "Pattern",
        "MaxItems", "MinItems", "UniqueItems", "MultipleOf", "Required", "Items", "Properties", "ExternalDocs", "Example", "XPreserveUnknownFields",
        "XValidations",
    ];

    /// <summary>Judges a schema; null is right. What was stored once is not judged again by newer rules.</summary>
    public static void Schema(JsonObject? schema, JsonObject? old, bool hasStatus, string path, Problems to)
    {
        if (schema is not null && !JsonNode.DeepEquals(schema, old.Object("schema").Object("openAPIV3Schema")))
        {
            Schema(schema, hasStatus, path + ".openAPIV3Schema", to);
        }
    }

    public static void Subresources(JsonObject version, string path, Problems to) =>
        Scale(version.Object("subresources").Object("scale"), path + ".subresources.scale", to);

    public static void Columns(JsonObject version, string path, Problems to)
    {
        foreach (var (i, column) in version.Objects("additionalPrinterColumns"))
        {
            Column(column, $"{path}.additionalPrinterColumns[{i}]", to);
        }
    }

    private static void Schema(JsonObject schema, bool hasStatus, string path, Problems to)
    {
        if (!SchemaShape.Check(schema, path, to))
        {
            return; // the rules read what is there
        }
        if (hasStatus)
        {
            Root(schema, path, to);
        }
        if (schema.Bool("nullable") == true)
        {
            to.Forbidden(path + ".nullable", "nullable cannot be true at the root");
        }
        var before = to.List.Count;
        if (StructuralRules.NamesSchema(schema))
        {
            new OpenApiRules(to).Check(schema, path);
            if (to.List.Count == before)
            {
                to.InvalidText(path, "", "OpenAPIV3Schema 'schema' is not supported"); // it has no structural form (pkg/apiserver/schema: convert.go)
            }
            return;
        }
        StructuralRules.Check(schema, path, to);
        if (to.List.Count == before)
        {
            DefaultRules.Check(StructuralSchema.Parse(schema), path, to);
        }
        new OpenApiRules(to).Check(schema, path);
    }

    private static void Root(JsonObject schema, string path, Problems to)
    {
        if (schema.String("type") != "object")
        {
            to.InvalidText(path + ".type", schema.String("type"), "only \"object\" is allowed as the type at the root of the schema if the status subresource is enabled");
            return;
        }
        foreach (var (key, value) in schema)
        {
            if (value is not null and not JsonArray { Count: 0 } && value.ToJsonString() is not ("false" or "\"\"")
                && !s_rootFields.Contains(key.Replace("x-kubernetes-", "X", StringComparison.Ordinal).Replace("-", "", StringComparison.Ordinal),
                    StringComparer.OrdinalIgnoreCase))
            {
                to.InvalidText(path, key, $"only [{string.Join(' ', s_rootFields)}] fields are allowed at the root of the schema if the status subresource is enabled");
                return;
            }
        }
    }

    private static void Scale(JsonObject? scale, string path, Problems to)
    {
        if (scale is null)
        {
            return;
        }
        Replicas(scale.String("specReplicasPath"), path + ".specReplicasPath", ".spec", to);
        Replicas(scale.String("statusReplicasPath"), path + ".statusReplicasPath", ".status", to);
        if (scale.String("labelSelectorPath") is { Length: > 0 } selector && SimplePath(selector, path + ".labelSelectorPath", to)
            && !selector.StartsWith(".spec.", StringComparison.Ordinal) && !selector.StartsWith(".status.", StringComparison.Ordinal))
        {
            to.InvalidText(path + ".labelSelectorPath", selector, "should be a json path under either .spec or .status");
        }
    }

    private static void Replicas(string text, string path, string under, Problems to)
    {
        if (text.Length == 0)
        {
            to.Required(path);
        }
        else if (SimplePath(text, path, to) && !text.StartsWith(under + ".", StringComparison.Ordinal))
        {
            to.InvalidText(path, text, "should be a json path under " + under);
        }
    }

    private static bool SimplePath(string text, string path, Problems to)
    {
        if (text[0] == '.')
        {
            return true;
        }
        to.InvalidText(path, text, "must be a simple json path starting with .");
        return false;
    }

    private static void Column(JsonObject column, string path, Problems to)
    {
        to.Need(column, "name", path);
        var type = column.String("type");
        if (type.Length == 0)
        {
            to.Required(path + ".type", "must be one of " + ColumnTypes);
        }
        else if (!ColumnTypes.Split(',').Contains(type))
        {
            to.InvalidText(path + ".type", type, "must be one of " + ColumnTypes);
        }
        if (column.String("format") is { Length: > 0 } format && !ColumnFormats.Split(',').Contains(format))
        {
            to.InvalidText(path + ".format", format, "must be one of " + ColumnFormats);
        }
        var jsonPath = column.String("jsonPath");
        if (jsonPath.Length == 0)
        {
            to.Required(path + ".JSONPath");
        }
        else
        {
            SimplePath(jsonPath, path + ".JSONPath", to);
        }
    }

    public static void Selectable(JsonObject version, JsonObject? schema, JsonObject? old, string path, Problems to)
    {
        if (schema is null)
        {
            to.InvalidText(path, "", "may only be set when `version.schema.openAPIV3Schema` is not included");
            return;
        }
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (i, field) in version.Objects("selectableFields"))
        {
            var text = field.String("jsonPath");
            var at = $"{path}[{i}].jsonPath";
            if (text.Length == 0)
            {
                to.Required(at);
                continue;
            }
            if (SchemaPath.Find(schema, text, allowKeys: false, out var found) is { } wrong)
            {
                to.InvalidText(at, text, "is an invalid path: " + wrong);
                continue;
            }
            if (text == ".metadata" || text.StartsWith(".metadata.", StringComparison.Ordinal))
            {
                to.InvalidText(at, text, "must not point to fields in metadata");
            }
            if (found.String("type") is not ("string" or "boolean" or "integer"))
            {
                to.InvalidText(at, text, "must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.");
            }
            if (!seen.Add(text))
            {
                to.Duplicate(at, text);
            }
        }
        if (seen.Count > MostSelectable && !JsonNode.DeepEquals(version["selectableFields"], old?["selectableFields"]))
        {
            to.TooMany(path, seen.Count, MostSelectable);
        }
    }
}
