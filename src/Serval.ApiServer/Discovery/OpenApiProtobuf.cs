using System.Text.Json.Nodes;
using Serval.ApiServer.Http;

namespace Serval.ApiServer.Discovery;

/// <summary>
/// An OpenAPI v2 document as the message that Go's clients ask for (google/gnostic-models: openapiv2/OpenAPIv2.proto). Defaults, enumerated values
/// and extensions travel as text in YAML, which JSON is.
/// </summary>
internal static class OpenApiProtobuf
{
    public static ReadOnlyMemory<byte> Write(JsonObject document)
    {
        var writer = new ProtobufWriter();
        Texts(writer, document, ("swagger", 1));
        writer.Message(2, w => Texts(w, document["info"]!.AsObject(), ("title", 1), ("version", 2)));
        writer.Message(8, paths => Named(paths, 2, document["paths"], PathItem));
        writer.Message(9, definitions => Named(definitions, 1, document["definitions"], Schema));
        writer.Message(10, parameters => Named(parameters, 1, document["parameters"], SharedParameter));
        foreach (var need in document["security"] as JsonArray ?? [])
        {
            writer.Message(12, w => Named(w, 1, need, static (_, _) => { }));
        }
        writer.Message(13, definitions => Named(definitions, 1, document["securityDefinitions"], (w, definition) => w.Message(2, key =>
            Texts(key, definition, ("type", 1), ("name", 2), ("in", 3), ("description", 4)))));
        return writer.Written;
    }

    private static void PathItem(ProtobufWriter writer, JsonObject item)
    {
        foreach (var (method, field) in (ReadOnlySpan<(string, int)>)[("get", 2), ("put", 3), ("post", 4), ("delete", 5), ("options", 6), ("head", 7), ("patch", 8)])
        {
            if (item[method] is JsonObject operation)
            {
                writer.Message(field, w => Operation(w, operation));
            }
        }
        Each(item["parameters"], parameter => writer.Message(9, w => Parameter(w, parameter)));
    }

    private static void Operation(ProtobufWriter writer, JsonObject operation)
    {
        Lists(writer, operation, ("tags", 1));
        Texts(writer, operation, ("description", 3), ("operationId", 5));
        Lists(writer, operation, ("produces", 6), ("consumes", 7), ("schemes", 10));
        Each(operation["parameters"], parameter => writer.Message(8, w => Parameter(w, parameter)));
        writer.Message(9, responses => Named(responses, 1, operation["responses"], (w, response) => w.Message(1, r => Response(r, response))));
        Extensions(writer, operation, 13);
    }

    private static void Response(ProtobufWriter writer, JsonObject response)
    {
        Texts(writer, response, ("description", 1));
        if (response["schema"] is JsonObject schema)
        {
            writer.Message(2, item => item.Message(1, w => Schema(w, schema)));
        }
    }

    /// <summary>ParametersItem → Parameter, or where it is.</summary>
    private static void Parameter(ProtobufWriter writer, JsonObject parameter)
    {
        if (parameter["$ref"] is not null)
        {
            writer.Message(2, reference => Texts(reference, parameter, ("$ref", 1)));
            return;
        }
        writer.Message(1, w => SharedParameter(w, parameter));
    }

    /// <summary>Parameter → of the body, or NonBodyParameter → of the query or the path.</summary>
    private static void SharedParameter(ProtobufWriter outer, JsonObject parameter)
    {
        var place = (string?)parameter["in"];
        if (place == "body")
        {
            outer.Message(1, w =>
            {
                Texts(w, parameter, ("description", 1), ("name", 2), ("in", 3));
                Flags(w, parameter, ("required", 4));
                w.Message(5, s => Schema(s, parameter["schema"]!.AsObject()));
            });
            return;
        }
        var (kind, type, unique) = place == "path" ? (4, 5, 19) : (3, 6, 20);
        outer.Message(2, other => other.Message(kind, w =>
        {
            Flags(w, parameter, ("required", 1));
            Texts(w, parameter, ("in", 2), ("description", 3), ("name", 4), ("type", type), ("format", type + 1));
            Flags(w, parameter, ("uniqueItems", unique));
        }));
    }

