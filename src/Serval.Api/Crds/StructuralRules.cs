using System.Text.Json;
using System.Text.Json.Nodes;
using Serval.Api.Admission;

namespace Serval.Api.Crds;

/// <summary>
/// A schema says its structure outside of <c>allOf</c>, <c>anyOf</c>, <c>oneOf</c> and <c>not</c>, and types everything it names
/// (apiextensions-apiserver pkg/apiserver/schema validation.go and complete.go).
/// </summary>
internal static class StructuralRules
{
    private static readonly string[] s_junctors = ["allOf", "anyOf", "oneOf"];

    private enum Level
    {
        Root,
        Item,
        Field,
    }

    public static void Check(JsonObject schema, string path, Problems to)
    {
        Structure(schema, Level.Root, path, to);
        Completeness(schema, schema, path, path, to);
    }

    /// <summary>Whether a schema says by <c>$schema</c>, anywhere in it, what kind of schema it is.</summary>
    public static bool NamesSchema(JsonObject s) => s.String("$schema").Length > 0
        || new[] { s.Object("items"), s.Object("additionalProperties"), s.Object("not") }.OfType<JsonObject>()
            .Concat(Fields(s).Select(f => f.Schema)).Concat(s_junctors.SelectMany(j => s.Objects(j)).Select(o => o.Item)).Any(NamesSchema);

    private static void Structure(JsonObject s, Level level, string path, Problems to)
    {
        var type = s.String("type");
        var embedded = s.Bool("x-kubernetes-embedded-resource") == true;
        var preserve = s.Bool("x-kubernetes-preserve-unknown-fields") == true;
        var intOrString = s.Bool("x-kubernetes-int-or-string") == true;
        if (type == "array" && !s.Has("items"))
        {
            to.Required(path + ".items", "must be specified");
        }
        Children(s, level, path, to);
        if (intOrString && preserve)
        {
            to.Invalid(path + ".x-kubernetes-preserve-unknown-fields", "true", "must be false if x-kubernetes-int-or-string is true");
        }
        if (intOrString && embedded)
        {
            to.Invalid(path + ".x-kubernetes-embedded-resource", "true", "must be false if x-kubernetes-int-or-string is true");
        }
        Values(s, skipAnyOf: IsIntOrString(s), skipFirst: s.Array("allOf") is [JsonObject first, ..] && IsIntOrString(first), path, to);
        if (embedded && type != "object")
        {
            RequireType(type, path, "must be object if x-kubernetes-embedded-resource is true", to);
        }
        else if (type.Length == 0 && !intOrString && !preserve)
        {
            to.Required(path + ".type", level switch
            {
                Level.Root => "must not be empty at the root",
                Level.Item => "must not be empty for specified array items",
                _ => "must not be empty for specified object fields",
            });
        }
        if (embedded && s.Has("additionalProperties"))
        {
            to.Forbidden(path + ".additionalProperties", "must not be used if x-kubernetes-embedded-resource is set");
        }
        if (level == Level.Root && type.Length > 0 && type != "object")
        {
            to.InvalidText(path + ".type", type, "must be object at the root");
        }
        Meta(s, level, level == Level.Root || embedded, path, to);
        if (embedded && !preserve && s.Object("properties") is not { Count: > 0 })
        {
            to.Required(path + ".properties", "must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields");
        }
    }

    private static void Children(JsonObject s, Level level, string path, Problems to)
    {
        if (s.Object("items") is { } items)
        {
            Structure(items, Level.Item, path + ".items", to);
        }
        foreach (var (name, field) in Fields(s))
        {
            Structure(field, Level.Field, $"{path}.properties[{name}]", to);
        }
        if (s.Has("additionalProperties") && level == Level.Root)
        {
            to.Forbidden(path + ".additionalProperties", "must not be used at the root");
        }
        if (s.Object("additionalProperties") is { } additional)
        {
            Structure(additional, Level.Field, path + ".additionalProperties", to);
        }
    }

    /// <summary>apiVersion, kind and metadata have their own types; a schema may say little about them.</summary>
    private static void Meta(JsonObject s, Level level, bool isObject, string path, Problems to)
    {
        var fields = s.Object("properties");
        foreach (var name in (ReadOnlySpan<string>)["kind", "apiVersion"])
        {
            if (isObject && fields.Object(name) is { } field && field.String("type") != "string")
            {
                to.InvalidText($"{path}.properties[{name}].type", field.String("type"), "must be string");
            }
        }
        if (fields.Object("metadata") is not { } metadata)
        {
            return;
        }
        path += ".properties[metadata]";
        if (isObject && metadata.String("type") != "object")
        {
            to.InvalidText(path + ".type", metadata.String("type"), "must be object");
        }
        var names = Fields(metadata).Select(f => f.Name).ToList();
        if (level == Level.Root
            && (names.Any(n => n is not ("name" or "generateName")) || metadata.Any(m => m.Key is not ("type" or "properties" or "default") && Tree.IsSet("", m.Value))))
        {
            to.Forbidden(path, "must not specify anything other than name and generateName, but metadata is implicitly specified");
        }
    }

