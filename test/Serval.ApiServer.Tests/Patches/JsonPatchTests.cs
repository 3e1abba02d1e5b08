using System.Text.Json.Nodes;
using Serval.Api;
using Serval.ApiServer.Patches;

namespace Serval.ApiServer.Tests.Patches;

public sealed class JsonPatchTests
{
    /// <summary>RFC 6902, appendix A, the corners of RFC 6901's pointers, and where upstream's engine takes more than these (evanphx/json-patch).</summary>
    [Theory]
    [InlineData("""{"a":1}""", """[{"op":"add","path":"/b","value":2}]""", """{"a":1,"b":2}""")]
    [InlineData("""{"a":[1,3]}""", """[{"op":"add","path":"/a/1","value":2}]""", """{"a":[1,2,3]}""")]
    [InlineData("""{"a":[1]}""", """[{"op":"add","path":"/a/-","value":{"x":1}}]""", """{"a":[1,{"x":1}]}""")]
    [InlineData("""{"a":[1]}""", """[{"op":"add","path":"/a/1","value":2}]""", """{"a":[1,2]}""")]
    [InlineData("""{"a":1}""", """[{"op":"add","path":"/a","value":2}]""", """{"a":2}""")]
    [InlineData("""{"a":1,"b":2}""", """[{"op":"remove","path":"/b"}]""", """{"a":1}""")]
    [InlineData("""{"a":[1,2,3]}""", """[{"op":"remove","path":"/a/1"}]""", """{"a":[1,3]}""")]
    [InlineData("""{"a":[1,2]}""", """[{"op":"replace","path":"/a/0","value":9}]""", """{"a":[9,2]}""")]
    [InlineData("""{"a":{"x":1},"b":{}}""", """[{"op":"move","from":"/a/x","path":"/b/y"}]""", """{"a":{},"b":{"y":1}}""")]
    [InlineData("""{"a":[1,2,3]}""", """[{"op":"move","from":"/a/0","path":"/a/2"}]""", """{"a":[2,3,1]}""")]
    [InlineData("""{"a":{"x":[1]}}""", """[{"op":"copy","from":"/a","path":"/b"},{"op":"add","path":"/b/x/-","value":2}]""", """{"a":{"x":[1]},"b":{"x":[1,2]}}""")]
    [InlineData("""{"a/b":1,"m~n":2}""", """[{"op":"test","path":"/a~1b","value":1},{"op":"remove","path":"/m~0n"}]""", """{"a/b":1}""")]
    [InlineData("""{"~1":1}""", """[{"op":"replace","path":"/~01","value":2}]""", """{"~1":2}""")]
    [InlineData("""{"a":1.0}""", """[{"op":"test","path":"/a","value":1}]""", """{"a":1.0}""")]
    [InlineData("""{"a":{"x":1,"y":2}}""", """[{"op":"test","path":"/a","value":{"y":2,"x":1}}]""", """{"a":{"x":1,"y":2}}""")]
    [InlineData("""{"a":1}""", """[{"op":"replace","path":"","value":{"b":2}}]""", """{"b":2}""")]
    [InlineData("""{"":1}""", """[{"op":"replace","path":"/","value":2}]""", """{"":2}""")]
    [InlineData("""{"a":null}""", """[{"op":"test","path":"/a","value":null},{"op":"replace","path":"/a","value":1}]""", """{"a":1}""")]
    [InlineData("""{"a":1}""", """[{"op":"replace","path":"/b","value":2}]""", """{"a":1,"b":2}""")]
    [InlineData("""{"a":1}""", """[{"op":"test","path":"/b","value":null},{"op":"copy","from":"/b","path":"/c"}]""", """{"a":1,"c":null}""")]
    [InlineData("""{"a":1}""", """[{"op":"add","path":"/b"}]""", """{"a":1,"b":null}""")]
    [InlineData("""{"a":[1,2]}""", """[{"op":"add","path":"/a/-1","value":3},{"op":"remove","path":"/a/-3"},{"op":"replace","path":"/a/01","value":4}]""", """{"a":[2,4]}""")]
    public void Operations_Apply(string document, string patch, string expected) =>
        Assert.Equal(expected, Apply(document, patch)!.ToJsonString());

