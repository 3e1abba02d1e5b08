using System.Text;
using System.Text.Json.Nodes;
using Serval.Api.Crds;
using Serval.Api.Tests.Admission;

namespace Serval.Api.Tests.Crds;

/// <summary>Custom objects through a schema: what is pruned, defaulted and refused, in upstream's words. Rows are the schema and the value of a field <c>x</c>.</summary>
public sealed class CustomObjectsTests
{
    private const string Embedded = """{"type":"object","x-kubernetes-embedded-resource":true,"x-kubernetes-preserve-unknown-fields":true}""";
    private const string Number = "x: Invalid value: \"number\": x in body must be of type integer: \"number\"";
    private const string Pair = """{"type":"object","properties":{"a":{"type":"string"},"b":{"type":"integer"}}}""";

    [Theory]
    [InlineData(Pair, """{"a":"v","c":1,"d":{"e":1}}""", """{"a":"v"}""", "x.c x.d")]
    [InlineData("""{"type":"object"}""", """{"a":1}""", "{}", "x.a")]
    [InlineData("""{"type":"object","additionalProperties":true}""", """{"a":{"b":1},"c":2}""", """{"a":{},"c":2}""", "x.a.b")]
    [InlineData("""{"type":"object","additionalProperties":{"type":"object","properties":{"b":{"type":"string"}}}}""", """{"k":{"b":"v","c":1}}""", """{"k":{"b":"v"}}""", "x.k.c")]
    [InlineData("""{"type":"array","items":{"type":"object","properties":{"a":{"type":"string"}}}}""", """[{"a":"v","b":1},5,[{"b":1}]]""", """[{"a":"v"},5,[{}]]""", "x[0].b x[2][0].b")]
    [InlineData("""{"x-kubernetes-preserve-unknown-fields":true}""", """{"a":{"b":[{"c":1}]}}""", """{"a":{"b":[{"c":1}]}}""", "")]
    [InlineData("""{"type":"object","x-kubernetes-preserve-unknown-fields":true,"properties":{"a":{"type":"object","properties":{"b":{"type":"string"}}}}}""",
        """{"a":{"b":"v","c":1},"d":{"e":1}}""", """{"a":{"b":"v"},"d":{"e":1}}""", "x.a.c")]
    [InlineData("""{"type":"array","x-kubernetes-preserve-unknown-fields":true,"items":{"type":"object","properties":{"a":{"type":"object","properties":{}}}}}""",
        """[{"a":{"b":1},"c":1}]""", """[{"a":{},"c":1}]""", "x[0].a.b")]
    [InlineData(Embedded, """{"apiVersion":"v1","kind":"A","metadata":{"name":"n","odd":1},"spec":{"a":1}}""", """{"apiVersion":"v1","kind":"A","metadata":{"name":"n"},"spec":{"a":1}}""", "x.metadata.odd")]
    [InlineData("""{"type":"object","x-kubernetes-embedded-resource":true,"properties":{"spec":{"type":"object"}}}""",
        """{"apiVersion":"v1","kind":"A","metadata":{"name":"n"},"spec":{"a":1},"b":1}""", """{"apiVersion":"v1","kind":"A","metadata":{"name":"n"},"spec":{}}""", "x.b x.spec.a")]
    public void Prune(string schema, string value, string left, string unknown)
    {
        var read = Read(schema, value);
        Assert.Null(read.Failure(strict: false));
        Same(left, read.Tree["x"]);
        Assert.Equal(unknown, string.Join(' ', read.Warnings.Select(w => w["unknown field \"".Length..^1]).Order(StringComparer.Ordinal)));
    }

