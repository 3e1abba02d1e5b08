using System.Text.Json;
using System.Text.Json.Nodes;

namespace Serval.Kube.Tests.Objects;

public sealed class JsonDiffTests
{
    [Theory]
    [InlineData("""{"a":1}""", """{"a":1}""", null)]
    [InlineData("""{"a":1}""", """{"a":2}""", """{"a":2}""")]
    [InlineData("""{"a":1,"b":2}""", """{"a":1}""", """{"b":null}""")]
    [InlineData("""{"m":{"x":1,"y":2}}""", """{"m":{"x":1,"z":3}}""", """{"m":{"z":3,"y":null}}""")]
    [InlineData("""{"l":[1,2]}""", """{"l":[1]}""", """{"l":[1]}""")]
    [InlineData("{}", """{"m":{"x":1}}""", """{"m":{"x":1}}""")]
    public void MergePatch_TurnsOneIntoTheOther(string from, string to, string? expected)
    {
        var patch = JsonDiff.MergePatch(Object(from), Object(to));
        Assert.True(JsonNode.DeepEquals(expected is null ? null : JsonNode.Parse(expected), patch), patch?.ToJsonString());
    }

    [Theory]
    [InlineData("""{"a":1,"defaulted":true}""", """{"a":1}""", true)]
    [InlineData("""{"l":[{"name":"c","image":"i","defaulted":1}]}""", """{"l":[{"name":"c","image":"i"}]}""", true)]
    [InlineData("""{"l":[{"name":"c"},{"name":"d"}]}""", """{"l":[{"name":"c"}]}""", false)]
    [InlineData("""{"a":"x"}""", """{"a":"y"}""", false)]
    [InlineData("{}", """{"labels":{}}""", true)]
    [InlineData("{}", """{"a":0}""", false)]
    public void Covers_IgnoresWhatOnlyTheServerSays(string actual, string desired, bool expected)
    {
        using var document = JsonDocument.Parse(actual);
        Assert.Equal(expected, JsonDiff.Covers(document.RootElement, JsonNode.Parse(desired)));
    }

    /// <summary>Applying the patch gives the target, for random trees.</summary>
    [Theory]
    [InlineData(11)]
    [InlineData(12)]
    public void MergePatch_AppliedToTheSource_GivesTheTarget(int seed)
    {
        var random = new Random(seed);
        for (var i = 0; i < 500; i++)
        {
            var from = RandomObject(random, 3);
            var to = RandomObject(random, 3);
            var patched = from.DeepClone().AsObject();
            if (JsonDiff.MergePatch(from, to) is { } patch)
            {
                Apply(patched, patch);
            }
            Assert.True(JsonNode.DeepEquals(to, patched), $"seed {seed}, round {i}: {from.ToJsonString()} → {to.ToJsonString()} gave {patched.ToJsonString()}");
        }
    }

    private static JsonObject Object(string json) => JsonNode.Parse(json)!.AsObject();

    private static JsonObject RandomObject(Random random, int depth)
    {
        var result = new JsonObject();
        for (var i = random.Next(4); i > 0; i--)
        {
            result[$"k{random.Next(5)}"] = random.Next(depth > 0 ? 4 : 2) switch
            {
                0 => random.Next(3),
                1 => $"s{random.Next(3)}",
                2 => new JsonArray(random.Next(3), random.Next(3)),
                _ => NonEmpty(RandomObject(random, depth - 1)),
            };
        }
        return result;
    }

    // A merge patch cannot say "an empty object, where there was none".
    private static JsonObject NonEmpty(JsonObject candidate)
    {
        if (candidate.Count == 0)
        {
            candidate["k"] = 1;
        }
        return candidate;
    }

    private static void Apply(JsonObject target, JsonObject patch)
    {
        foreach (var (key, value) in patch)
        {
            if (value is null)
            {
                target.Remove(key);
            }
            else if (value is JsonObject nested && target[key] is JsonObject present)
            {
                Apply(present, nested);
            }
            else
            {
                target[key] = value.DeepClone();
            }
        }
    }
}
