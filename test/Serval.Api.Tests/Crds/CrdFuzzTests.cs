using System.Text.Json.Nodes;
using Serval.Api.Admission;
using Serval.Api.Crds;
using Serval.Api.Tests.Admission;

namespace Serval.Api.Tests.Crds;

/// <summary>Random schemas and random objects: whatever is written, rules and engine answer. The seed is in the test's name.</summary>
public sealed class CrdFuzzTests
{
    private static readonly string[] s_keywords =
    [
        "type", "type", "type", "properties", "properties", "items", "additionalProperties", "allOf", "anyOf", "oneOf", "not", "required", "enum", "default", "default",
        "nullable", "pattern", "format", "minimum", "maximum", "multipleOf", "minLength", "maxLength", "minItems", "maxItems", "minProperties", "exclusiveMinimum",
        "x-kubernetes-preserve-unknown-fields", "x-kubernetes-embedded-resource", "x-kubernetes-int-or-string", "x-kubernetes-list-type",
        "x-kubernetes-list-map-keys", "x-kubernetes-map-type", "x-kubernetes-validations", "uniqueItems", "definitions", "$ref",
    ];

    private static readonly string[] s_names = ["a", "b", "spec", "metadata", "kind", "apiVersion", "name", "\u00e4", ""];
    private static readonly string[] s_types = ["object", "object", "array", "string", "integer", "number", "boolean", "null", ""];
    private static readonly string[] s_patterns = ["^a*$", "(a|b)+", "[", "(?=x)", "\\d{2,}", "(?P<n>x)", "a{5000}", "[[:alpha:]-]", "\\Qa]\\E", "\\pL", "$", "x{", "\\x{1F600}"];
    private static readonly string[] s_scalars = ["null", "true", "false", "0", "-1", "1.5", "1e400", "99999999999999999999", "\"\"", "\"a\"", "\"2020-01-01\"", "[]", "{}", "[null]", "[\"a\",\"a\"]"];

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(77)]
    [InlineData(4711)]
    public void AnySchema_AndAnyObject_AreAnswered(int seed)
    {
        var random = new Random(seed);
        for (var round = 0; round < 1500; round++)
        {
            var schema = Schema(random, 4);
            var crd = CrdTable.Crd("");
            crd["spec"]!["versions"]![0]!["schema"]!["openAPIV3Schema"] = schema;
            var warnings = new List<string>();
            var errors = Validation.Validate(Kinds.CustomResourceDefinition, crd, null, new AdmissionContext { Warn = warnings.Add });
            Assert.DoesNotContain(errors, e => e.Message.Length == 0);
            Serve(StructuralSchema.Parse(schema), errors.Count == 0, random);
        }
    }

    [Fact]
    public void Alternatives_ThatMultiply_AreGivenUp()
    {
        var one = new JsonObject { ["oneOf"] = new JsonArray([.. Enumerable.Range(0, 5000).Select(i => (JsonNode)new JsonObject { ["minimum"] = i })]) };
        var whole = StructuralSchema.Parse(new JsonObject { ["properties"] = new JsonObject { ["x"] = new JsonObject { ["items"] = one } } });
        var tree = new JsonObject { ["x"] = new JsonArray([.. Enumerable.Range(0, 300).Select(i => (JsonNode)i)]) };
        var error = Assert.Single(CustomObjects.Validate(whole, tree, null));
        Assert.Equal("Invalid value: \"\": the schema takes too long to check against the object: it nests too many alternatives", error.Message);
    }

    /// <summary>A check of a long text costs more than a visit, however few the values are.</summary>
    [Theory]
    [InlineData("pattern", "\"^b{0}$\"", "\"TEXT\"")]
    [InlineData("minLength", "9000000", "\"TEXT\"")]
    [InlineData("enum", "[\"b{0}\"]", "\"TEXT\"")]
    [InlineData("enum", "[\"b{0}\"]", "[\"TEXT\"]")]
    public void Alternatives_OverALongText_AreGivenUp(string keyword, string demanded, string value)
    {
        var alternatives = Enumerable.Range(0, 1000).Select(i => $$"""{"{{keyword}}":{{demanded.Replace("{0}", $"{i}", StringComparison.Ordinal)}} }""");
        var schema = StructuralSchema.Parse(Edits.Parse($$"""{"properties":{"x":{"anyOf":[{{string.Join(',', alternatives)}}]} } }"""));
        var tree = Edits.Parse($$"""{"x":{{value.Replace("TEXT", new string('a', 200_000), StringComparison.Ordinal)}} }""");
        var error = Assert.Single(SchemaValidator.Run(schema, tree, null, "", new StepClock(TimeSpan.Zero)));
        Assert.Equal("Invalid value: \"\": the schema takes too long to check against the object: it nests too many alternatives", error.Message);
    }

    /// <summary>The time of all patterns counts, not that of each.</summary>
    [Theory]
    [InlineData(400, "x: Invalid value: \"a\": x in body should match '^b$'")]
    [InlineData(600, "<nil>: Invalid value: \"\": a pattern of the schema takes too long to match")]
    public void Patterns_ThatTogetherTakeTooLong_AreGivenUp(int milliseconds, string expected)
    {
        var schema = StructuralSchema.Parse(Edits.Parse("""{"properties":{"x":{"pattern":"^a$","allOf":[{"pattern":"^b$"}]}}}"""));
        var errors = SchemaValidator.Run(schema, Edits.Parse("""{"x":"a"}"""), null, "", new StepClock(TimeSpan.FromMilliseconds(milliseconds)));
        Assert.Equal(expected, $"{errors[0].Field}: {errors[0].Message}");
    }

    [Fact]
    public void Errors_InGreatNumber_AreNotAllCollected()
    {
        var schema = StructuralSchema.Parse(Edits.Parse("""{"properties":{"x":{"type":"array","items":{"type":"string"}}}}"""));
        var tree = new JsonObject { ["x"] = new JsonArray([.. Enumerable.Range(0, 100_000).Select(i => (JsonNode)i)]) };
        Assert.Equal(200, CustomObjects.Validate(schema, tree, null).Count);
    }

    private static void Serve(StructuralSchema schema, bool lawful, Random random)
    {
        var tree = Value(random, 5) as JsonObject ?? [];
        var read = CustomObjects.Decode(CrdTable.Widget, schema, CanonicalJson.Serialize(tree));
        CustomObjects.Complete(schema, read.Tree);
        var old = Value(random, 5) as JsonObject;
        Assert.DoesNotContain(CustomObjects.Validate(schema, read.Tree, old), e => e.Message.Length == 0);
        var again = (JsonObject)read.Tree.DeepClone();
        CustomObjects.Complete(schema, again);
        Assert.True(!lawful || JsonNode.DeepEquals(read.Tree, again), "what is pruned and defaulted stays as it is");
    }

    private static JsonObject Schema(Random random, int depth)
    {
        var schema = new JsonObject { ["type"] = s_types[random.Next(s_types.Length)] };
        for (var i = random.Next(6); i > 0; i--)
        {
            var key = s_keywords[random.Next(s_keywords.Length)];
            schema[key] = random.Next(12) == 0 ? Scalar(random) : Keyword(key, random, depth);
        }
        return schema;
    }

    private static JsonNode? Keyword(string key, Random random, int depth) => key switch
    {
        "type" => s_types[random.Next(s_types.Length)],
        "properties" or "definitions" => Map(random, () => depth == 0 ? null : Schema(random, depth - 1)),
        "items" or "additionalProperties" or "not" => depth == 0 ? true : Schema(random, depth - 1),
        "allOf" or "anyOf" or "oneOf" => new JsonArray([.. Enumerable.Range(0, depth == 0 ? 0 : 2).Select(_ => (JsonNode)Schema(random, depth - 1))]),
        "required" or "x-kubernetes-list-map-keys" => new JsonArray(s_names[random.Next(s_names.Length)], "a"),
        "enum" => new JsonArray(Scalar(random), Scalar(random)),
        "default" => Value(random, 2),
        "pattern" => s_patterns[random.Next(s_patterns.Length)],
        "format" => random.Next(2) == 0 ? "date" : "int32",
        "x-kubernetes-list-type" => random.Next(2) == 0 ? "map" : "set",
        "x-kubernetes-map-type" => "atomic",
        "x-kubernetes-validations" => new JsonArray(new JsonObject { ["rule"] = "self.a", ["fieldPath"] = ".a['b']" }),
        "minimum" or "maximum" or "multipleOf" or "minLength" or "maxLength" or "minItems" or "maxItems" or "minProperties" => random.Next(-1, 4),
        _ => random.Next(3) > 0,
    };

    private static JsonNode? Value(Random random, int depth) => random.Next(depth == 0 ? 1 : 3) switch
    {
        0 => Scalar(random),
        1 => new JsonArray([.. Enumerable.Range(0, random.Next(4)).Select(_ => Value(random, depth - 1))]),
        _ => Map(random, () => Value(random, depth - 1)),
    };

    private static JsonObject Map(Random random, Func<JsonNode?> value)
    {
        var map = new JsonObject();
        for (var i = random.Next(4); i > 0; i--)
        {
            map[s_names[random.Next(s_names.Length)]] = value();
        }
        return map;
    }

    private static JsonNode? Scalar(Random random) => JsonNode.Parse(s_scalars[random.Next(s_scalars.Length)]);

    /// <summary>Each look at it takes the step.</summary>
    private sealed class StepClock(TimeSpan step) : TimeProvider
    {
        private long _now;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => _now += step.Ticks;
    }
}
