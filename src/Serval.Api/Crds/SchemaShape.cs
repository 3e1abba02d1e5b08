using System.Text.Json;
using System.Text.Json.Nodes;
using Serval.Api.Admission;

namespace Serval.Api.Crds;

/// <summary>
/// Whether each keyword of a schema has a value of its type. The decoder has looked at most; what is below <c>items</c> and
/// <c>additionalProperties</c>, which may be two things each, is free JSON to it.
/// </summary>
internal static class SchemaShape
{
    public static bool Check(JsonObject schema, string path, Problems to)
    {
        var before = to.List.Count;
        Walk(schema, path, to);
        return to.List.Count == before;
    }

    private static void Walk(JsonObject schema, string path, Problems to)
    {
        foreach (var (key, value) in schema)
        {
            if (value is not null)
            {
                Keyword(key, value, $"{path}.{key}", to);
            }
        }
    }

    private static void Keyword(string key, JsonNode value, string path, Problems to)
    {
        switch (key)
        {
            case "type" or "format" or "description" or "title" or "pattern" or "id" or "$ref" or "$schema" or "x-kubernetes-list-type" or "x-kubernetes-map-type":
                Need(value, "string", path, to);
                break;
            case "nullable" or "uniqueItems" or "exclusiveMinimum" or "exclusiveMaximum" or "x-kubernetes-preserve-unknown-fields"
                or "x-kubernetes-embedded-resource" or "x-kubernetes-int-or-string":
                Need(value, "boolean", path, to);
                break;
            case "minimum" or "maximum" or "multipleOf":
                Need(value, "number", path, to);
                break;
            case "minLength" or "maxLength" or "minItems" or "maxItems" or "minProperties" or "maxProperties":
                Need(value, "integer", path, to);
                break;
            case "required" or "x-kubernetes-list-map-keys":
                List(value, path, to, static (item, at, problems) => Need(item, "string", at, problems));
                break;
            case "enum":
                Need(value, "array", path, to);
                break;
            case "allOf" or "anyOf" or "oneOf":
                List(value, path, to, Schema);
                break;
            case "properties" or "patternProperties" or "definitions":
                Map(value, path, to);
                break;
            case "not":
                Schema(value, path, to);
                break;
            case "additionalProperties" or "additionalItems" when value.GetValueKind() is not (JsonValueKind.True or JsonValueKind.False):
                Schema(value, path, to);
                break;
            case "items" when value is not JsonArray:
                Schema(value, path, to);
                break;
            case "x-kubernetes-validations":
                List(value, path, to, Rule);
                break;
            default:
                break;
        }
    }

    private static void Schema(JsonNode? value, string path, Problems to)
    {
        if (Need(value, "object", path, to))
        {
            Walk((JsonObject)value!, path, to);
        }
    }

    private static void Map(JsonNode value, string path, Problems to)
    {
        if (Need(value, "object", path, to))
        {
            foreach (var (name, schema) in (JsonObject)value)
            {
                Schema(schema, $"{path}[{name}]", to);
            }
        }
    }

    private static void Rule(JsonNode? rule, string path, Problems to)
    {
        if (!Need(rule, "object", path, to))
        {
            return;
        }
        foreach (var (key, value) in (JsonObject)rule!)
        {
            if (value is not null && key is "rule" or "message" or "messageExpression" or "reason" or "fieldPath")
            {
                Need(value, "string", $"{path}.{key}", to);
            }
        }
    }

    private static void List(JsonNode value, string path, Problems to, Action<JsonNode?, string, Problems> item)
    {
        if (Need(value, "array", path, to))
        {
            var list = (JsonArray)value;
            for (var i = 0; i < list.Count; i++)
            {
                item(list[i], $"{path}[{i}]", to);
            }
        }
    }

    private static bool Need(JsonNode? value, string type, string path, Problems to)
    {
        var actual = JsonText.TypeOf(value);
        if (actual == type || (type == "number" && actual == "integer"))
        {
            return true;
        }
        to.InvalidText(path, actual, $"must be of type {type}: \"{actual}\"");
        return false;
    }
}