    private static void Schema(ProtobufWriter writer, JsonObject schema)
    {
        Texts(writer, schema, ("$ref", 1), ("format", 2), ("title", 3), ("description", 4), ("pattern", 13));
        Reals(writer, schema, ("multipleOf", 6), ("maximum", 7), ("minimum", 9));
        Flags(writer, schema, ("exclusiveMaximum", 8), ("exclusiveMinimum", 10), ("uniqueItems", 16));
        Numbers(writer, schema, ("maxLength", 11), ("minLength", 12), ("maxItems", 14), ("minItems", 15), ("maxProperties", 17), ("minProperties", 18));
        Lists(writer, schema, ("required", 19));
        if (schema.TryGetPropertyValue("default", out var value))
        {
            writer.Message(5, w => Any(w, value));
        }
        foreach (var item in schema["enum"] as JsonArray ?? [])
        {
            writer.Message(20, w => Any(w, item));
        }
        switch (schema["additionalProperties"])
        {
            case JsonObject nested:
                writer.Message(21, item => item.Message(1, w => Schema(w, nested)));
                break;
            case JsonValue flag when flag.TryGetValue<bool>(out var yes):
                writer.Message(21, item => item.Number(2, yes ? 1 : 0));
                break;
        }
        if (schema["type"] is { } type)
        {
            writer.Message(22, w => w.Text(1, (string)type!));
        }
        if (schema["items"] is JsonObject items)
        {
            writer.Message(23, item => item.Message(1, w => Schema(w, items)));
        }
        if (schema["properties"] is JsonObject properties)
        {
            writer.Message(25, w => Named(w, 1, properties, Schema));
        }
        Extensions(writer, schema, 31);
    }

    private static void Named(ProtobufWriter writer, int field, JsonNode? members, Action<ProtobufWriter, JsonObject> write)
    {
        foreach (var (name, value) in members as JsonObject ?? [])
        {
            writer.Message(field, entry =>
            {
                entry.Text(1, name);
                entry.Message(2, w => write(w, value as JsonObject ?? []));
            });
        }
    }

    private static void Extensions(ProtobufWriter writer, JsonObject owner, int field)
    {
        foreach (var (name, value) in owner.Where(m => m.Key.StartsWith("x-", StringComparison.Ordinal)))
        {
            writer.Message(field, entry =>
            {
                entry.Text(1, name);
                entry.Message(2, w => Any(w, value));
            });
        }
    }

    private static void Any(ProtobufWriter writer, JsonNode? value) => writer.Text(2, (value?.ToJsonString() ?? "null") + "\n");

    private static void Each(JsonNode? list, Action<JsonObject> write)
    {
        foreach (var item in list as JsonArray ?? [])
        {
            write(item!.AsObject());
        }
    }

    private static void Texts(ProtobufWriter writer, JsonObject owner, params ReadOnlySpan<(string Name, int Field)> members)
    {
        foreach (var (name, field) in members)
        {
            if ((string?)owner[name] is { Length: > 0 } text)
            {
                writer.Text(field, text);
            }
        }
    }

    private static void Lists(ProtobufWriter writer, JsonObject owner, params ReadOnlySpan<(string Name, int Field)> members)
    {
        foreach (var (name, field) in members)
        {
            foreach (var text in owner[name] as JsonArray ?? [])
            {
                writer.Text(field, (string?)text ?? "");
            }
        }
    }

    private static void Flags(ProtobufWriter writer, JsonObject owner, params ReadOnlySpan<(string Name, int Field)> members)
    {
        foreach (var (name, field) in members)
        {
            if ((bool?)owner[name] == true)
            {
                writer.Number(field, 1);
            }
        }
    }

    private static void Numbers(ProtobufWriter writer, JsonObject owner, params ReadOnlySpan<(string Name, int Field)> members)
    {
        foreach (var (name, field) in members)
        {
            if (owner[name] is JsonValue value && (value.TryGetValue(out long number) || Whole(value, out number)) && number != 0)
            {
                writer.Number(field, number);
            }
        }
    }

    /// <summary>An integer may be written <c>5.0</c>.</summary>
    private static bool Whole(JsonValue value, out long number)
    {
        var isNumber = value.TryGetValue(out double real);
        number = (long)real;
        return isNumber;
    }

    private static void Reals(ProtobufWriter writer, JsonObject owner, params ReadOnlySpan<(string Name, int Field)> members)
    {
        foreach (var (name, field) in members)
        {
            if ((double?)owner[name] is { } number && number != 0)
            {
                writer.Real(field, number);
            }
        }
    }
}