    /// <summary>A client names a key as it likes: what is said of what is below does not have all of it each time.</summary>
    [Theory]
    [InlineData("""{"type":"object","additionalProperties":{"type":"array","items":{"type":"number"}}}""", "1e999")]
    [InlineData("""{"type":"object","additionalProperties":{"type":"array","items":{"type":"object"}}}""", """{"a":1}""")]
    [InlineData("""{"type":"object","additionalProperties":{"type":"array","items":""" + Embedded + "}}", """{"kind":1}""")]
    [InlineData("""{"type":"object","additionalProperties":{"type":"array","items":""" + Embedded + "}}", """{"metadata":{"odd":1}}""")]
    public void Decode_ManyErrorsBelowALongKey_AreToldInLittle(string schema, string item)
    {
        var read = Read(schema, $$"""{"{{new string('k', 100_000)}}":[{{string.Join(',', Enumerable.Repeat(item, 20_000))}}]}""");
        Assert.InRange(read.Errors.Sum(e => e.Field.Length + e.Message.Length) + read.Warnings.Sum(w => w.Length), 100, 1_000_000);
    }

    [Fact]
    public void Decode_UnknownAndDuplicateFields_AreErrorsWhenStrict()
    {
        var text = """{"apiVersion":"example.com/v1","kind":"Widget","metadata":{"name":"n","odd":1},"x":{"c":1},"x":{"d":2},"y":1}""";
        var read = CustomObjects.Decode(CrdTable.Widget, Root(Pair), Encoding.UTF8.GetBytes(text));
        Assert.Null(read.Failure(strict: false));
        Assert.Equal("strict decoding error: unknown field \"metadata.odd\", duplicate field \"x\", unknown field \"x.d\", unknown field \"y\"", read.StrictMessage);
    }

    [Theory]
    [InlineData(Embedded, """{"metadata":{"labels":5}}""")]
    [InlineData(Embedded, """{"metadata":"a"}""")]
    [InlineData(Embedded, """{"kind":5}""")]
    public void Decode_EmbeddedObjectOfTheWrongShape_IsRefused(string schema, string value) =>
        Assert.Equal(422, Read(schema, value).Failure(strict: false)!.Code);

    [Theory]
    [InlineData("""{"type":"object","default":{"a":"v"},"properties":{"a":{"type":"string"},"b":{"type":"integer","default":3}}}""", null, """{"a":"v","b":3}""")]
    [InlineData("""{"type":"object","properties":{"b":{"type":"integer","default":3}}}""", null, null)]
    [InlineData("""{"type":"object","properties":{"b":{"type":"integer","default":3}}}""", "{}", """{"b":3}""")]
    [InlineData("""{"type":"object","properties":{"b":{"type":"integer","default":3}}}""", """{"b":null}""", """{"b":3}""")]
    [InlineData("""{"type":"object","properties":{"b":{"type":"integer","default":3,"nullable":true}}}""", """{"b":null}""", """{"b":null}""")]
    [InlineData("""{"type":"object","properties":{"b":{"type":"integer"}}}""", """{"b":null}""", "{}")]
    [InlineData("""{"type":"object","properties":{"b":{"type":"integer","nullable":true}}}""", """{"b":null}""", """{"b":null}""")]
    [InlineData("""{"type":"object","additionalProperties":{"type":"integer","default":7}}""", """{"k":null,"l":1}""", """{"k":7,"l":1}""")]
    [InlineData("""{"type":"object","additionalProperties":{"type":"object","properties":{"c":{"type":"string","default":"d"}}}}""", """{"k":{}}""", """{"k":{"c":"d"}}""")]
    [InlineData("""{"type":"array","items":{"type":"object","properties":{"c":{"type":"string","default":"d"}}}}""", """[{},{"c":"e"},null]""", """[{"c":"d"},{"c":"e"},null]""")]
    [InlineData("""{"type":"array","items":{"type":"string","default":"z"}}""", """["a",null]""", """["a","z"]""")]
    [InlineData("""{"type":"boolean","default":false}""", null, "false")]
    [InlineData("""{"x-kubernetes-preserve-unknown-fields":true}""", """{"a":null}""", """{"a":null}""")]
    public void Default(string schema, string? value, string? expected)
    {
        var tree = new JsonObject();
        if (value is not null)
        {
            tree["x"] = JsonNode.Parse(value);
        }
        CustomObjects.Complete(Root(schema), tree);
        Assert.Equal(expected is not null, tree.ContainsKey("x"));
        Same(expected ?? "null", tree["x"]);
    }

