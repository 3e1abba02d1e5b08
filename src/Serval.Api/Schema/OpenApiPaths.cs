using System.Text.Json;

namespace Serval.Api.Schema;

/// <summary>Writes <c>paths</c>. <c>kubectl</c> reads the PATCH operations' media types and parameters.</summary>
internal sealed class OpenApiPaths(Utf8JsonWriter json)
{
    /// <summary>The paths of a group and version: its own, and those of its kinds.</summary>
    public static void Write(Utf8JsonWriter json, IReadOnlyList<ResourceKind> kinds)
    {
        var writer = new OpenApiPaths(json);
        json.WriteStartObject("paths");
        var (group, version) = (kinds[0].Group, kinds[0].Version);
        var root = group.Length == 0 ? $"/api/{version}/" : $"/apis/{group}/{version}/";
        if (!kinds[0].IsCustom)
        {
            writer.Path(root, [OpenApiPages.Get($"get{OpenApiKindPaths.Prefix(group, version)}APIResources", "get available resources", OpenApiKindPaths.Tag(group, version), "APIResourceList")]);
        }
        foreach (var (path, operations) in kinds.SelectMany(OpenApiKindPaths.Of))
        {
            writer.Path(path, operations);
        }
        json.WriteEndObject();
    }

    /// <summary>One path; what all its operations take is said once.</summary>
    public void Path(string path, IReadOnlyList<OpenApiOperation> operations)
    {
        json.WriteStartObject(path);
        var shared = operations[0].Query.Where(p => operations.All(o => o.Query.Contains(p))).ToList();
        foreach (var operation in operations)
        {
            Operation(operation, shared);
        }
        if (path.Contains("{name}", StringComparison.Ordinal))
        {
            shared.Add(OpenApiParameters.Name with { Doc = $"Name of the {operations[0].Kind.Kind}." });
        }
        if (path.Contains("{path}", StringComparison.Ordinal))
        {
            shared.Add(OpenApiParameters.Path);
        }
        if (path.Contains("{namespace}", StringComparison.Ordinal))
        {
            shared.Add(OpenApiParameters.Namespace);
        }
        if (operations[0].Action is not ("" or "connect") && !shared.Contains(OpenApiParameters.Pretty))
        {
            shared.Add(OpenApiParameters.Pretty);
        }
        Parameters(shared);
        json.WriteEndObject();
    }

    private void Operation(OpenApiOperation operation, List<OpenApiParameter> shared)
    {
        json.WriteStartObject(operation.Method);
        json.WriteString("description", operation.Doc);
        json.WriteString("operationId", operation.Id);
        Parameters([.. operation.Query.Where(p => !shared.Contains(p))]);
        if (operation.Body is { } body)
        {
            json.WriteStartObject("requestBody");
            Content(operation.Consumes, body);
            if (operation.BodyRequired)
            {
                json.WriteBoolean("required", true);
            }
            json.WriteEndObject();
        }
        Responses(operation);
        json.WriteStartArray("tags");
        json.WriteStringValue(operation.Tag);
        json.WriteEndArray();
        if (operation.Action.Length > 0)
        {
            json.WriteString("x-kubernetes-action", operation.Action);
            json.WriteStartObject("x-kubernetes-group-version-kind");
            OpenApiSchemas.WriteGroupVersionKind(json, operation.Kind.Group, operation.Kind.Version, operation.Kind.Kind);
            json.WriteEndObject();
        }
        json.WriteEndObject();
    }

    private void Responses(OpenApiOperation operation)
    {
        json.WriteStartObject("responses");
        foreach (var code in operation.Codes)
        {
            json.WriteStartObject(code);
            Content(operation.Produces, operation.Answer);
            json.WriteString("description", code switch { "201" => "Created", "202" => "Accepted", _ => "OK" });
            json.WriteEndObject();
        }
        json.WriteStartObject("401");
        json.WriteString("description", "Unauthorized");
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private void Content(IReadOnlyList<string> media, string? type)
    {
        json.WriteStartObject("content");
        foreach (var name in media)
        {
            json.WriteStartObject(name);
            json.WriteStartObject("schema");
            if (type is null)
            {
                json.WriteString("type", "string");
            }
            else
            {
                OpenApiSchemas.WriteReference(json, type);
            }
            json.WriteEndObject();
            json.WriteEndObject();
        }
        json.WriteEndObject();
    }

    private void Parameters(List<OpenApiParameter> parameters)
    {
        if (parameters.Count == 0)
        {
            return;
        }
        json.WriteStartArray("parameters");
        foreach (var parameter in parameters.OrderBy(p => p.Name, StringComparer.Ordinal))
        {
            json.WriteStartObject();
            json.WriteString("description", parameter.Doc);
            json.WriteString("in", parameter.In);
            json.WriteString("name", parameter.Name);
            if (parameter.In == "path")
            {
                json.WriteBoolean("required", true);
            }
            json.WriteStartObject("schema");
            json.WriteString("type", parameter.Type);
            json.WriteBoolean("uniqueItems", true);
            json.WriteEndObject();
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }
}
