using System.Text.Json.Nodes;

namespace Serval.Api.Schema;

/// <summary>
/// The one OpenAPI v2 document of <c>/openapi/v2</c>, made of the documents of v3. What v2 cannot say is left out, so that a client which checks
/// objects itself refuses none that the server would take (apiextensions-apiserver: controller/openapi/v2/conversion.go), and so are defaults
/// (kube-openapi: pkg/handler/default_pruning.go).
/// </summary>
public static class OpenApiV2
{
    private const string Kinds = "x-kubernetes-group-version-kind";
    private const string Bearer = "BearerToken";
    private const string Reference = "#/components/schemas/";

    /// <summary>The document, with the paths and types of all <paramref name="documents"/> of v3.</summary>
    public static JsonObject Of(IEnumerable<ReadOnlyMemory<byte>> documents)
    {
        var paths = new JsonObject();
        var definitions = new JsonObject();
        foreach (var text in documents)
        {
            var document = CanonicalJson.Parse(text.Span)!;
            foreach (var (path, item) in document["paths"]!.AsObject())
            {
                paths[path] = PathItem(item!.AsObject());
            }
            foreach (var (name, schema) in document["components"]!["schemas"] as JsonObject ?? [])
            {
                Define(definitions, name, schema!.AsObject());
            }
        }
        return new JsonObject
        {
            ["swagger"] = "2.0",
            ["info"] = new JsonObject { ["title"] = "Kubernetes", ["version"] = KubernetesVersion.Text },
            ["paths"] = paths,
            ["definitions"] = definitions,
            ["parameters"] = OpenApiV2Parameters.Share(paths),
            ["securityDefinitions"] = new JsonObject
            {
                [Bearer] = new JsonObject { ["description"] = "Bearer Token authentication", ["type"] = "apiKey", ["name"] = "authorization", ["in"] = "header" },
            },
            ["security"] = new JsonArray(new JsonObject { [Bearer] = new JsonArray() }),
        };
    }

    /// <summary>A type that several documents have, such as DeleteOptions, is of the kinds of all of them.</summary>
    private static void Define(JsonObject definitions, string name, JsonObject schema)
    {
        if (definitions[name] is not JsonObject known)
        {
            // Clients take fields that are named for all there are: of what may have more, none.
            definitions[name] = schema[Kinds] is { } own && Says(schema, "x-kubernetes-preserve-unknown-fields")
                ? new JsonObject { ["type"] = "object", [Kinds] = own.DeepClone() }
                : Schema(schema);
            return;
        }
        var kinds = known[Kinds] as JsonArray;
        foreach (var kind in schema[Kinds] as JsonArray ?? [])
        {
            if (kinds?.Any(k => JsonNode.DeepEquals(k, kind)) == false)
            {
                kinds.Add(kind!.DeepClone());
            }
        }
    }

    private static JsonObject PathItem(JsonObject item) => new(item.Select(member => KeyValuePair.Create<string, JsonNode?>(
        member.Key, member.Key == "parameters" ? Parameters(member.Value) : Operation(member.Value!.AsObject()))));

    private static JsonObject Operation(JsonObject operation)
    {
        var result = new JsonObject();
        var parameters = Parameters(operation["parameters"]);
        foreach (var (key, value) in operation.Where(m => m.Key is not ("parameters" or "requestBody" or "responses")))
        {
            result[key] = value?.DeepClone();
        }
        string[] consumed = ["*/*"];
        if (operation["requestBody"] is JsonObject body && body["content"] is JsonObject media)
        {
            consumed = [.. media.Select(m => m.Key)];
            var given = new JsonObject { ["name"] = "body", ["in"] = "body", ["schema"] = Content(media) };
            if ((bool?)body["required"] == true)
            {
                given["required"] = true;
            }
            parameters.Insert(0, given);
        }
        var answers = (operation["responses"] as JsonObject ?? []).Select(r => r.Value!["content"]).OfType<JsonObject>().FirstOrDefault() ?? [];
        result["consumes"] = Strings(consumed);
        result["produces"] = Strings(answers.Select(m => m.Key));
        result["schemes"] = Strings(["https"]);
        if (parameters.Count > 0)
        {
            result["parameters"] = parameters;
        }
        result["responses"] = new JsonObject((operation["responses"] as JsonObject ?? []).Select(r => KeyValuePair.Create<string, JsonNode?>(r.Key, Response(r.Value!.AsObject()))));
        return result;
    }

