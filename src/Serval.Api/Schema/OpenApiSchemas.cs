using System.Text.Json;

namespace Serval.Api.Schema;

/// <summary>Writes <c>components.schemas</c>: the types of some kinds and everything they refer to (kube-openapi: pkg/generators, pkg/builder3).</summary>
internal sealed class OpenApiSchemas
{
    public const string Patch = "io.k8s.apimachinery.pkg.apis.meta.v1.Patch";
    public const string Scale = "io.k8s.api.autoscaling.v1.Scale";
    public const string Reference = "#/components/schemas/";

    /// <summary>What every kind's own fields are, where the table does not say more.</summary>
    private static readonly Dictionary<string, string> s_kindDocs = new(StringComparer.Ordinal)
    {
        ["apiVersion"] = "APIVersion defines the group and version whose schema this object follows.",
        ["kind"] = "Kind says what sort of object this is.",
        ["metadata"] = "Standard object's metadata: its name, labels and bookkeeping.",
    };

    private const string WatchEvent = "WatchEvent"; // of every group, but not written as an object

    private readonly Utf8JsonWriter _json;
    private readonly (string Group, string Version) _of;
    private readonly Dictionary<string, TypeSchema> _types = new(StringComparer.Ordinal);
    private readonly HashSet<string> _named = new(StringComparer.Ordinal);

    private OpenApiSchemas(Utf8JsonWriter json, (string Group, string Version) of) => (_json, _of) = (json, of);

    /// <summary>What the paths of the kinds of one group and version refer to.</summary>
    public static void Write(Utf8JsonWriter json, IReadOnlyList<ResourceKind> kinds)
    {
        // A definition's group has no options of its own.
        var writer = new OpenApiSchemas(json, kinds[0].IsCustom ? ("", "v1") : (kinds[0].Group, kinds[0].Version));
        var (listed, custom) = (kinds.Where(k => KindVerbs.Of(k).Contains("list")).ToList(), kinds.Where(k => k.IsCustom).ToList());
        foreach (var kind in kinds.Where(k => !k.IsCustom))
        {
            writer.Collect(Schemas.For(kind).Type);
        }
        foreach (var shared in Shared(kinds, listed))
        {
            writer.Collect(Schemas.Resolve(shared));
        }
        if (listed.Count > 0)
        {
            writer._named.Add(Patch);
        }
        json.WriteStartObject("schemas");
        writer.Types();
        foreach (var kind in custom)
        {
            json.WritePropertyName(Name(kind));
            OpenApiCustom.Object(kind).WriteTo(json);
            json.WritePropertyName(ListName(kind));
            OpenApiCustom.List(kind).WriteTo(json);
        }
        foreach (var kind in listed.Where(k => !k.IsCustom))
        {
            writer.List(kind);
        }
        json.WriteEndObject();
    }

    /// <summary>Some types and what they refer to; nothing where there are none.</summary>
    public static void Write(Utf8JsonWriter json, IEnumerable<TypeSchema> types)
    {
        var writer = new OpenApiSchemas(json, ("", "v1"));
        foreach (var type in types)
        {
            writer.Collect(type);
        }
        if (writer._types.Count > 0)
        {
            json.WriteStartObject("schemas");
            writer.Types();
            json.WriteEndObject();
        }
    }

    private static IEnumerable<string> Shared(IReadOnlyList<ResourceKind> kinds, List<ResourceKind> listed)
    {
        if (kinds.Any(k => !k.IsCustom))
        {
            yield return "meta.APIResourceList";
        }
        foreach (var name in listed.Count == 0 ? [] : (string[])["meta.ListMeta", "meta.DeleteOptions", "meta.Status", "meta.ObjectMeta"])
        {
            yield return name;
        }
        if (listed.Any(k => !k.IsCustom))
        {
            yield return "meta." + WatchEvent;
        }
        foreach (var sub in listed.SelectMany(Subresource.Of).Where(s => s.Group is not null && !s.Verbs.Contains("list")))
        {
            yield return sub.Kind switch { "Scale" => "scale.Scale", "Eviction" => "policy.Eviction", _ => "authentication." + sub.Kind };
        }
    }

    public static void WriteReference(Utf8JsonWriter json, string name) => json.WriteString("$ref", Reference + name);

    /// <summary>Name of a kind's schema.</summary>
    public static string Name(ResourceKind kind) => kind.IsCustom ? OpenApiCustom.Name(kind, kind.Kind) : Schemas.For(kind).Type.FullName;

