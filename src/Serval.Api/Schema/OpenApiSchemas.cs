using System.Text.Json;
using System.Text.Json.Nodes;

namespace Serval.Api.Schema;

/// <summary>Writes <c>components.schemas</c>: the types of some kinds and everything they refer to.</summary>
internal sealed class OpenApiSchemas
{
    public const string Patch = "io.k8s.apimachinery.pkg.apis.meta.v1.Patch";
    public const string Scale = "io.k8s.api.autoscaling.v1.Scale";

    private const string Reference = "#/components/schemas/";

    /// <summary>Scalars that upstream names.</summary>
    private static readonly Dictionary<ValueKind, string> s_named = new()
    {
        [ValueKind.Quantity] = "io.k8s.apimachinery.pkg.api.resource.Quantity",
        [ValueKind.IntOrString] = "io.k8s.apimachinery.pkg.util.intstr.IntOrString",
        [ValueKind.Time] = "io.k8s.apimachinery.pkg.apis.meta.v1.Time",
        [ValueKind.MicroTime] = "io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime",
    };

    /// <summary>What every kind's own fields are, where the table does not say more.</summary>
    private static readonly Dictionary<string, string> s_kindDocs = new(StringComparer.Ordinal)
    {
        ["apiVersion"] = "Group and version of the schema this object follows.",
        ["kind"] = "What sort of object this is.",
        ["metadata"] = "Name, labels and bookkeeping.",
    };

    private readonly Utf8JsonWriter _json;
    private readonly Dictionary<string, TypeSchema> _types = new(StringComparer.Ordinal);

    private OpenApiSchemas(Utf8JsonWriter json) => _json = json;

    public static void Write(Utf8JsonWriter json, IReadOnlyList<ResourceKind> kinds)
    {
        var writer = new OpenApiSchemas(json);
        foreach (var kind in kinds)
        {
            writer.Collect(kind.Shape is null ? Schemas.For(kind).Type : Schemas.ObjectMeta);
        }
        foreach (var shared in (string[])["meta.ListMeta", "meta.DeleteOptions", "meta.Status", .. kinds.Any(k => k.HasScale) ? ["scale.Scale"] : (string[])[]])
        {
            writer.Collect(Schemas.Resolve(shared));
        }
        json.WriteStartObject("schemas");
        foreach (var type in writer._types.Values.OrderBy(t => t.FullName, StringComparer.Ordinal))
        {
            json.WriteStartObject(type.FullName);
            writer.Type(type, kinds);
            json.WriteEndObject();
        }
        foreach (var kind in kinds.Where(k => k.Shape is not null))
        {
            writer.Custom(kind, kind.Shape!.OpenApi());
        }
        writer.Lists(kinds);
        writer.Scalars();
        json.WriteEndObject();
    }

    public static void WriteReference(Utf8JsonWriter json, string name) => json.WriteString("$ref", Reference + name);

    /// <summary>Name of a kind's schema; of a custom one as apiextensions-apiserver makes it (pkg/controller/openapi/builder).</summary>
    public static string Name(ResourceKind kind) => kind.Shape is null ? Schemas.For(kind).Type.FullName : CustomName(kind, kind.Kind);

    public static string ListName(ResourceKind kind) => kind.Shape is null ? Name(kind) + "List" : CustomName(kind, kind.ListKind);

    public static void WriteGroupVersionKind(Utf8JsonWriter json, string group, string version, string kind)
    {
        json.WriteString("group", group);
        json.WriteString("kind", kind);
        json.WriteString("version", version);
    }

    private void Collect(TypeSchema type)
    {
        if (!_types.TryAdd(type.FullName, type))
        {
            return;
        }
        foreach (var field in type.Fields)
        {
            var value = field.Value;
            while (value.Item is { } item)
            {
                value = item;
            }
            if (value.Type is { } next)
            {
                Collect(next);
            }
        }
    }

    private void Type(TypeSchema type, IReadOnlyList<ResourceKind> kinds)
    {
        Describe(type.Doc);
        _json.WriteString("type", "object");
        if (type.Fields.Any(f => f.Required))
        {
            Strings("required", type.Fields.Where(f => f.Required).Select(f => f.Name));
        }
        if (type.Fields.Count > 0)
        {
            _json.WriteStartObject("properties");
            foreach (var field in type.Fields)
            {
                _json.WriteStartObject(field.Name);
                Field(field, type.IsKind);
                _json.WriteEndObject();
            }
            _json.WriteEndObject();
        }
        if (type.IsAtomic)
        {
            _json.WriteString("x-kubernetes-map-type", "atomic");
        }
        if (type.IsKind)
        {
            Kind(type, kinds);
        }
    }