    [Theory]
    [InlineData("""{"type":"integer"}""", "\"a\"", "x: Invalid value: \"string\": x in body must be of type integer: \"string\"")]
    [InlineData("""{"type":"integer"}""", "5.0", "")]
    [InlineData("""{"type":"integer"}""", "9223372036854775807", "")]
    [InlineData("""{"type":"integer"}""", "-9223372036854775808", "")]
    [InlineData("""{"type":"integer","maximum":9223372036854775807}""", "9223372036854775807", "")]
    [InlineData("""{"type":"integer"}""", "9223372036854775808", Number + " ; <nil>: Invalid value: \"\": Checked value must be of type integer (default format) in x")]
    [InlineData("""{"type":"integer"}""", "-9223372036854775809", Number + " ; <nil>: Invalid value: \"\": Checked value must be of type integer (default format) in x")]
    [InlineData("""{"type":"integer"}""", "1.5", Number + " ; <nil>: Invalid value: \"\": Checked value must be of type integer (default format) in x")]
    [InlineData("""{"type":"integer"}""", "1e18", Number)]
    [InlineData("""{"type":"number"}""", "5", "")]
    [InlineData("""{"type":"string"}""", "null", "x: Invalid value: \"null\": x in body must be of type string: \"null\"")]
    [InlineData("""{"type":"string","nullable":true}""", "null", "")]
    [InlineData("""{"type":"array","items":{"type":"string"}}""", "{}", "x: Invalid value: \"object\": x in body must be of type array: \"object\"")]
    [InlineData("""{"type":"object"}""", "[]", "x: Invalid value: \"array\": x in body must be of type object: \"array\"")]
    [InlineData("""{"type":"boolean"}""", "0", "x: Invalid value: \"integer\": x in body must be of type boolean: \"integer\"")]
    [InlineData("""{"x-kubernetes-int-or-string":true}""", "5", "")]
    [InlineData("""{"x-kubernetes-int-or-string":true}""", "\"5%\"", "")]
    [InlineData("""{"x-kubernetes-int-or-string":true}""", "true", "x: Invalid value: \"boolean\": x in body must be of type integer,string: \"boolean\"")]
    [InlineData("""{"type":"string","format":"date"}""", "5", "x: Invalid value: \"int64\": x in body must be of type date: \"int64\"")]
    [InlineData("""{"type":"integer","format":"int32"}""", "3000000000", "<nil>: Invalid value: \"\": Checked value must be of type integer with format int32 in x")]
    [InlineData("""{"type":"integer","minimum":1}""", "0", "x: Invalid value: 0: x in body should be greater than or equal to 1")]
    [InlineData("""{"type":"integer","minimum":1,"exclusiveMinimum":true}""", "1", "x: Invalid value: 1: x in body should be greater than 1")]
    [InlineData("""{"type":"number","maximum":1.5}""", "2", "x: Invalid value: 2: x in body should be less than or equal to 1.5")]
    [InlineData("""{"type":"number","maximum":2,"exclusiveMaximum":true}""", "2", "x: Invalid value: 2: x in body should be less than 2")]
    [InlineData("""{"type":"integer","multipleOf":2}""", "3", "x: Invalid value: 3: x in body should be a multiple of 2")]
    [InlineData("""{"type":"number","multipleOf":0.1}""", "0.3", "")]
    [InlineData("""{"type":"string","minLength":3}""", "\"ab\"", "x: Invalid value: \"ab\": x in body should be at least 3 chars long")]
    [InlineData("""{"type":"string","maxLength":2}""", "\"abc\"", "x: Too long: may not be more than 2 bytes")]
    [InlineData("""{"type":"string","maxLength":2}""", "\"äö\"", "")]
    [InlineData("""{"type":"string","pattern":"^a$"}""", "\"b\"", "x: Invalid value: \"b\": x in body should match '^a$'")]
    [InlineData("""{"type":"string","pattern":"^a$"}""", "\"a\\n\"", "x: Invalid value: \"a\n\": x in body should match '^a$'")]
    [InlineData("""{"type":"string","pattern":"^\\d$"}""", "\"٣\"", "x: Invalid value: \"٣\": x in body should match '^\\d$'")]
    [InlineData("""{"type":"string","pattern":"^[[:alpha:]-]+$"}""", "\"a-b\"", "")]
    [InlineData("""{"type":"string","pattern":"(?m)^a$"}""", "\"b\\na\\nb\"", "")]
    [InlineData("""{"type":"string","pattern":"^(?m:a$)\\nb$"}""", "\"a\\nb\"", "")]
    [InlineData("""{"type":"string","pattern":"(?m:^)a$"}""", "\"a\\n\"", "x: Invalid value: \"a\n\": x in body should match '(?m:^)a$'")]
    [InlineData("""{"type":"string","pattern":"(?m)(?-m)^a$"}""", "\"a\\n\"", "x: Invalid value: \"a\n\": x in body should match '(?m)(?-m)^a$'")]
    [InlineData("""{"type":"string","pattern":"(?U)^a+$"}""", "\"aa\"", "")]
    [InlineData("""{"type":"string","pattern":"^(?iU-s:A+)$"}""", "\"aa\"", "")]
    [InlineData("""{"type":"string","enum":["a","b"]}""", "\"c\"", "x: Unsupported value: \"c\": supported values: \"a\", \"b\"")]
    [InlineData("""{"type":"integer","enum":[1,2]}""", "1.0", "")]
    [InlineData("""{"type":"integer","enum":[1,2]}""", "3", "x: Unsupported value: 3: supported values: \"1\", \"2\"")]
    [InlineData("""{"type":"string","format":"ipv4"}""", "\"x\"", "x: Invalid value: \"x\": x in body must be of type ipv4: \"x\"")]
    [InlineData("""{"type":"string","format":"date-time"}""", "\"2020-01-01\"", "x: Invalid value: \"2020-01-01\": x in body must be of type date-time: \"2020-01-01\"")]
    [InlineData("""{"type":"string","format":"odd"}""", "\"x\"", "")]
    [InlineData("""{"type":"array","minItems":1,"items":{"type":"string"}}""", "[]", "x: Invalid value: 0: x in body should have at least 1 items")]
    [InlineData("""{"type":"array","maxItems":1,"items":{"type":"string"}}""", "[\"a\",5]", "x[1]: Invalid value: \"integer\": x[1] in body must be of type string: \"integer\" ; x: Too many: 2: must have at most 1 item")]
    [InlineData("""{"type":"object","minProperties":1}""", "{}", "x: Invalid value: 0: x in body should have at least 1 properties")]
    [InlineData("""{"type":"object","maxProperties":1,"additionalProperties":{"type":"integer"}}""", """{"a":1,"b":2}""", "x: Too many: 2: must have at most 1 item")]
    [InlineData("""{"type":"object","required":["a"],"properties":{"a":{"type":"string"}}}""", "{}", "x.a: Required value")]
    [InlineData("""{"type":"object","additionalProperties":false}""", """{"a":1}""", "x: Invalid value: \"a\": x.a in body is a forbidden property")]
    [InlineData("""{"type":"string","anyOf":[{"pattern":"^a"},{"minLength":3}]}""", "\"b\"",
        "<nil>: Invalid value: \"\": \"x\" must validate at least one schema (anyOf) ; x: Invalid value: \"b\": x in body should match '^a'")]
    [InlineData("""{"type":"string","oneOf":[{"pattern":"^a"},{"minLength":1}]}""", "\"a\"", "<nil>: Invalid value: \"\": \"x\" must validate one and only one schema (oneOf). Found 2 valid alternatives")]
    [InlineData("""{"type":"string","oneOf":[{"pattern":"^a"}]}""", "\"b\"",
        "<nil>: Invalid value: \"\": \"x\" must validate one and only one schema (oneOf). Found none valid ; x: Invalid value: \"b\": x in body should match '^a'")]
    [InlineData("""{"type":"string","allOf":[{"pattern":"^a"},{"minLength":1}]}""", "\"b\"",
        "x: Invalid value: \"b\": x in body should match '^a' ; <nil>: Invalid value: \"\": \"x\" must validate all the schemas (allOf)")]
    [InlineData("""{"type":"string","allOf":[{"pattern":"^a"}]}""", "\"b\"",
        "x: Invalid value: \"b\": x in body should match '^a' ; <nil>: Invalid value: \"\": \"x\" must validate all the schemas (allOf). None validated")]
    [InlineData("""{"type":"string","not":{"pattern":"^a"}}""", "\"a\"", "<nil>: Invalid value: \"\": \"x\" must not validate the schema (not)")]
    [InlineData("""{"type":"object","oneOf":[{"required":["a"]},{"required":["b"]}],"properties":{"a":{"type":"string"},"b":{"type":"integer"}}}""", """{"a":"v"}""", "")]
    [InlineData("""{"type":"array","x-kubernetes-list-type":"set","items":{"type":"string"}}""", """["a","b","a","a"]""", "x[2]: Duplicate value: \"a\"")]
    [InlineData("""{"type":"array","x-kubernetes-list-type":"set","items":{"type":"integer"}}""", "[1,2]", "")]
    [InlineData("""{"type":"array","x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["n"],"items":{"type":"object","properties":{"n":{"type":"string"}}}}""",
        """[{"n":"a"},{"n":"b"},{"n":"a"}]""", "x[2]: Duplicate value: {\"n\":\"a\"}")]
    [InlineData("""{"type":"array","x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["n","m"],"items":{"type":"object","properties":{"n":{"type":"string"},"m":{"type":"string"}}}}""",
        """[{"n":"a"},{"n":"a","m":"b"},{"n":"a"}]""", "x[2]: Duplicate value: {\"n\":\"a\"}")]
    [InlineData("""{"type":"array","x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["n"],"items":{"x-kubernetes-preserve-unknown-fields":true}}""",
        "[5]", "x[0]: Invalid value: 5: must be an object for an array of list-type map")]
    [InlineData(Embedded, "{}", "x.apiVersion: Required value ; x.kind: Required value")]
    [InlineData(Embedded, """{"apiVersion":"a/b/c","kind":"A_B"}""", "x.apiVersion: Invalid value: \"a/b/c\": unexpected GroupVersion string: a/b/c ; x.kind: Invalid value: \"A_B\": may have mixed case")]
    [InlineData(Embedded, """{"apiVersion":"v1","kind":"A","metadata":{"name":"a/b"}}""", "x.metadata.name: Invalid value: \"a/b\": may not contain '/'")]
    public void Validate(string schema, string value, string errors)
    {
        var actual = Errors(schema, value, null);
        Assert.True(errors.Length == 0 ? actual.Length == 0 : actual.StartsWith(errors, StringComparison.Ordinal), $"expected {errors}, got {actual}");
    }

