using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Nodes;
using Serval.Api.GoText;

namespace Serval.Api.Schema;

/// <summary>One pass over one object: the walk of <see cref="StrictDecoder"/>. What is wrong with scalars is in <see cref="ScalarReader"/>.</summary>
internal sealed class DecodePass(bool custom, bool hasUnicodeEscapes)
{
    private readonly DecodePath _path = new();
    private List<string>? _warnings;
    private List<DecodeError>? _errors;
    private bool _ended;

    public IReadOnlyList<string> Warnings => _warnings ?? (IReadOnlyList<string>)[];

    public IReadOnlyList<DecodeError> Errors => _errors ?? (IReadOnlyList<DecodeError>)[];

    public JsonObject Root(JsonElement element, TypeSchema type) => Object(element, type);

    /// <summary>An object of a kind without a field table: its metadata is read, the rest is kept as it is.</summary>
    public JsonObject CustomRoot(JsonElement element)
    {
        var result = new JsonObject();
        foreach (var property in element.EnumerateObject())
        {
            var name = Readable(property);
            if (result.ContainsKey(name))
            {
                Warn("duplicate", name);
            }
            var schema = name switch { "metadata" => s_metadata, "apiVersion" or "kind" => s_string, _ => s_any };
            if (property.Value.ValueKind == JsonValueKind.Null && schema != s_any)
            {
                continue;
            }
            _path.Push(name);
            result[name] = Value(property.Value, schema);
            _path.Pop();
        }
        return result;
    }

    private JsonNode? Value(JsonElement element, ValueSchema schema)
    {
        switch (schema.Kind)
        {
            case ValueKind.Object:
                return element.ValueKind == JsonValueKind.Object ? Object(element, schema.Type!) : WrongType(element, schema);
            case ValueKind.List:
                return element.ValueKind == JsonValueKind.Array ? List(element, schema.Item!) : WrongType(element, schema);
            case ValueKind.Map:
                return element.ValueKind == JsonValueKind.Object ? Map(element, schema.Item!) : WrongType(element, schema);
            case ValueKind.Any:
                return Any(element);
            default:
                if (hasUnicodeEscapes && element.ValueKind == JsonValueKind.String && !ScalarReader.IsReadable(element))
                {
                    return Wrong("the string has half of a surrogate pair (\\ud800 to \\udfff): write the character itself");
                }
                var node = ScalarReader.Read(element, schema.Kind, IsFree, out var complaint);
                return complaint is not null ? Wrong(complaint, isFinal: schema.Kind is ValueKind.Quantity or ValueKind.Time or ValueKind.MicroTime)
                    : node ?? WrongType(element, schema);
        }
    }

    private JsonObject Object(JsonElement element, TypeSchema type)
    {
        var result = new JsonObject();
        Span<ulong> seen = stackalloc ulong[2]; // a method with a UInt128 is not compiled ahead of time
        foreach (var property in element.EnumerateObject())
        {
            var raw = JsonMarshal.GetRawUtf8PropertyName(property);
            var index = raw.Contains((byte)'\\') ? IndexOfEscaped(property, type) : type.IndexOf(raw);
            if (index < 0)
            {
                Warn("unknown", Readable(property));
                continue;
            }
            var field = type.Fields[index];
            if ((seen[index / 64] & (1UL << index)) != 0)
            {
                Warn("duplicate", field.Name);
            }
            seen[index / 64] |= 1UL << index;
            if (property.Value.ValueKind == JsonValueKind.Null)
            {
                continue;
            }
            _path.Push(type, field);
            if (Value(property.Value, field.Value) is { } node)
            {
                if (field.LeavesOutEmpty && (node is JsonValue ? EmptyFields.IsEmpty(property.Value) : IsEmpty(node)) && !IsFree)
                {
                    result.Remove(field.Name); // it may stand there twice: the last counts
                }
                else
                {
                    result[field.Name] = node;
                }
            }
            _path.Pop();
        }
        return result;
    }

    private static bool IsEmpty(JsonNode node) => node is JsonArray { Count: 0 } or JsonObject { Count: 0 };

    private JsonArray List(JsonElement element, ValueSchema item)
    {
        var result = new JsonArray();
        var index = 0;
        foreach (var value in element.EnumerateArray())
        {
            _path.Push(index++);
            var node = value.ValueKind == JsonValueKind.Null ? Zero(item) : Value(value, item);
            if (node is not null || item.Kind == ValueKind.Any)
            {
                result.Add(node);
            }
            _path.Pop();
        }
        return result;
    }

    private JsonObject Map(JsonElement element, ValueSchema item)
    {
        var result = new JsonObject();
        foreach (var property in element.EnumerateObject())
        {
            var key = Readable(property);
            if (result.ContainsKey(key))
            {
                Warn("duplicate", key);
            }
            _path.Push(key);
            var node = property.Value.ValueKind == JsonValueKind.Null ? Zero(item) : Value(property.Value, item);
            if (node is not null || item.Kind == ValueKind.Any)
            {
                result[key] = node;
            }
            _path.Pop();
        }
        return result;
    }