    private static string CustomName(ResourceKind kind, string name) => $"{string.Join('.', kind.Group.Split('.').Reverse())}.{kind.Version}.{name}";

    /// <summary>The author's schema, with the fields that every object has.</summary>
    private void Custom(ResourceKind kind, JsonObject schema)
    {
        Embed(schema);
        AddObjectFields(schema);
        schema["x-kubernetes-group-version-kind"] = new JsonArray(new JsonObject { ["group"] = kind.Group, ["kind"] = kind.Kind, ["version"] = kind.Version });
        if (kind.Shape!.SelectableFields is { Count: > 0 } fields)
        {
            schema["x-kubernetes-selectable-fields"] = new JsonArray([.. fields.Select(f => new JsonObject { ["fieldPath"] = f.TrimStart('.') })]);
        }
        _json.WritePropertyName(Name(kind));
        schema.WriteTo(_json);
    }

    private static void Embed(JsonNode? schema)
    {
        if (schema is not JsonObject node)
        {
            return;
        }
        foreach (var (_, property) in node["properties"] as JsonObject ?? [])
        {
            Embed(property);
        }
        Embed(node["items"]);
        Embed(node["additionalProperties"]);
        if (node["x-kubernetes-embedded-resource"] is JsonValue embedded && embedded.TryGetValue<bool>(out var isEmbedded) && isEmbedded)
        {
            AddObjectFields(node);
        }
    }

    private static void AddObjectFields(JsonObject schema)
    {
        if (schema["properties"] is not JsonObject properties)
        {
            schema["properties"] = properties = [];
        }
        foreach (var (name, doc) in s_kindDocs)
        {
            properties[name] = name == "metadata"
                ? new JsonObject { ["allOf"] = new JsonArray(new JsonObject { ["$ref"] = Reference + Schemas.ObjectMeta.FullName }), ["description"] = doc }
                : new JsonObject { ["type"] = "string", ["description"] = doc };
        }
    }

    private void Kind(TypeSchema type, IReadOnlyList<ResourceKind> kinds)
    {
        var api = type.ApiVersion.Split('/');
        var (group, version) = api switch
        {
            ["meta"] when type.Name == "DeleteOptions" => (kinds[0].Group, kinds[0].Version),
            ["meta"] => ("", "v1"),
            [var core] => ("", core),
            _ => (api[0], api[1]),
        };
        GroupVersionKinds(group, version, type.Name);
    }

    private void GroupVersionKinds(string group, string version, string kind)
    {
        _json.WriteStartArray("x-kubernetes-group-version-kind");
        _json.WriteStartObject();
        WriteGroupVersionKind(_json, group, version, kind);
        _json.WriteEndObject();
        _json.WriteEndArray();
    }

    private void Field(FieldSchema field, bool isKind)
    {
        // kubectl explain prints the type's own sentence below the field's: do not say it twice.
        var doc = field.Doc;
        Describe(doc == field.Value.Type?.Doc ? "" : doc.Length > 0 || !isKind ? doc : s_kindDocs.GetValueOrDefault(field.Name, ""));
        Value(field.Value);
        if (field.Default is { } value)
        {
            Default(field.Value.Kind, value);
        }
        if (field.HasListKind)
        {
            _json.WriteString("x-kubernetes-list-type", field.ListKind.ToString().ToLowerInvariant());
        }
        if (field.ListMapKeys.Count > 0)
        {
            Strings("x-kubernetes-list-map-keys", field.ListMapKeys);
        }
        if (field.AtomicMap)
        {
            _json.WriteString("x-kubernetes-map-type", "atomic");
        }
        if (field.PatchMergeKey is { } key)
        {
            _json.WriteString("x-kubernetes-patch-merge-key", key);
        }
        if (field.PatchStrategy != PatchStrategy.Replace)
        {
            _json.WriteString("x-kubernetes-patch-strategy", Text(field.PatchStrategy));
        }
    }

    private static string Text(PatchStrategy strategy) => strategy switch
    {
        PatchStrategy.Merge => "merge",
        PatchStrategy.RetainKeys => "retainKeys",
        _ => "merge,retainKeys",
    };

