using System.Text.Json.Nodes;
using Serval.ApiServer.Patches;

namespace Serval.ApiServer.Tests.Patches;

public sealed class MergePatchTests
{
    /// <summary>RFC 7386, appendix A, as far as target and patch are objects.</summary>
    [Theory]
    [InlineData("""{"a":"b"}""", """{"a":"c"}""", """{"a":"c"}""")]
    [InlineData("""{"a":"b"}""", """{"b":"c"}""", """{"a":"b","b":"c"}""")]
    [InlineData("""{"a":"b"}""", """{"a":null}""", "{}")]
    [InlineData("""{"a":"b","b":"c"}""", """{"a":null}""", """{"b":"c"}""")]
    [InlineData("""{"a":["b"]}""", """{"a":"c"}""", """{"a":"c"}""")]
    [InlineData("""{"a":["b"]}""", """{"a":[{"b":null,"c":[{"d":null}]},null]}""", """{"a":[{"c":[{}]},null]}""")]
    [InlineData("{}", """{"a":{"b":[{"c":null}]}}""", """{"a":{"b":[{}]}}""")]
    [InlineData("""{"a":{}}""", """{"a":[{"b":null}]}""", """{"a":[{"b":null}]}""")]
    [InlineData("""{"a":"c"}""", """{"a":["b"]}""", """{"a":["b"]}""")]
    [InlineData("""{"a":{"b":"c"}}""", """{"a":{"b":"d","c":null}}""", """{"a":{"b":"d"}}""")]
    [InlineData("""{"a":[{"b":"c"}]}""", """{"a":[1]}""", """{"a":[1]}""")]
    [InlineData("""{"e":null}""", """{"a":1}""", """{"e":null,"a":1}""")]
    [InlineData("{}", """{"a":{"bb":{"ccc":null}}}""", """{"a":{"bb":{}}}""")]
    [InlineData("""{"a":1}""", """{"a":{"b":null,"c":2}}""", """{"a":{"c":2}}""")]
    public void Patches_Merge(string target, string patch, string expected) =>
        Assert.Equal(expected, MergePatch.Apply(JsonNode.Parse(target)!.AsObject(), JsonNode.Parse(patch)!.AsObject()).ToJsonString());

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void ADifferenceApplied_GivesTheOther_AndTwiceChangesNothing(int seed)
    {
        var random = new Random(seed);
        for (var i = 0; i < 300; i++)
        {
            var (a, b) = (RandomJson.Object(random, 3, nulls: false), RandomJson.Object(random, 3, nulls: false));
            var patch = Difference(a, b);
            var text = patch.ToJsonString();
            var once = MergePatch.Apply(a, patch);
            Assert.True(JsonNode.DeepEquals(b, once), $"seed {seed}, round {i}: {text} gives {once.ToJsonString()}, not {b.ToJsonString()}");
            Assert.True(JsonNode.DeepEquals(b, MergePatch.Apply(once, patch)), $"seed {seed}, round {i}: {text} applied twice");
            Assert.Equal(text, patch.ToJsonString());
        }
    }

    private static JsonObject Difference(JsonObject a, JsonObject b)
    {
        var patch = new JsonObject();
        foreach (var key in a.Select(p => p.Key).Union(b.Select(p => p.Key)).ToList())
        {
            if (!b.ContainsKey(key))
            {
                patch[key] = null;
            }
            else if (a[key] is JsonObject left && b[key] is JsonObject right)
            {
                patch[key] = Difference(left, right);
            }
            else if (!a.ContainsKey(key) || !JsonNode.DeepEquals(a[key], b[key]))
            {
                patch[key] = b[key]?.DeepClone();
            }
        }
        return patch;
    }
}
