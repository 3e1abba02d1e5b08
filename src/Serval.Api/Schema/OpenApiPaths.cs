using System.Text.Json;

namespace Serval.Api.Schema;

/// <summary>Writes <c>paths</c>: what can be called for each kind. <c>kubectl</c> reads the PATCH operations' media types and parameters.</summary>
internal sealed class OpenApiPaths
{
    private const string Name = "name";

    private static readonly Parameter[] s_write =
    [
        new("dryRun", "string", "All: go through every step, store nothing."), new("fieldManager", "string", "Who makes the change."),
        new("fieldValidation", "string", "Ignore, Warn or Strict: what becomes of unknown and duplicate fields."),
    ];

    private static readonly Parameter[] s_delete =
    [
        s_write[0], new("gracePeriodSeconds", "integer", "Seconds the object may take to end."),
        new("orphanDependents", "boolean", "Superseded by propagationPolicy."),
        new("propagationPolicy", "string", "Orphan, Background or Foreground."),
    ];

    private static readonly Parameter[] s_list =
    [
        new("allowWatchBookmarks", "boolean", "Send bookmarks in a watch."), new("continue", "string", "Token of the next page."),
        new("fieldSelector", "string", "Select by fields."), new("labelSelector", "string", "Select by labels."),
        new("limit", "integer", "The most items of a page."), new("resourceVersion", "string", "How fresh the answer must be."),
        new("resourceVersionMatch", "string", "Exact or NotOlderThan."), new("sendInitialEvents", "boolean", "Begin a watch with the objects there are."),
        new("timeoutSeconds", "integer", "How long the call may last."), new("watch", "boolean", "Send changes as they happen."),
    ];

    private static readonly Parameter[] s_deleteCollection =
    [
        .. s_delete, .. s_list.Where(p => p.Name is "continue" or "fieldSelector" or "labelSelector" or "limit" or "resourceVersion" or "resourceVersionMatch"),
    ];

    private readonly Utf8JsonWriter _json;
    private readonly ResourceKind _kind;

    private OpenApiPaths(Utf8JsonWriter json, ResourceKind kind)
    {
        _json = json;
        _kind = kind;
    }

    private enum Verb
    {
        Get,
        List,
        Post,
        Put,
        Patch,
        Delete,
        DeleteCollection,
    }

    public static void Write(Utf8JsonWriter json, IReadOnlyList<ResourceKind> kinds)
    {
        json.WriteStartObject("paths");
        foreach (var kind in kinds)
        {
            new OpenApiPaths(json, kind).Kind();
        }
        json.WriteEndObject();
    }

    private void Kind()
    {
        var root = _kind.Group.Length == 0 ? $"/api/{_kind.Version}" : $"/apis/{_kind.Group}/{_kind.Version}";
        var collection = _kind.Namespaced ? $"{root}/namespaces/{{namespace}}/{_kind.Plural}" : $"{root}/{_kind.Plural}";
        var type = OpenApiSchemas.Name(_kind);
        Path(collection, "", type, Verb.List, Verb.Post, Verb.DeleteCollection);
        Path(collection + "/{name}", "", type, Verb.Get, Verb.Put, Verb.Patch, Verb.Delete);
        if (_kind.HasStatus)
        {
            Path(collection + "/{name}/status", "Status", type, Verb.Get, Verb.Put, Verb.Patch);
        }
        if (_kind.HasScale)
        {
            Path(collection + "/{name}/scale", "Scale", OpenApiSchemas.Scale, Verb.Get, Verb.Put, Verb.Patch);
        }
        if (_kind.Namespaced)
        {
            Path($"{root}/{_kind.Plural}", "ForAllNamespaces", type, Verb.List);
        }
    }

    private void Path(string path, string suffix, string type, params Verb[] verbs)
    {
        _json.WriteStartObject(path);
        foreach (var verb in verbs)
        {
            Operation(verb, path, suffix, type);
        }
        _json.WriteStartArray("parameters");
        foreach (var name in (string[])["namespace", Name])
        {
            if (path.Contains($"{{{name}}}", StringComparison.Ordinal))
            {
                WriteParameter(new Parameter(name, "string", name == Name ? $"Name of the {_kind.Kind}." : "Namespace of the object."), "path");
            }
        }
        _json.WriteEndArray();
        _json.WriteEndObject();
    }