    private void Default(ValueKind kind, string value)
    {
        _json.WritePropertyName("default");
        if (kind is ValueKind.String)
        {
            _json.WriteStringValue(value);
        }
        else
        {
            _json.WriteRawValue(value);
        }
    }

    /// <summary>A reference to a named type stands in <c>allOf</c>, so that a description may stand beside it.</summary>
    private void Value(ValueSchema value)
    {
        if (value.Type is { } type)
        {
            AllOf(type.FullName);
            return;
        }
        if (s_named.TryGetValue(value.Kind, out var named))
        {
            AllOf(named);
            return;
        }
        switch (value.Kind)
        {
            case ValueKind.List:
                Nested("array", "items", value.Item!);
                break;
            case ValueKind.Map:
                Nested("object", "additionalProperties", value.Item!);
                break;
            case ValueKind.Any:
                _json.WriteBoolean("x-kubernetes-preserve-unknown-fields", true);
                break;
            default:
                var (name, format) = OpenApiScalar.Of(value.Kind);
                _json.WriteString("type", name);
                if (format is not null)
                {
                    _json.WriteString("format", format);
                }
                break;
        }
    }

    private void Nested(string type, string member, ValueSchema item)
    {
        _json.WriteString("type", type);
        _json.WriteStartObject(member);
        Value(item);
        _json.WriteEndObject();
    }

    private void AllOf(string name)
    {
        _json.WriteStartArray("allOf");
        _json.WriteStartObject();
        WriteReference(_json, name);
        _json.WriteEndObject();
        _json.WriteEndArray();
    }

    private void Lists(IReadOnlyList<ResourceKind> kinds)
    {
        foreach (var kind in kinds)
        {
            _json.WriteStartObject(ListName(kind));
            Describe($"A list of {kind.Kind} objects.");
            _json.WriteString("type", "object");
            Strings("required", ["items"]);
            _json.WriteStartObject("properties");
            foreach (var name in (string[])["apiVersion", "kind"])
            {
                _json.WriteStartObject(name);
                _json.WriteString("type", "string");
                _json.WriteEndObject();
            }
            _json.WriteStartObject("items");
            _json.WriteString("type", "array");
            _json.WriteStartObject("items");
            AllOf(Name(kind));
            _json.WriteEndObject();
            _json.WriteEndObject();
            _json.WriteStartObject("metadata");
            AllOf(Schemas.Resolve("meta.ListMeta").FullName);
            _json.WriteEndObject();
            _json.WriteEndObject();
            GroupVersionKinds(kind.Group, kind.Version, kind.ListKind);
            _json.WriteEndObject();
        }
    }

    private void Scalars()
    {
        Scalar(s_named[ValueKind.Time], "A time, written as RFC 3339.", "string", "date-time");
        Scalar(s_named[ValueKind.MicroTime], "A time with microseconds, written as RFC 3339.", "string", "date-time");
        Scalar(Patch, "A change to an object, in the form its content type says.", "object", null);
        _json.WriteStartObject(s_named[ValueKind.Quantity]);
        Describe("An amount: a number with an optional suffix, for example 250m, 2, 512Mi or 1e3.");
        OneOf("string", "number");
        _json.WriteEndObject();
        _json.WriteStartObject(s_named[ValueKind.IntOrString]);
        Describe("A number or a string.");
        _json.WriteString("format", "int-or-string");
        OneOf("integer", "string");
        _json.WriteEndObject();
    }

    private void Scalar(string name, string doc, string type, string? format)
    {
        _json.WriteStartObject(name);
        Describe(doc);
        _json.WriteString("type", type);
        if (format is not null)
        {
            _json.WriteString("format", format);
        }
        _json.WriteEndObject();
    }

    private void OneOf(params string[] types)
    {
        _json.WriteStartArray("oneOf");
        foreach (var type in types)
        {
            _json.WriteStartObject();
            _json.WriteString("type", type);
            _json.WriteEndObject();
        }
        _json.WriteEndArray();
    }

    private void Describe(string doc)
    {
        if (doc.Length > 0)
        {
            _json.WriteString("description", doc);
        }
    }

    private void Strings(string name, IEnumerable<string> values)
    {
        _json.WriteStartArray(name);
        foreach (var value in values)
        {
            _json.WriteStringValue(value);
        }
        _json.WriteEndArray();
    }
}
