using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Serval.Api.Fields;

/// <summary>
/// One step of a path into an object: a field, a list item by its keys, an item of a set by its value, or an index. Two steps are equal when
/// their text is. (structured-merge-diff: fieldpath.PathElement.)
/// </summary>
public readonly record struct PathElement
{
    private const string Prefixes = "fkvi"; // in the order of steps

    private readonly byte _form;

    private PathElement(char prefix, string text)
    {
        _form = (byte)Prefixes.IndexOf(prefix, StringComparison.Ordinal);
        Text = text;
    }

    /// <summary>The field's name, the keys as canonical JSON, the value as canonical JSON, or the index.</summary>
    public string Text { get; }

    /// <summary>The name, when the step is a field; else null.</summary>
    public string? FieldName => _form == 0 ? Text : null;

    /// <summary>As FieldsV1 spells it: <c>f:spec</c>, <c>k:{"name":"a"}</c>, <c>v:"a"</c>, <c>i:0</c>.</summary>
    public string Encoded => $"{Prefixes[_form]}:{Text}";

    public static PathElement Field(string name) => new('f', name);

    public static PathElement Index(int index) => new('i', index.ToString(CultureInfo.InvariantCulture));

    /// <summary>An item of a set.</summary>
    public static PathElement Value(JsonNode? scalar) => new('v', ScalarText(scalar));

    /// <summary>An item of a list by the values of its keys.</summary>
    public static PathElement Key(IEnumerable<KeyValuePair<string, JsonNode?>> keys)
    {
        var texts = keys.OrderBy(k => k.Key, StringComparer.Ordinal).Select(k => $"{Quoted(k.Key)}:{ScalarText(k.Value)}");
        return new('k', $"{{{string.Join(',', texts)}}}");
    }

    /// <summary>Reads <see cref="Encoded"/>; null for a form of step this program does not know. <see cref="FormatException"/> when it is broken.</summary>
    public static PathElement? Parse(string encoded)
    {
        if (encoded.Length < 2 || encoded[1] != ':')
        {
            throw new FormatException($"the path element \"{encoded}\" has no colon behind its first letter");
        }
        var text = encoded[2..];
        try
        {
            return encoded[0] switch
            {
                'f' => Field(text),
                'k' => JsonNode.Parse(text) is JsonObject keys && keys.All(k => k.Value is JsonValue or null) ? Key(keys) : throw new FormatException($"{text} are no keys"),
                'v' => JsonNode.Parse(text) is var value and (JsonValue or null) ? Value(value) : throw new FormatException($"{text} is no scalar"),
                'i' => Index(int.Parse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture)),
                _ => null,
            };
        }
        catch (Exception e) when (e is JsonException or ArgumentException or OverflowException or InvalidOperationException)
        {
            throw new FormatException($"the path element \"{encoded}\" cannot be read: {e.Message}", e);
        }
    }

    internal int OrderTo(PathElement other) => _form != other._form ? _form.CompareTo(other._form) : string.CompareOrdinal(Text, other.Text);

    /// <summary>As messages write it: <c>.spec</c>, <c>[name="a"]</c>, <c>[="a"]</c>, <c>[0]</c>.</summary>
    public override string ToString() => _form switch
    {
        0 => "." + Text,
        1 => $"[{string.Join(',', ((JsonObject)JsonNode.Parse(Text)!).Select(k => $"{k.Key}={ScalarText(k.Value)}"))}]",
        2 => $"[={Text}]",
        _ => $"[{Text}]",
    };

    private static string ScalarText(JsonNode? scalar) => scalar?.GetValueKind() switch
    {
        null or JsonValueKind.Null => "null",
        JsonValueKind.String => Quoted(scalar.GetValue<string>()),
        JsonValueKind.Number => NumberText(scalar.ToJsonString()),
        _ => scalar.ToJsonString(),
    };

    /// <summary>80, 80.0 and 8e1 are one value; what no number of the machine holds stands for itself.</summary>
    private static string NumberText(string text)
    {
        if (long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var whole))
        {
            return whole.ToString(CultureInfo.InvariantCulture);
        }
        var number = double.Parse(text, CultureInfo.InvariantCulture);
        return !double.IsFinite(number) ? text
            : number == Math.Truncate(number) && Math.Abs(number) < 1e15 ? ((long)number).ToString(CultureInfo.InvariantCulture)
            : number.ToString("R", CultureInfo.InvariantCulture);
    }

    private static string Quoted(string text) => $"\"{JavaScriptEncoder.UnsafeRelaxedJsonEscaping.Encode(text)}\"";
}