    public static string ListName(ResourceKind kind) => kind.IsCustom ? OpenApiCustom.Name(kind, kind.ListKind) : Name(kind) + "List";

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
            else if (OpenApiNamed.Of(value.Kind, field.Name) is { } named)
            {
                _named.Add(named);
            }
        }
    }

    private void Types()
    {
        foreach (var type in _types.Values.OrderBy(t => t.FullName, StringComparer.Ordinal))
        {
            _json.WriteStartObject(type.FullName);
            Type(type);
            _json.WriteEndObject();
        }
        foreach (var name in _named.Order(StringComparer.Ordinal))
        {
            _json.WriteStartObject(name);
            OpenApiNamed.Write(_json, name);
            _json.WriteEndObject();
        }
    }

    private void Type(TypeSchema type)
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
        OpenApiUnions.Write(_json, type);
        if (type.IsKind || type.Name == WatchEvent)
        {
            Kind(type);
        }
    }

    private void Kind(TypeSchema type)
    {
        var api = type.ApiVersion.Split('/');
        (string, string) named = api switch
        {
            ["meta"] => ("", "v1"),
            [var core] => ("", core),
            _ => (api[0], api[1]),
        };
        // What every version of every group knows is also of this one.
        GroupVersionKinds(type.Name, type.Name is "DeleteOptions" or WatchEvent && _of != named ? [named, _of] : [named]);
    }

    private void GroupVersionKinds(string kind, params ReadOnlySpan<(string Group, string Version)> versions)
    {
        _json.WriteStartArray("x-kubernetes-group-version-kind");
        foreach (var (group, version) in versions)
        {
            _json.WriteStartObject();
            WriteGroupVersionKind(_json, group, version, kind);
            _json.WriteEndObject();
        }
        _json.WriteEndArray();
    }

    private void Field(FieldSchema field, bool isKind)
    {
        // kubectl explain prints the type's own sentence below the field's: do not say it twice.
        var doc = field.Doc == field.Value.Type?.Doc ? "" : field.Doc.Length > 0 || !isKind ? field.Doc : s_kindDocs.GetValueOrDefault(field.Name, "");
        var value = OpenApiDefaults.Of(field);
        Describe(doc);
        Value(field.Value, field, isAlone: false);
        if (value is not null)
        {
            _json.WritePropertyName("default");
            _json.WriteRawValue(value);
        }
        Merging(field);
    }

    private void Merging(FieldSchema field)
    {
        if (field.HasListKind)
        {
            _json.WriteString("x-kubernetes-list-type", field.ListKind.ToString().ToLowerInvariant());
        }
        if (field.ListMapKeys.Count > 0)
        {
            Strings("x-kubernetes-list-map-keys", field.ListMapKeys);
        }
        if (field.AtomicMap || field.GranularMap)
        {
            _json.WriteString("x-kubernetes-map-type", field.AtomicMap ? "atomic" : "granular");
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
        PatchStrategy.Whole => "replace",
        _ => "merge,retainKeys",
    };

    /// <summary>A reference to a named type stands in <c>allOf</c> of a field, where something else may stand beside it, which a reference would hide.</summary>
    private void Value(ValueSchema value, FieldSchema field, bool isAlone = true)
    {
        if ((value.Type?.FullName ?? OpenApiNamed.Of(value.Kind, field.Name)) is { } named)
        {
            Refer(named, isAlone);
            return;
        }
        switch (value.Kind)
        {
            case ValueKind.List:
                Nested("array", "items", value.Item!, field);
                break;
            case ValueKind.Map:
                Nested("object", "additionalProperties", value.Item!, field);
                break;
            default:
                var (name, format) = OpenApiScalar.Of(value.Kind);
                _json.WriteString("type", name);
                if (format is not null)
                {
                    _json.WriteString("format", format);
                }
                if (field.Enum is { } values)
                {
                    Strings("enum", values.Split(','));
                }
                break;
        }
    }

    private void Nested(string type, string member, ValueSchema item, FieldSchema field)
    {
        _json.WriteString("type", type);
        _json.WriteStartObject(member);
        Value(item, field);
        _json.WriteEndObject();
    }

    private void Refer(string name, bool isAlone)
    {
        if (isAlone)
        {
            WriteReference(_json, name);
            return;
        }
        _json.WriteStartArray("allOf");
        _json.WriteStartObject();
        WriteReference(_json, name);
        _json.WriteEndObject();
        _json.WriteEndArray();
    }

    private void List(ResourceKind kind)
    {
        _json.WriteStartObject(ListName(kind));
        Describe($"A list of {kind.Kind} objects.");
        _json.WriteString("type", "object");
        Strings("required", ["items"]);
        _json.WriteStartObject("properties");
        foreach (var name in (string[])["apiVersion", "kind"])
        {
            _json.WriteStartObject(name);
            Describe(s_kindDocs[name]);
            _json.WriteString("type", "string");
            _json.WriteEndObject();
        }
        _json.WriteStartObject("items");
        Describe("The objects.");
        _json.WriteString("type", "array");
        _json.WriteStartObject("items");
        WriteReference(_json, Name(kind));
        _json.WriteEndObject();
        _json.WriteEndObject();
        _json.WriteStartObject("metadata");
        Describe("Position of the list in the store's history, and how to go on.");
        Refer(Schemas.Resolve("meta.ListMeta").FullName, isAlone: false);
        _json.WriteStartObject("default");
        _json.WriteEndObject();
        _json.WriteEndObject();
        _json.WriteEndObject();
        GroupVersionKinds(kind.ListKind, (kind.Group, kind.Version));
        _json.WriteEndObject();
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
