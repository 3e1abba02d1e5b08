using System.Text.Json.Nodes;
using Serval.Api.Admission;

namespace Serval.Api.Crds;

/// <summary>Which keywords of OpenAPI v3 a schema may use, and Kubernetes' extensions (apiextensions-apiserver ValidateCustomResourceDefinitionOpenAPISchema).</summary>
internal sealed class OpenApiRules(Problems to)
{
    private static readonly string[] s_types = ["array", "boolean", "integer", "number", "object", "string"];

    // Keywords that are refused when they say anything, in upstream's order.
    private static readonly string[] s_unsupported = ["id", "additionalItems", "patternProperties", "definitions", "dependencies", "$ref"];

    public void Check(JsonObject schema, string path) => Walk(schema, path, new Place { IsRoot = true });

    private void Walk(JsonObject s, string path, Place place)
    {
        Standard(s, path, place);
        if (s.Bool("uniqueItems") == true)
        {
            to.Forbidden(path + ".uniqueItems", "uniqueItems cannot be set to true since the runtime complexity becomes quadratic");
        }
        var below = place with { IsRoot = false };
        if (s.Has("additionalProperties"))
        {
            if (s.Object("properties") is { Count: > 0 } && s.Bool("additionalProperties") != true)
            {
                to.Forbidden(path + ".additionalProperties", "additionalProperties and properties are mutual exclusive");
            }
            Child(s, "additionalProperties", path, place.InMeta ? below with { NoDefault = "inside additionalProperties applying to object metadata" } : below);
        }
        Properties(s, path, place, below);
        Child(s, "not", path, below);
        foreach (var junctor in (ReadOnlySpan<string>)["allOf", "oneOf", "anyOf"])
        {
            foreach (var (i, nested) in s.Objects(junctor))
            {
                Walk(nested, $"{path}.{junctor}[{i}]", below);
            }
        }
        Child(s, "items", path, below);
        if (s.Bool("x-kubernetes-preserve-unknown-fields") == false)
        {
            to.Invalid(path + ".x-kubernetes-preserve-unknown-fields", "false", "must be true or undefined");
        }
        MapType(s, path);
        ListType(s, path);
        CelRules.Check(s, path, to);
    }

    private void Child(JsonObject s, string key, string path, Place place)
    {
        if (s.Object(key) is { } child)
        {
            Walk(child, $"{path}.{key}", place);
        }
    }

    private void Properties(JsonObject s, string path, Place place, Place below)
    {
        var isObject = place.IsRoot || s.Bool("x-kubernetes-embedded-resource") == true;
        foreach (var (name, value) in s.Object("properties") ?? [])
        {
            if (value is JsonObject schema)
            {
                var inside = isObject && name is "metadata" or "kind" or "apiVersion"
                    ? below with { InMeta = isObject || place.InMeta, NoDefault = place.IsRoot ? "in top-level " + name : below.NoDefault }
                    : below;
                Walk(schema, $"{path}.properties[{name}]", inside);
            }
        }
    }

    private void Standard(JsonObject s, string path, Place place)
    {
        var type = s.String("type");
        if (type.Length > 0)
        {
            to.OneOf(s, "type", path, s_types);
        }
        if (s.Has("default") && place.NoDefault is { } reason)
        {
            to.Forbidden(path + ".default", "must not be set " + reason);
        }
        foreach (var key in s_unsupported)
        {
            if (s[key] is { } value && value is not JsonObject { Count: 0 } && value.ToJsonString() != "\"\"")
            {
                to.Forbidden($"{path}.{key}", key + " is not supported");
            }
        }
        if (type == "null")
        {
            to.Forbidden(path + ".type", "type cannot be set to null, use nullable as an alternative");
        }
        if (s.Array("items") is not null)
        {
            to.Forbidden(path + ".items", "items must be a schema object and not an array");
        }
        if (place.InMeta && s.Bool("x-kubernetes-embedded-resource") == true)
        {
            to.Forbidden(path + ".x-kubernetes-embedded-resource", "must not be used inside of resource meta");
        }
    }

    private void MapType(JsonObject s, string path)
    {
        if (s.Has("x-kubernetes-map-type"))
        {
            NeedType(s, "object", path, "must be object if x-kubernetes-map-type is specified");
            OneOf(s, "x-kubernetes-map-type", path, "atomic", "granular");
        }
    }