    [Theory]
    [InlineData("""{"type":"string","maxLength":1}""", "\"abc\"", "\"abc\"", "")]
    [InlineData("""{"type":"string","maxLength":1}""", "\"abc\"", "\"abd\"", "x: Too long: may not be more than 1 byte")]
    [InlineData(Pair, """{"a":5,"b":1}""", """{"a":5,"b":2}""", "")]
    [InlineData(Pair, """{"b":1}""", """{"a":5,"b":1}""", "x.a: Invalid value: \"integer\": x.a in body must be of type string: \"integer\"")]
    [InlineData("""{"type":"object","additionalProperties":{"type":"string"}}""", """{"k":5}""", """{"k":5,"l":"m"}""", "")]
    [InlineData("""{"type":"object","required":["a"],"properties":{"b":{"type":"integer"}}}""", """{"b":1}""", """{"b":1}""", "")]
    [InlineData("""{"type":"object","required":["a"],"properties":{"b":{"type":"integer"}}}""", """{"b":1}""", """{"b":2}""", "x.a: Required value")]
    [InlineData("""{"type":"array","items":{"type":"string"}}""", "[5]", "[5]", "")]
    [InlineData("""{"type":"array","items":{"type":"string"}}""", "[5]", "[5,\"a\"]", "x[0]: Invalid value: \"integer\": x[0] in body must be of type string: \"integer\"")]
    [InlineData("""{"type":"array","x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["a"],"items":{"type":"object","properties":{"a":{"type":"string"},"b":{"type":"integer"}}}}""",
        """[{"a":"k","b":"bad"}]""", """[{"a":"new","b":1},{"a":"k","b":"bad"}]""", "")]
    [InlineData("""{"type":"array","x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["a"],"items":{"type":"object","properties":{"a":{"type":"string"},"b":{"type":"integer"}}}}""",
        """[{"a":"k","b":"bad"}]""", """[{"a":"k","b":"worse"}]""", "x[0].b: Invalid value: \"string\": x[0].b in body must be of type integer: \"string\"")]
    [InlineData("""{"type":"object","anyOf":[{"properties":{"a":{"pattern":"^x"}}}],"properties":{"a":{"type":"string"},"b":{"type":"integer"}}}""", """{"a":"v"}""", """{"a":"v","b":1}""", "")]
    public void Update_WhatDidNotChange_IsLetBe(string schema, string old, string value, string errors) => Assert.Equal(errors, Errors(schema, value, old));