    private static void Values(JsonObject s, bool skipAnyOf, bool skipFirst, string path, Problems to)
    {
        foreach (var junctor in s_junctors)
        {
            if (junctor == "anyOf" && skipAnyOf)
            {
                continue;
            }
            foreach (var (i, nested) in s.Objects(junctor))
            {
                Nested(nested, skipAnyOf: junctor == "allOf" && skipFirst && i == 0, $"{path}.{junctor}[{i}]", to);
            }
        }
        if (s.Object("not") is { } not)
        {
            Nested(not, skipAnyOf: false, path + ".not", to);
        }
        if (s.String("pattern") is { Length: > 0 } pattern && GoPattern.Error(pattern) is { } wrong)
        {
            to.InvalidText(path + ".pattern", pattern, "must be a valid regular expression, but isn't: " + wrong);
        }
    }

    private static void Nested(JsonObject v, bool skipAnyOf, string path, Problems to)
    {
        Values(v, skipAnyOf, skipFirst: false, path, to);
        if (v.Object("items") is { } items)
        {
            Nested(items, skipAnyOf: false, path + ".items", to);
        }
        foreach (var (name, field) in Fields(v))
        {
            Nested(field, skipAnyOf: false, $"{path}.properties[{name}]", to);
        }
        foreach (var (key, value) in v)
        {
            if (ForbiddenInside(key, value) is { } wrong)
            {
                to.Forbidden($"{path}.{key}", wrong);
            }
        }
        if (v.Object("properties").Has("metadata"))
        {
            to.Forbidden(path + ".properties[metadata]", "must not be specified in a nested context");
        }
    }

    private static string? ForbiddenInside(string key, JsonNode? value) => (key, value) switch
    {
        (_, null) => null,
        ("type" or "title" or "description", _) when Tree.Text(value).Length > 0 => "must be empty to be structural",
        ("additionalProperties" or "default" or "x-kubernetes-list-type" or "x-kubernetes-map-type", _) => "must be undefined to be structural",
        ("nullable" or "x-kubernetes-preserve-unknown-fields" or "x-kubernetes-embedded-resource" or "x-kubernetes-int-or-string", _)
            when value.GetValueKind() == JsonValueKind.True => "must be false to be structural",
        ("x-kubernetes-list-map-keys" or "x-kubernetes-validations", JsonArray { Count: > 0 }) => "must be empty to be structural",
        _ => null,
    };

    /// <summary>Whatever is restricted in <paramref name="v"/> is specified in <paramref name="s"/>.</summary>
    private static void Completeness(JsonObject v, JsonObject s, string specified, string path, Problems to)
    {
        foreach (var junctor in s_junctors)
        {
            foreach (var (i, nested) in v.Objects(junctor))
            {
                NestedCompleteness(nested, s, specified, $"{path}.{junctor}[{i}]", to);
            }
        }
        if (v.Object("not") is { } not)
        {
            NestedCompleteness(not, s, specified, path + ".not", to);
        }
    }

    private static void NestedCompleteness(JsonObject v, JsonObject? s, string specified, string path, Problems to)
    {
        if (s is null)
        {
            to.Required(specified, "because it is defined in " + path);
            return;
        }
        Completeness(v, s, specified, path, to);
        if (v.Object("items") is { } items)
        {
            NestedCompleteness(items, s.Object("items"), specified + ".items", path + ".items", to);
        }
        foreach (var (name, field) in Fields(v))
        {
            NestedCompleteness(field, s.Object("properties").Object(name), $"{specified}.properties[{name}]", $"{path}.properties[{name}]", to);
        }
    }

    private static void RequireType(string type, string path, string why, Problems to)
    {
        if (type.Length == 0)
        {
            to.Required(path + ".type", why);
        }
        else
        {
            to.InvalidText(path + ".type", type, why);
        }
    }

    /// <summary>Just <c>anyOf: [{type: integer}, {type: string}]</c>.</summary>
    private static bool IsIntOrString(JsonObject s) =>
        s.Array("anyOf") is [JsonObject { Count: 1 } first, JsonObject { Count: 1 } second] && first.String("type") == "integer" && second.String("type") == "string";

    private static IEnumerable<(string Name, JsonObject Schema)> Fields(JsonObject s) =>
        (s.Object("properties") ?? []).Where(p => p.Value is JsonObject).Select(p => (p.Key, (JsonObject)p.Value!));
}