    [Theory]
    [InlineData("""[{"op":"remove","path":"/x"}]""", 422)]
    [InlineData("""[{"op":"add","path":"/x/y","value":1}]""", 422)]
    [InlineData("""[{"op":"add","path":"/l/4","value":1}]""", 422)]
    [InlineData("""[{"op":"remove","path":"/l/3"}]""", 422)]
    [InlineData("""[{"op":"remove","path":"/l/-"}]""", 422)]
    [InlineData("""[{"op":"test","path":"/a","value":2}]""", 422)]
    [InlineData("""[{"op":"move","from":"/m","path":"/m/inside"}]""", 422)]
    [InlineData("""[{"op":"frobnicate","path":"/a"}]""", 422)]
    [InlineData("""[{"op":"add","value":1}]""", 422)]
    [InlineData("""[{"op":"add","path":"a","value":1}]""", 422)]
    [InlineData("""[{"op":"move","path":"/a"}]""", 422)]
    [InlineData("""[{"op":"add","path":"/l/-5","value":1}]""", 422)]
    [InlineData("""[{"op":"add","path":"","value":{}}]""", 422)]
    [InlineData("""[{"op":"remove","path":""}]""", 422)]
    [InlineData("""[{"op":"replace","path":"","value":5}]""", 422)]
    [InlineData("""[{"op":"move","from":"/x","path":"/y"}]""", 422)]
    [InlineData("""[null]""", 422)]
    [InlineData("""[1]""", 422)]
    public void Operations_ThatDoNotFit_AreRefused_AndNothingIsDone(string patch, int code)
    {
        var document = JsonNode.Parse("""{"a":1,"l":[1,2,3],"m":{}}""")!;
        var before = document.ToJsonString();
        var both = new JsonArray { JsonNode.Parse("""{"op":"add","path":"/first","value":1}""") };
        foreach (var operation in JsonNode.Parse(patch)!.AsArray())
        {
            both.Add(operation?.DeepClone());
        }
        Assert.Equal(code, Assert.Throws<ApiException>(() => JsonPatch.Apply(document, both)).Code);
        Assert.Equal(before, document.ToJsonString());
    }

    [Fact]
    public void TooManyOperations_AreRefused()
    {
        var patch = new JsonArray([.. Enumerable.Range(0, JsonPatch.MaxOperations + 1).Select(_ => JsonNode.Parse("""{"op":"test","path":"","value":{}}"""))]);
        Assert.Equal(413, Assert.Throws<ApiException>(() => JsonPatch.Apply(new JsonObject(), patch)).Code);
    }

    /// <summary>Each copy doubles the object: forty of them are a terabyte.</summary>
    [Fact]
    public void CopiesOfCopies_AreRefused()
    {
        var copies = Enumerable.Range(0, 40).Select(i => $$"""{"op":"copy","from":"/a","path":"/a/{{i}}"}""");
        var refused = Assert.Throws<ApiException>(() => Apply("""{"a":{"x":"y"}}""", $"[{string.Join(',', copies)}]"));
        Assert.Equal((422, "the server rejected our request due to an error in our request"), (refused.Code, refused.Message));
    }

    [Fact]
    public void MovesIntoTheDeep_AreRefused()
    {
        var moves = Enumerable.Range(0, 2000).SelectMany(i => (string[])[$$$"""{"op":"add","path":"/b{{{i}}}","value":{}}""", $$"""{"op":"move","from":"/{{(i == 0 ? "a" : $"b{i - 1}")}}","path":"/b{{i}}/x"}"""]);
        Assert.Equal(422, Assert.Throws<ApiException>(() => Apply("""{"a":{}}""", $"[{string.Join(',', moves)}]")).Code);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void ADifferenceApplied_GivesTheOther(int seed)
    {
        var random = new Random(seed);
        for (var i = 0; i < 300; i++)
        {
            var (a, b) = (RandomJson.Object(random, 3), RandomJson.Object(random, 3));
            var patch = new JsonArray();
            Difference("", a, b, patch);
            Assert.True(JsonNode.DeepEquals(b, JsonPatch.Apply(a, patch)), $"seed {seed}, round {i}: {a.ToJsonString()} + {patch.ToJsonString()}");
        }
    }

    private static void Difference(string path, JsonObject a, JsonObject b, JsonArray patch)
    {
        foreach (var key in a.Select(p => p.Key).Union(b.Select(p => p.Key)))
        {
            var at = $"{path}/{key.Replace("~", "~0", StringComparison.Ordinal).Replace("/", "~1", StringComparison.Ordinal)}";
            var (before, after) = (a.ContainsKey(key), b.ContainsKey(key));
            if (before && after && a[key] is JsonObject left && b[key] is JsonObject right)
            {
                Difference(at, left, right, patch);
            }
            else if (!after)
            {
                patch.Add(new JsonObject { ["op"] = "remove", ["path"] = at });
            }
            else if (!before || !JsonNode.DeepEquals(a[key], b[key]))
            {
                patch.Add(new JsonObject { ["op"] = before ? "replace" : "add", ["path"] = at, ["value"] = b[key]?.DeepClone() });
            }
        }
    }

    private static JsonNode? Apply(string document, string patch) => JsonPatch.Apply(JsonNode.Parse(document)!, JsonNode.Parse(patch)!.AsArray());
}
