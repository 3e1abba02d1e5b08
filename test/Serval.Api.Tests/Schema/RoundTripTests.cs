using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Serval.Api.Schema;

namespace Serval.Api.Tests.Schema;

/// <summary>An object with every field of its schema set comes out of the decoder as it went in.</summary>
public sealed class RoundTripTests
{
    public static TheoryData<string> KindNames => [.. Kinds.All.Select(k => $"{k.ResourceName} {k.Version}")];

    [Theory]
    [MemberData(nameof(KindNames))]
    public void Decode_ObjectWithEveryField_LosesNothing(string name)
    {
        var kind = Kinds.All.Single(k => $"{k.ResourceName} {k.Version}" == name);
        var full = Fill(Schemas.For(kind).Type, [], depth: 0);
        var bytes = CanonicalJson.Serialize(full);

        var result = StrictDecoder.Decode(kind, bytes);

        Assert.Empty(result.Warnings);
        Assert.Empty(result.Errors);
        Assert.Equal(Encoding.UTF8.GetString(bytes), Encoding.UTF8.GetString(CanonicalJson.Serialize(result.Tree)));
        Assert.True(bytes.Length > 200);
    }

    [Theory]
    [MemberData(nameof(KindNames))]
    public void Decode_EveryScalarOfAWrongType_IsReportedOnce(string name)
    {
        var kind = Kinds.All.Single(k => $"{k.ResourceName} {k.Version}" == name);
        var full = Fill(Schemas.For(kind).Type, [], depth: 0);
        var expected = Spoil(full, "");

        var errors = StrictDecoder.Decode(kind, full).Errors.Select(e => e.Field).Order(StringComparer.Ordinal);

        Assert.Equal(expected.Order(StringComparer.Ordinal), errors);
    }

    private static JsonObject Fill(TypeSchema type, HashSet<TypeSchema> open, int depth)
    {
        var result = new JsonObject();
        if (!open.Add(type))
        {
            return result; // a recursive type (JSONSchemaProps) ends here
        }
        foreach (var field in type.Fields)
        {
            result[field.Name] = Fill(field.Value, open, depth + 1);
        }
        open.Remove(type);
        return result;
    }

    private static JsonNode Fill(ValueSchema value, HashSet<TypeSchema> open, int depth) => value.Kind switch
    {
        ValueKind.Object => Fill(value.Type!, open, depth),
        ValueKind.List => new JsonArray(Fill(value.Item!, open, depth)),
        ValueKind.Map => new JsonObject { ["a key"] = Fill(value.Item!, open, depth) },
        ValueKind.Any => new JsonObject { ["f:x"] = new JsonArray(1, "two", null) },
        ValueKind.Int32 => JsonValue.Create(int.MaxValue),
        ValueKind.Int64 => JsonValue.Create(long.MinValue),
        ValueKind.Number => JsonValue.Create(1.5),
        ValueKind.Boolean => JsonValue.Create(true),
        ValueKind.Quantity => JsonValue.Create("250m"),
        ValueKind.IntOrString => depth % 2 == 0 ? JsonValue.Create("25%") : JsonValue.Create(8080),
        ValueKind.Time => JsonValue.Create("2026-01-31T08:00:00Z"),
        ValueKind.MicroTime => JsonValue.Create("2026-01-31T08:00:00.123456Z"),
        ValueKind.Bytes => JsonValue.Create("aGVsbG8="),
        _ => JsonValue.Create("text with \"quotes\", ünïcode and <signs>"),
    };

    /// <summary>Puts an object in the place of every scalar outside free JSON; returns their paths.</summary>
    private static List<string> Spoil(JsonNode node, string path)
    {
        var spoiled = new List<string>();
        var children = node is JsonObject map
            ? map.ToList().Select(p => (Key: (object)p.Key, p.Value))
            : node.AsArray().ToList().Select((v, i) => (Key: (object)i, Value: v));
        foreach (var (key, value) in children)
        {
            var at = key is int index ? string.Create(CultureInfo.InvariantCulture, $"{path}[{index}]") : path.Length == 0 ? (string)key : $"{path}.{key}";
            if (value is JsonObject free && free.ContainsKey("f:x"))
            {
                continue;
            }
            if (value is JsonValue)
            {
                var wrong = new JsonObject { ["wrong"] = 1 };
                if (key is int i)
                {
                    node[i] = wrong;
                }
                else
                {
                    node[(string)key] = wrong;
                }
                spoiled.Add(at);
            }
            else
            {
                spoiled.AddRange(Spoil(value!, at));
            }
        }
        return spoiled;
    }
}