    private static JsonObject Response(JsonObject response)
    {
        var result = new JsonObject { ["description"] = (string?)response["description"] ?? "" };
        if (response["content"] is JsonObject media)
        {
            result["schema"] = Content(media);
        }
        return result;
    }

    private static JsonObject Content(JsonObject media) => Schema(media.First().Value!["schema"]!.AsObject());

    private static JsonArray Parameters(JsonNode? parameters)
    {
        var result = new JsonArray();
        foreach (var parameter in parameters as JsonArray ?? [])
        {
            var flat = parameter!.DeepClone().AsObject();
            foreach (var (key, value) in parameter["schema"] as JsonObject ?? [])
            {
                flat[key] = value?.DeepClone();
            }
            flat.Remove("schema");
            result.Add(flat);
        }
        return result;
    }

    private static JsonObject Schema(JsonObject schema)
    {
        var result = new JsonObject();
        foreach (var (key, value) in schema)
        {
            switch (key)
            {
                case var _ when value is null:
                    break;
                case "$ref":
                    result[key] = Local(value);
                    break;
                case "allOf" when value is JsonArray and [JsonObject { Count: 1 } only] && only["$ref"] is { } target:
                    result["$ref"] = Local(target);
                    break;
                case "oneOf" when value is JsonArray alternatives && alternatives.Any(a => a is JsonObject { Count: 1 } && (string?)a["type"] == "string"):
                    result["type"] = "string"; // a quantity, a number or a text: either is written as a text
                    break;
                case "allOf" or "oneOf" or "anyOf" or "not" or "nullable" or "default":
                    break;
                case "items" or "additionalProperties" when value is JsonObject nested:
                    result[key] = Schema(nested);
                    break;
                case "properties" when value is JsonObject fields:
                    result[key] = new JsonObject(fields.Select(p => KeyValuePair.Create<string, JsonNode?>(p.Key, Schema(p.Value as JsonObject ?? []))));
                    break;
                default:
                    result[key] = value.DeepClone();
                    break;
            }
        }
        Loosen(schema, result);
        return result;
    }

    /// <summary>Clients of v2 know no null, and choke on fields beside unknown ones and on lists without items.</summary>
    private static void Loosen(JsonObject schema, JsonObject result)
    {
        var unknown = Says(schema, "x-kubernetes-preserve-unknown-fields");
        if (unknown || Says(schema, "nullable"))
        {
            result.Remove("items");
            result.Remove("properties");
        }
        if (Says(schema, "nullable") || (unknown && (string?)result["type"] == "object") || ((string?)result["type"] == "array" && result["items"] is null))
        {
            result.Remove("type");
        }
        if (result["required"] is JsonArray required && schema["properties"] is JsonObject fields)
        {
            var kept = required.Select(r => (string)r!).Where(name => fields[name] is not JsonObject field || !Says(field, "nullable")).ToArray();
            result["required"] = Strings(kept);
        }
        if (result["required"] is JsonArray { Count: 0 } || (schema["additionalProperties"] is JsonObject item && Says(item, "nullable")))
        {
            result.Remove("required");
        }
    }

    private static bool Says(JsonObject schema, string member) => schema[member] is JsonValue value && value.TryGetValue<bool>(out var yes) && yes;

    private static string Local(JsonNode? reference) => ((string?)reference ?? "").Replace(Reference, "#/definitions/", StringComparison.Ordinal);

    private static JsonArray Strings(IEnumerable<string> texts) => [.. texts.Select(t => JsonValue.Create(t))];
}
