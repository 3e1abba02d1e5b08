using System.Text;
using System.Text.Json.Nodes;

namespace Serval.Api.Tests.Meta;

/// <summary>Splicing bytes must give what editing the tree gives.</summary>
public sealed class SpliceTests
{
    [Theory]
    [InlineData("""{"metadata":{}}""")]
    [InlineData("""{"metadata":{"name":"a"}}""")]
    [InlineData("""{"metadata":{"uid":"u"}}""")]
    [InlineData("""{"metadata":{"name":"a","resourceVersion":"1","uid":"u"}}""")]
    [InlineData("""{"metadata":{"annotations":{"resourceVersion":"no"},"name":"a"},"apiVersion":"v1"}""")]
    [InlineData("""{"data":{"metadata":"no","resourceVersion":"no"},"metadata":{"name":"a"},"spec":{"metadata":{"resourceVersion":"no"}}}""")]
    [InlineData("""{"kind":"ConfigMap"}""")]
    public void WithVersion_IsAnEditOfTheTree(string json)
    {
        var obj = Parse(json);
        var spliced = obj.WithVersion(4711);
        var edited = obj.With(t => (t["metadata"] ??= new JsonObject())["resourceVersion"] = "4711");
        Assert.Equal(Encoding.UTF8.GetString(edited.Json.Span), Encoding.UTF8.GetString(spliced.Json.Span));
        Assert.Equal(4711, spliced.Version);
        Assert.Equal(obj.Metadata.Name, spliced.Metadata.Name);
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("""{"apiVersion":"v1"}""")]
    [InlineData("""{"zz":1}""")]
    [InlineData("""{"apiVersion":"v1","status":{"a":[1,{"status":2}]},"zz":1}""")]
    [InlineData("""{"spec":{"status":{}},"status":null}""")]
    public void WithMember_IsAnEditOfTheTree(string json)
    {
        var obj = Parse(json);
        var spliced = obj.WithMember("status", """{"x":1}"""u8);
        Assert.Equal(Encoding.UTF8.GetString(obj.With(t => t["status"] = new JsonObject { ["x"] = 1 }).Json.Span), Encoding.UTF8.GetString(spliced.Json.Span));
        Assert.Equal("""{"x":1}""", Encoding.UTF8.GetString(spliced.Member("status").Span));
        Assert.True(spliced.Member("absent").IsEmpty);
    }

    [Fact]
    public void Labels_AreFoundHoweverTheyAreWritten()
    {
        var labels = Parse("""{"metadata":{"labels":{"b":"2","a":"1","c/d":"3","e":"\u00e9","z":""}}}""").Metadata.Labels;
        Assert.Equal(5, labels.Count);
        Assert.Equal(["1", "2", "3", "é", ""], new[] { "a", "b", "c/d", "e", "z" }.Select(k => labels[k]));
        Assert.False(labels.ContainsKey(""));
        Assert.False(labels.TryGetValue("aa", out _));
        Assert.Equal(labels.Keys.Zip(labels.Values), labels.Select(p => (p.Key, p.Value)));
        Assert.Empty(Parse("""{"metadata":{"labels":null,"annotations":{}}}""").Metadata.Labels);
    }

    [Theory]
    [InlineData("""{"metadata":{"labels":{"a":1}}}""")]
    [InlineData("""{"metadata":{"labels":["a"]}}""")]
    [InlineData("""{"metadata":{"name":1}}""")]
    public void MetadataOfTheWrongForm_IsRefused(string json) => Assert.Throws<System.Text.Json.JsonException>(() => Parse(json));

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void CanonicalBytes_DoNotDependOnTheOrderOfKeys(int seed)
    {
        var random = new Random(seed);
        for (var i = 0; i < 200; i++)
        {
            var members = Enumerable.Range(0, random.Next(8)).Select(k => ($"{(char)('a' + random.Next(26))}{k}", random.Next(9))).ToList();
            var one = new JsonObject(members.Select(m => KeyValuePair.Create(m.Item1, (JsonNode?)m.Item2)));
            var two = new JsonObject(members.OrderBy(_ => random.Next()).Select(m => KeyValuePair.Create(m.Item1, (JsonNode?)m.Item2)));
            var bytes = CanonicalJson.Serialize(one);
            Assert.True(bytes.AsSpan().SequenceEqual(CanonicalJson.Serialize(two)), $"seed {seed}, round {i}");
            Assert.True(bytes.AsSpan().SequenceEqual(CanonicalJson.Rewrite(Encoding.UTF8.GetBytes(two.ToJsonString()))), $"seed {seed}, round {i}");
        }
    }

    private static KubeObject Parse(string json) => KubeObject.Parse(Encoding.UTF8.GetBytes(json));
}