    private void ListType(JsonObject s, string path)
    {
        var listType = s.String("x-kubernetes-list-type");
        var items = s.Object("items");
        if (s.Has("x-kubernetes-list-type"))
        {
            NeedType(s, "array", path, "must be array if x-kubernetes-list-type is specified");
            OneOf(s, "x-kubernetes-list-type", path, "atomic", "set", "map");
        }
        if (s.Array("x-kubernetes-list-map-keys") is { Count: > 0 } && listType != "map")
        {
            const string must = "must be map if x-kubernetes-list-map-keys is non-empty";
            Wrong(path + ".x-kubernetes-list-type", listType, must);
        }
        if (listType is "set" or "map" && items.Bool("nullable") == true)
        {
            to.Forbidden(path + ".items.nullable", "cannot be nullable when x-kubernetes-list-type is " + listType);
        }
        if (listType == "set" && s.String("type") == "array")
        {
            Set(items, path + ".items");
        }
        else if (listType == "map")
        {
            Map(s, items, path);
        }
    }

    private void Set(JsonObject? items, string path)
    {
        if (items.String("type") == "array" && items.String("x-kubernetes-list-type") is not ("" or "atomic"))
        {
            to.InvalidText(path + ".x-kubernetes-list-type", items.String("x-kubernetes-list-type"), "must be atomic as item of a list with x-kubernetes-list-type=set");
        }
        else if (items.String("type") == "object" && items.String("x-kubernetes-map-type") != "atomic")
        {
            to.Invalid(path + ".x-kubernetes-map-type", "null", "must be atomic as item of a list with x-kubernetes-list-type=set");
        }
    }

    private void Map(JsonObject s, JsonObject? items, string path)
    {
        var keys = s.Strings("x-kubernetes-list-map-keys").ToList();
        if (keys.Count == 0)
        {
            to.Required(path + ".x-kubernetes-list-map-keys", "must not be empty if x-kubernetes-list-type is map");
        }
        if (!s.Has("items"))
        {
            to.Required(path + ".items", "must have a schema if x-kubernetes-list-type is map");
        }
        else if (items is null)
        {
            to.InvalidText(path + ".items", "array", "must only have a single schema if x-kubernetes-list-type is map");
        }
        else if (items.String("type") != "object")
        {
            to.InvalidText(path + ".items.type", items.String("type"), "must be object if parent array's x-kubernetes-list-type is map");
        }
        else
        {
            Keys(keys, items, path);
        }
    }

    private void Keys(List<string> keys, JsonObject items, string path)
    {
        var listed = new JsonArray([.. keys.Select(k => JsonValue.Create(k))]).ToJsonString();
        var required = items.Strings("required").ToHashSet(StringComparer.Ordinal);
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var key in keys)
        {
            if (!seen.Add(key))
            {
                to.Invalid(path + ".x-kubernetes-list-map-keys", listed, "must not contain duplicate entries");
            }
            if (items.Object("properties").Object(key) is not { } property)
            {
                to.Invalid(path + ".x-kubernetes-list-map-keys", listed, "entries must all be names of item properties");
                continue;
            }
            var at = $"{path}.items.properties[{key}]";
            if (property.String("type") is "array" or "object")
            {
                to.InvalidText(at + ".type", property.String("type"), "must be a scalar type if parent array's x-kubernetes-list-type is map");
            }
            if (!required.Contains(key) && !property.Has("default"))
            {
                to.Required(at + ".default", "this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property");
            }
            if (property.Bool("nullable") == true)
            {
                to.Forbidden(at + ".nullable", "this property is in x-kubernetes-list-map-keys, so it cannot be nullable");
            }
        }
    }

    private void NeedType(JsonObject s, string type, string path, string must)
    {
        if (s.String("type") != type)
        {
            Wrong(path + ".type", s.String("type"), must);
        }
    }

    /// <summary>The text of a field that is there, and so not empty either.</summary>
    private void OneOf(JsonObject s, string key, string path, params ReadOnlySpan<string> allowed)
    {
        if (!allowed.Contains(s.String(key)))
        {
            to.Unsupported($"{path}.{key}", s.String(key), allowed);
        }
    }

    private void Wrong(string path, string value, string must)
    {
        if (value.Length == 0)
        {
            to.Required(path, must);
        }
        else
        {
            to.InvalidText(path, value, must);
        }
    }

    /// <summary>Where a schema stands.</summary>
    private readonly record struct Place
    {
        public bool IsRoot { get; init; }

        /// <summary>Below apiVersion, kind or metadata of an object.</summary>
        public bool InMeta { get; init; }

        /// <summary>Why there may be no default; null when there may.</summary>
        public string? NoDefault { get; init; }
    }
}
