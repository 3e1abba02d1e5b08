using System.Collections.Frozen;
using System.Text.Json;
using System.Text.Json.Nodes;
using Serval.Api.Admission;

namespace Serval.Api.Crds;

/// <summary>
/// A structural schema (apiextensions.k8s.io/v1 JSONSchemaProps as <c>structural-merge</c> of types and value rules), read once and shared by
/// all that serves a version of a custom resource. Immutable.
/// </summary>
public sealed class StructuralSchema
{
    private static readonly FrozenDictionary<string, StructuralSchema> s_none = FrozenDictionary<string, StructuralSchema>.Empty;

    private readonly JsonElement? _default;

    private StructuralSchema(JsonObject json)
    {
        Type = json.String("type");
        Nullable = json.Bool("nullable") == true;
        PreservesUnknown = json.Bool("x-kubernetes-preserve-unknown-fields") == true;
        IsEmbedded = json.Bool("x-kubernetes-embedded-resource") == true;
        IsIntOrString = json.Bool("x-kubernetes-int-or-string") == true;
        ListType = json.String("x-kubernetes-list-type");
        ListMapKeys = [.. json.Strings("x-kubernetes-list-map-keys")];
        MapType = json.String("x-kubernetes-map-type");
        Items = json.Object("items") is { } items ? new(items) : null;
        Properties = json.Object("properties") is { Count: > 0 } properties ? Read(properties) : s_none;
        Additional = json.Object("additionalProperties") is { } additional ? new(additional) : null;
        AllowsAdditional = Additional is not null ? true : json.Bool("additionalProperties");
        _default = json["default"] is { } value ? JsonElement.Parse(CanonicalJson.Serialize(value), CanonicalJson.Reader) : null;
        Rules = ValueRules.Read(json);
        HasRules = json.Array("x-kubernetes-validations") is { Count: > 0 } || Items is { HasRules: true } || Additional is { HasRules: true } || Properties.Values.Any(p => p.HasRules);
    }

    /// <summary><c>object</c>, <c>array</c>, <c>string</c>, <c>integer</c>, <c>number</c> or <c>boolean</c>; empty for any.</summary>
    public string Type { get; }

    public bool Nullable { get; }

    /// <summary>Fields outside the schema stay: <c>x-kubernetes-preserve-unknown-fields</c>.</summary>
    public bool PreservesUnknown { get; }

    /// <summary>The value is a whole object with apiVersion, kind and metadata: <c>x-kubernetes-embedded-resource</c>.</summary>
    public bool IsEmbedded { get; }

    public bool IsIntOrString { get; }

    /// <summary><c>atomic</c>, <c>set</c>, <c>map</c>; empty is atomic.</summary>
    public string ListType { get; }

    public IReadOnlyList<string> ListMapKeys { get; }

    /// <summary><c>granular</c> or <c>atomic</c>; empty is granular.</summary>
    public string MapType { get; }

    public StructuralSchema? Items { get; }

    public IReadOnlyDictionary<string, StructuralSchema> Properties { get; }

    /// <summary>Schema of the values of a map.</summary>
    public StructuralSchema? Additional { get; }

    /// <summary>Whether <c>additionalProperties</c> lets fields in that are not in <see cref="Properties"/>; null when it is not given.</summary>
    public bool? AllowsAdditional { get; }

    public bool HasDefault => _default is not null;

    /// <summary>Whether there are CEL rules in it, which are not evaluated.</summary>
    internal bool HasRules { get; }

    /// <summary>What a value must be beside its type; null when there is no such rule.</summary>
    internal ValueRules? Rules { get; }

    /// <summary>Reads a schema. Whatever has the wrong type reads as absent: <see cref="CrdRules"/> has refused it before it is stored.</summary>
    public static StructuralSchema Parse(JsonObject schema) => new(schema);

    /// <summary>A new copy of the default; null when there is none.</summary>
    public JsonNode? NewDefault() => _default is { } value ? Copy(value) : null;

    /// <summary>The schema of a field of an object; null when the schema does not say.</summary>
    public StructuralSchema? Field(string name) => Properties.GetValueOrDefault(name) ?? Additional;

    /// <summary>The schemas of a junctor: <c>allOf</c>, <c>anyOf</c>, <c>oneOf</c>.</summary>
    internal static StructuralSchema[] ReadList(JsonObject json, string key) => [.. json.Objects(key).Select(o => new StructuralSchema(o.Item))];

    private static FrozenDictionary<string, StructuralSchema> Read(JsonObject properties) => properties
        .Where(p => p.Value is JsonObject)
        .ToFrozenDictionary(p => p.Key, p => new StructuralSchema((JsonObject)p.Value!), StringComparer.Ordinal);

    private static JsonNode? Copy(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => JsonObject.Create(value),
        JsonValueKind.Array => JsonArray.Create(value),
        _ => JsonValue.Create(value),
    };
}