    [Theory]
    [InlineData("uri", "https://a/b /rel", "rel a://\u0001")]
    [InlineData("email", "a@b.c", "a@ @b nothing")]
    [InlineData("hostname", "a a.example.com ex-am.de", "-a a..b a.b.1 a_b")]
    [InlineData("ipv4", "10.0.0.1", "10.0.0 ::1 256.1.1.1")]
    [InlineData("ipv6", "::1 fe80::1", "10.0.0.1 [::1] fe80::1%eth0")]
    [InlineData("cidr", "10.0.0.0/8 ::/0", "10.0.0.0 10.0.0.0/33 10.0/8")]
    [InlineData("mac", "00:11:22:33:44:55 0011.2233.4455 00-11-22-33-44-55-66-77 010203040506", "00:11:22 00:11:22:33:44:5g 0102030405")]
    [InlineData("uuid", "123e4567-e89b-12d3-a456-426614174000 123E4567E89B12D3A456426614174000", "123e4567")]
    [InlineData("uuid4", "123e4567-e89b-42d3-a456-426614174000", "123e4567-e89b-12d3-a456-426614174000")]
    [InlineData("isbn10", "0321751043 0-321-75104-3", "0321751044 X321751043")]
    [InlineData("isbn13", "978-0321751041", "978-0321751042")]
    [InlineData("creditcard", "4111111111111111", "4111111111111112 12")]
    [InlineData("ssn", "123-45-6789", "12-345-6789 123456789 12345-6789")]
    [InlineData("hexcolor", "#FFF 00ff00", "#FF")]
    [InlineData("rgbcolor", "rgb(255,255,255)", "rgb(256,0,0)")]
    [InlineData("byte", "dGVzdA==", "dGVzdA=")]
    [InlineData("date", "2020-02-29", "2021-02-29 2020-1-1")]
    [InlineData("date-time", "2020-01-01T10:00:00Z 2020-01-01t10:00:00.5+01:00", "2020-01-01 2020-01-01T25:00:00Z")]
    [InlineData("duration", "1h30m 5d 3weeks PT1H 1fort-2NIGHT-3secondly", "5 h P1Y 99999999999999999999h")]
    [InlineData("bsonobjectid", "507f1f77bcf86cd799439011", "507f1f77")]
    [InlineData("k8s-short-name", "a-b", "A a.b")]
    [InlineData("k8s-long-name", "a-b.c", "A a..b")]
    public void Format(string format, string right, string wrong)
    {
        foreach (var text in right.Split(' '))
        {
            Assert.Equal("", Errors($$"""{"type":"string","format":"{{format}}"}""", JsonValue.Create(text).ToJsonString(), null));
        }
        foreach (var text in wrong.Split(' '))
        {
            Assert.Contains($"must be of type {format}: ", Errors($$"""{"type":"string","format":"{{format}}"}""", JsonValue.Create(text).ToJsonString(), null), StringComparison.Ordinal);
        }
    }