    /// <summary>Free JSON is kept, nulls too; only duplicates are reported.</summary>
    private JsonNode? Any(JsonElement element)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.Object:
                return Map(element, s_any);
            case JsonValueKind.Array:
                return List(element, s_any);
            case JsonValueKind.String when hasUnicodeEscapes && !ScalarReader.IsReadable(element):
                return Wrong("the string has half of a surrogate pair (\\ud800 to \\udfff): write the character itself");
            case JsonValueKind.Number when custom:
                return FreeNumber(element);
            default:
                return JsonValue.Create(element);
        }
    }

    /// <summary>As Go keeps a number where no type says how; what built-in types leave open they keep as text.</summary>
    private JsonNode? FreeNumber(JsonElement element)
    {
        var raw = JsonMarshal.GetRawUtf8Value(element);
        if (raw.Length <= 18 && raw.IndexOfAny("-.eE"u8) < 0)
        {
            return JsonValue.Create(element);
        }
        var text = element.GetRawText();
        return GoNumber.Canonical(text) is not { } canonical ? Wrong($"json: cannot unmarshal number {text} into Go {Into} of type float64")
            : canonical == text ? JsonValue.Create(element) : JsonNode.Parse(canonical);
    }

    private static readonly ValueSchema s_any = new(ValueKind.Any);
    private static readonly ValueSchema s_string = new(ValueKind.String);
    private static readonly ValueSchema s_metadata = new("meta.ObjectMeta");

    /// <summary>What Go makes of a null inside a list or map: the type's zero value.</summary>
    private static JsonNode? Zero(ValueSchema item) => item.Kind switch
    {
        ValueKind.String => JsonValue.Create(""),
        ValueKind.Object => new JsonObject(),
        ValueKind.Int32 or ValueKind.Int64 => JsonNode.Parse("0"),
        ValueKind.Boolean => JsonValue.Create(false),
        ValueKind.Quantity => JsonValue.Create("0"),
        ValueKind.Bytes => JsonValue.Create(""),
        _ => null,
    };

    private static int IndexOfEscaped(JsonProperty property, TypeSchema type) =>
        type.Find(Readable(property)) is { } field ? type.Fields.ToList().IndexOf(field) : -1;

    private static string Readable(JsonProperty property)
    {
        try
        {
            return property.Name;
        }
        catch (InvalidOperationException e)
        {
            throw new JsonException("a key has half of a surrogate pair (\\ud800 to \\udfff)", e);
        }
    }

    private void Warn(string what, string name)
    {
        if (_warnings?.Count >= TextLimit.MostTold)
        {
            return;
        }
        var text = $"{what} field {GoQuote.Quote(_path.With(name))}";
        _warnings ??= [];
        if (!_warnings.Contains(text))
        {
            _warnings.Add(text);
        }
    }

    /// <summary>Whether a schema judges this, not a type of Go.</summary>
    private bool IsFree => custom && !_path.IsMetadata;

    /// <summary>Whether one more error, other than the first that ends it, tells nobody anything.</summary>
    private bool IsFull => _errors?.Count >= TextLimit.MostErrors;

    private JsonNode? WrongType(JsonElement element, ValueSchema schema)
    {
        if (IsFull && (_ended || schema.Kind is not (ValueKind.Quantity or ValueKind.Time or ValueKind.MicroTime or ValueKind.IntOrString)))
        {
            return null;
        }
        if (IsFree)
        {
            var type = SchemaType(schema.Kind);
            var actual = JsonType(element);
            return Wrong($"Invalid value: \"{actual}\": {_path.Text} in body must be of type {type}: \"{actual}\"");
        }
        // Some types read themselves: a quantity whatever it is given, times from a text, a number or text from a number.
        if (schema.Kind == ValueKind.Quantity)
        {
            return Wrong(Core.Quantity.Complaint, isFinal: true);
        }
        var what = $"json: cannot unmarshal {Given(element, schema.Kind)} into Go";
        return schema.Kind is ValueKind.Time or ValueKind.MicroTime or ValueKind.IntOrString
            ? Wrong($"{what} {Into} of type {schema.GoRead}", isFinal: true, $"{what} value of type {schema.GoRead}")
            : Wrong($"{what} {Into} of type {schema.GoRead}", isFinal: false, GoConversion.Complaint(element, schema));
    }

    private string Into => _path.GoField is { Length: > 0 } name ? $"struct field {name}" : "value";

    /// <param name="message">What is wrong.</param>
    /// <param name="isFinal">Go ends there, and tells nothing that it met before.</param>
    /// <param name="conversion">What is said of it after a strategic merge patch; null for the same.</param>
    private JsonNode? Wrong(string message, bool isFinal = false, string? conversion = null)
    {
        if (!IsFull || (isFinal && !_ended))
        {
            (_errors ??= []).Add(new DecodeError(_path.Text, message, isFinal, conversion));
            _ended |= isFinal;
        }
        return null;
    }

    private static string SchemaType(ValueKind kind) => kind switch
    {
        ValueKind.Int32 or ValueKind.Int64 => "integer",
        ValueKind.Number => "number",
        ValueKind.Boolean => "boolean",
        ValueKind.List => "array",
        ValueKind.Object or ValueKind.Map => "object",
        ValueKind.IntOrString or ValueKind.Quantity => "integer,string",
        _ => "string",
    };

    private static string JsonType(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.Number => element.TryGetInt64(out _) ? "integer" : "number",
        JsonValueKind.True or JsonValueKind.False => "boolean",
        JsonValueKind.Array => "array",
        JsonValueKind.Object => "object",
        JsonValueKind.Null => "null",
        _ => "string",
    };

    /// <summary>A number is told where its size may be what is wrong.</summary>
    private static string Given(JsonElement element, ValueKind wanted) => element.ValueKind switch
    {
        JsonValueKind.Number when wanted is ValueKind.Int32 or ValueKind.Int64 or ValueKind.Number or ValueKind.IntOrString => "number " + element.GetRawText(),
        var kind => GoText.GoValue.Kind(kind),
    };
}
