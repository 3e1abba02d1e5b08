using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Serval.Api.Admission;

namespace Serval.Api.Crds;

/// <summary>The part of a schema that restricts values and says nothing of their structure. Immutable.</summary>
internal sealed class ValueRules
{
    private readonly Lazy<Regex?> _regex;

    private ValueRules(JsonObject json)
    {
        FormatName = json.String("format");
        Format = KnownFormats.Find(json.String("type"), FormatName);
        Minimum = Double(json, "minimum");
        ExclusiveMinimum = json.Bool("exclusiveMinimum") == true;
        Maximum = Double(json, "maximum");
        ExclusiveMaximum = json.Bool("exclusiveMaximum") == true;
        MultipleOf = Double(json, "multipleOf");
        MinLength = json.Number("minLength");
        MaxLength = json.Number("maxLength");
        MinItems = json.Number("minItems");
        MaxItems = json.Number("maxItems");
        MinProperties = json.Number("minProperties");
        MaxProperties = json.Number("maxProperties");
        Pattern = json.String("pattern");
        _regex = new(() => Pattern.Length == 0 ? null : GoPattern.Compile(Pattern));
        Enum = [.. (json.Array("enum") ?? []).Select(JsonText.Of)];
        Required = [.. json.Strings("required")];
        AllOf = StructuralSchema.ReadList(json, "allOf");
        AnyOf = StructuralSchema.ReadList(json, "anyOf");
        OneOf = StructuralSchema.ReadList(json, "oneOf");
        Not = json.Object("not") is { } not ? StructuralSchema.Parse(not) : null;
    }

    /// <summary>The format as it is written.</summary>
    public string FormatName { get; }

    /// <summary>A format that is known, in its normal spelling; empty when there is none or it is ignored.</summary>
    public string Format { get; }
    public double? Minimum { get; }
    public bool ExclusiveMinimum { get; }
    public double? Maximum { get; }
    public bool ExclusiveMaximum { get; }
    public double? MultipleOf { get; }
    public long? MinLength { get; }
    public long? MaxLength { get; }
    public long? MinItems { get; }
    public long? MaxItems { get; }
    public long? MinProperties { get; }
    public long? MaxProperties { get; }
    public string Pattern { get; }

    /// <summary>Null when there is no pattern, or one that this machine cannot match (there was a warning).</summary>
    public Regex? Regex => _regex.Value;

    /// <summary>Allowed values as <see cref="JsonText"/>.</summary>
    public IReadOnlyList<string> Enum { get; }
    public IReadOnlyList<string> Required { get; }
    public IReadOnlyList<StructuralSchema> AllOf { get; }
    public IReadOnlyList<StructuralSchema> AnyOf { get; }
    public IReadOnlyList<StructuralSchema> OneOf { get; }
    public StructuralSchema? Not { get; }

    public static ValueRules? Read(JsonObject json)
    {
        foreach (var (key, _) in json)
        {
            if (key is "format" or "minimum" or "maximum" or "multipleOf" or "minLength" or "maxLength" or "minItems" or "maxItems" or "minProperties"
                or "maxProperties" or "pattern" or "enum" or "required" or "allOf" or "anyOf" or "oneOf" or "not")
            {
                return new ValueRules(json);
            }
        }
        return null;
    }

    private static double? Double(JsonObject json, string key) => json[key] is JsonValue value && value.TryGetDouble(out var number) ? number : null;
}