    private void Operation(Verb verb, string path, string suffix, string type)
    {
        var isCollection = verb is Verb.List or Verb.DeleteCollection;
        _json.WriteStartObject(verb switch { Verb.List => "get", Verb.DeleteCollection => "delete", _ => verb.ToString().ToLowerInvariant() });
        _json.WriteStartArray("tags");
        _json.WriteStringValue(_kind.Group.Length == 0 ? $"core_{_kind.Version}" : $"{_kind.Group.Split('.')[0]}_{_kind.Version}");
        _json.WriteEndArray();
        _json.WriteString("operationId", OperationId(verb, path, suffix));
        _json.WriteStartArray("parameters");
        foreach (var parameter in Parameters(verb))
        {
            WriteParameter(parameter, "query");
        }
        _json.WriteEndArray();
        Body(verb, type);
        Responses(verb, verb == Verb.List ? OpenApiSchemas.ListName(_kind)
            : isCollection || verb == Verb.Delete ? Schemas.Resolve("meta.Status").FullName : type);
        _json.WriteString("x-kubernetes-action", verb.ToString().ToLowerInvariant());
        _json.WriteStartObject("x-kubernetes-group-version-kind");
        if (suffix == "Scale")
        {
            OpenApiSchemas.WriteGroupVersionKind(_json, "autoscaling", "v1", "Scale");
        }
        else
        {
            OpenApiSchemas.WriteGroupVersionKind(_json, _kind.Group, _kind.Version, _kind.Kind);
        }
        _json.WriteEndObject();
        _json.WriteEndObject();
    }

    private static Parameter[] Parameters(Verb verb) => verb switch
    {
        Verb.List => s_list,
        Verb.Post or Verb.Put or Verb.Patch => s_write,
        Verb.Delete => s_delete,
        Verb.DeleteCollection => s_deleteCollection,
        _ => [],
    };

    private string OperationId(Verb verb, string path, string suffix)
    {
        var action = verb switch
        {
            Verb.Get => "read",
            Verb.Post => "create",
            Verb.Put => "replace",
            Verb.DeleteCollection => "deleteCollection",
            _ => verb.ToString().ToLowerInvariant(),
        };
        var group = _kind.Group.Length == 0 ? "Core" : string.Concat(_kind.Group.Replace(".k8s.io", "", StringComparison.Ordinal).Split('.').Select(Capital));
        var scope = path.Contains("{namespace}", StringComparison.Ordinal) ? "Namespaced" : "";
        return $"{action}{group}{Capital(_kind.Version)}{scope}{_kind.Kind}{suffix}";
    }

    private static string Capital(string text) => text.Length == 0 ? text : char.ToUpperInvariant(text[0]) + text[1..];

    private void Body(Verb verb, string type)
    {
        string[] media = verb switch
        {
            Verb.Post or Verb.Put or Verb.Delete or Verb.DeleteCollection => ["application/json"],
            Verb.Patch when _kind.IsCustom => ["application/apply-patch+yaml", "application/json-patch+json", "application/merge-patch+json"],
            Verb.Patch => ["application/apply-patch+yaml", "application/json-patch+json", "application/merge-patch+json", "application/strategic-merge-patch+json"],
            _ => [],
        };
        if (media.Length == 0)
        {
            return;
        }
        _json.WriteStartObject("requestBody");
        Content(media, verb switch
        {
            Verb.Patch => OpenApiSchemas.Patch,
            Verb.Delete or Verb.DeleteCollection => Schemas.Resolve("meta.DeleteOptions").FullName,
            _ => type,
        });
        if (verb is Verb.Post or Verb.Put or Verb.Patch)
        {
            _json.WriteBoolean("required", true);
        }
        _json.WriteEndObject();
    }

    private void Responses(Verb verb, string type)
    {
        string[] codes = verb switch
        {
            Verb.Post => ["200", "201", "202"],
            Verb.Put or Verb.Patch => ["200", "201"],
            Verb.Delete => ["200", "202"],
            _ => ["200"],
        };
        _json.WriteStartObject("responses");
        foreach (var code in codes)
        {
            _json.WriteStartObject(code);
            _json.WriteString("description", code switch { "201" => "Created", "202" => "Accepted", _ => "OK" });
            Content(["application/json"], type);
            _json.WriteEndObject();
        }
        _json.WriteStartObject("401");
        _json.WriteString("description", "Unauthorized");
        _json.WriteEndObject();
        _json.WriteEndObject();
    }

    private void Content(string[] media, string type)
    {
        _json.WriteStartObject("content");
        foreach (var name in media)
        {
            _json.WriteStartObject(name);
            _json.WriteStartObject("schema");
            OpenApiSchemas.WriteReference(_json, type);
            _json.WriteEndObject();
            _json.WriteEndObject();
        }
        _json.WriteEndObject();
    }

    private void WriteParameter(Parameter parameter, string place)
    {
        _json.WriteStartObject();
        _json.WriteString("name", parameter.Name);
        _json.WriteString("in", place);
        _json.WriteString("description", parameter.Doc);
        if (place == "path")
        {
            _json.WriteBoolean("required", true);
        }
        _json.WriteStartObject("schema");
        _json.WriteString("type", parameter.Type);
        _json.WriteBoolean("uniqueItems", true);
        _json.WriteEndObject();
        _json.WriteEndObject();
    }

    private sealed record Parameter(string Name, string Type, string Doc);
}
