using System.Text.Json.Nodes;
using Serval.Api.Fields;

namespace Serval.Api.Tests.Fields;

public sealed class FieldsV1Tests
{
    [Theory]
    [InlineData("{}")]
    [InlineData("""{"f:metadata":{"f:labels":{".":{},"f:app":{}}},"f:spec":{"f:containers":{"k:{\"name\":\"a\"}":{".":{},"f:image":{}}}}}""")]
    [InlineData("""{"f:ports":{"k:{\"port\":80,\"protocol\":\"TCP\"}":{".":{}}}}""")]
    [InlineData("""{"f:finalizers":{".":{},"v:\"a/b\"":{},"v:true":{},"v:3":{},"v:null":{}}}""")]
    [InlineData("""{"f:list":{"i:0":{},"i:-1":{}}}""")]
    [InlineData("""{"f:a.b/c:d":{}}""")]
    public void WriteAfterRead_IsTheSame(string fields) =>
        Assert.Equal(KubeText(fields.Replace("{\".\":{}}", "{}", StringComparison.Ordinal)), KubeText(FieldsV1.Write(TestTypes.Set(fields)).ToJsonString()));

    [Theory]
    [InlineData("""{"k:{\"protocol\":\"TCP\",\"port\":80}":{}}""", """{"k:{\"port\":80,\"protocol\":\"TCP\"}":{}}""")]
    [InlineData("""{"k:{\"port\":8e1}":{}}""", """{"k:{\"port\":80}":{}}""")]
    [InlineData("""{"k:{ \"name\" : \"\\u0061\" }":{}}""", """{"k:{\"name\":\"a\"}":{}}""")]
    [InlineData("""{"v:1.0":{},"v:1":{}}""", """{"v:1":{}}""")]
    [InlineData("""{"x:what":{},"f:a":{}}""", """{"f:a":{}}""")]
    [InlineData("""{"f:a":{".":{}}}""", """{"f:a":{}}""")]
    [InlineData("""{"f:a":null}""", """{"f:a":{}}""")]
    public void Read_OtherSpellings_MeanTheSame(string fields, string same) => Assert.Equal(TestTypes.Set(same), TestTypes.Set(fields));

    [Theory]
    [InlineData("""{"f":{}}""")]
    [InlineData("""{"spec":{}}""")]
    [InlineData("""{"":{}}""")]
    [InlineData("""{"k:[1]":{}}""")]
    [InlineData("""{"k:{\"a\":{}}":{}}""")]
    [InlineData("""{"k:{\"a\":1,\"a\":2}":{}}""")]
    [InlineData("""{"k:{":{}}""")]
    [InlineData("""{"v:{}":{}}""")]
    [InlineData("""{"v:":{}}""")]
    [InlineData("""{"v:1 2":{}}""")]
    [InlineData("""{"v:\"\\ud800\"":{}}""")]
    [InlineData("""{"i:a":{}}""")]
    [InlineData("""{"i:99999999999":{}}""")]
    [InlineData("""{"f:a":1}""")]
    [InlineData("""{"f:a":[]}""")]
    public void Read_Broken_IsAFormatException(string fields) => Assert.Throws<FormatException>(() => TestTypes.Set(fields));

    [Fact]
    public void Read_MoreThanTheLimit_IsRefused()
    {
        var wide = new JsonObject(Enumerable.Range(0, 10_001).Select(i => KeyValuePair.Create<string, JsonNode?>($"f:{i}", new JsonObject())));
        Assert.Throws<FormatException>(() => FieldsV1.Read(wide));
    }

    [Theory]
    [InlineData("f:spec", ".spec")]
    [InlineData("k:{\"name\":\"a\",\"port\":80}", "[name=\"a\",port=80]")]
    [InlineData("k:{\"port\":1e400}", "[port=1e400]")]
    [InlineData("v:\"x\"", "[=\"x\"]")]
    [InlineData("i:3", "[3]")]
    public void ToString_IsWhatMessagesShow(string encoded, string shown)
    {
        var element = PathElement.Parse(encoded)!.Value;
        Assert.Equal(shown, element.ToString());
        Assert.Equal(encoded, element.Encoded);
    }

    private static string KubeText(string json) => System.Text.Encoding.UTF8.GetString(CanonicalJson.Rewrite(System.Text.Encoding.UTF8.GetBytes(json)));
}