    private static StructuralSchema Root(string schema) => StructuralSchema.Parse(Edits.Parse($$$"""{"type":"object","properties":{"x":{{{schema}}}}}"""));

    private static Serval.Api.Schema.DecodedObject Read(string schema, string value) =>
        CustomObjects.Decode(CrdTable.Widget, Root(schema), Encoding.UTF8.GetBytes($$$"""{"metadata":{"name":"n"},"x":{{{value}}}}"""));

    private static string Errors(string schema, string value, string? old)
    {
        var before = old is null ? null : new JsonObject { ["x"] = JsonNode.Parse(old) };
        var errors = CustomObjects.Validate(Root(schema), new JsonObject { ["x"] = JsonNode.Parse(value) }, before);
        return string.Join(" ; ", errors.Select(e => $"{e.Field}: {e.Message}"));
    }

    private static void Same(string expected, JsonNode? actual) =>
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(expected), actual), $"expected {expected}, got {actual?.ToJsonString()}");

    [Theory]
    [InlineData("""{"spec":{"n":-1}}""", ".spec.n: Invalid value: -1: should be a non-negative integer")]
    [InlineData("""{"spec":{"n":2147483648}}""", ".spec.n: Invalid value: 2147483648: should be less than or equal to 2147483647")]
    [InlineData("""{"spec":{"n":"1"}}""", ".spec.n: Invalid value: 0: .spec.n accessor error: 1 is of the type string, expected int64")]
    [InlineData("""{"spec":["x",{"b":1,"a":null}]}""", ".spec.n: Invalid value: 0: .spec.n accessor error: [x map[a:<nil> b:1]] is of the type []interface {}, expected map[string]interface{}")]
    [InlineData("""{"spec":{"n":3},"status":{"n":0,"s":5}}""", ".status.s: Invalid value: \"\": .status.s accessor error: 5 is of the type int64, expected string")]
    [InlineData("""{"spec":{"n":3},"status":{"s":"a=b"}}""", "")]
    [InlineData("""{"spec":null}""", "")]
    public void Scale_NeedsItsNumbers(string value, string errors)
    {
        var schema = StructuralSchema.Parse(new JsonObject { ["type"] = "object", ["x-kubernetes-preserve-unknown-fields"] = true });
        var found = CustomObjects.Validate(schema, JsonNode.Parse(value)!.AsObject(), null, new CustomResourceScale(".spec.n", ".status.n", ".status.s"));
        Assert.Equal(errors, string.Join(" ; ", found.Select(e => $"{e.Field}: {e.Message}")));
    }

    /// <summary>A controller can report on an object that a newer schema would not let in.</summary>
    [Fact]
    public void Status_IsJudgedAlone()
    {
        var schema = StructuralSchema.Parse(JsonNode.Parse("""
            {"type":"object","required":["spec"],"properties":{
             "list":{"type":"array","x-kubernetes-list-type":"set","items":{"type":"string"}},"status":{"type":"object","required":["more"],
              "properties":{"phase":{"type":"string"}}}}}
            """)!.AsObject());
        var old = JsonNode.Parse("""{"list":["a","a"]}""")!.AsObject();
        var tree = JsonNode.Parse("""{"list":["a","a"],"status":{"more":1,"phase":5}}""")!.AsObject();
        var error = Assert.Single(CustomObjects.Validate(schema, tree, old, subresource: "status"));
        Assert.Equal(("status.phase", "Invalid value: \"integer\": phase in body must be of type string: \"integer\""), (error.Field, error.Message));
        Assert.Equal("spec", Assert.Single(CustomObjects.Validate(schema, old, old)).Field); // the list was none before; what the whole lacks is told each time
        var wrong = JsonNode.Parse("""{"status":{"other":1}}""")!.AsObject();
        Assert.Empty(CustomObjects.Validate(schema, wrong.DeepClone().AsObject(), wrong, subresource: "status"));
        Assert.Equal("status.more", Assert.Single(CustomObjects.Validate(schema, JsonNode.Parse("""{"status":{"other":2}}""")!.AsObject(), wrong, subresource: "status")).Field);
    }
}
