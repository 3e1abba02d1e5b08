using System.Text.Json.Nodes;
using Serval.ApiServer.Patches;
using Serval.Kube;

namespace Serval.ApiServer.Tests.Patches;

/// <summary>How an object is shown that a patch made and that is none of its kind, as kube-apiserver 1.36.2 shows it.</summary>
public sealed class GoOrderTests
{
    private const string Map = """
        {"apiVersion":"v1","data":{"a":"1","b":5},"kind":"ConfigMap","metadata":{"creationTimestamp":"t","labels":{"x":"y"},
         "managedFields":[{"apiVersion":"v1","fieldsType":"FieldsV1","fieldsV1":{"f:data":{}},"manager":"m","operation":"Update","time":"t"}],"name":"one","namespace":"d","resourceVersion":"7","uid":"u"}}
        """;

    private const string Fields = """[{"manager":"m","operation":"Update","apiVersion":"v1","time":"t","fieldsType":"FieldsV1","fieldsV1":{"f:data":{}}}]""";

    private const string Left = $$"""{"name":"one","namespace":"d","uid":"u","resourceVersion":"7","creationTimestamp":"t","labels":{"x":"y"},"managedFields":{{Fields}}}""";

    private const string Sorted = $$"""{"creationTimestamp":"t","labels":{"x":"y"},"managedFields":{{Fields}},"name":"one","namespace":"d","resourceVersion":"7","uid":"u"}""";

    [Theory]
    [InlineData(PatchType.Merge, """{"data":{"b":5}}""", Left)]
    [InlineData(PatchType.Merge, """{"metadata":{"uid":"u"}}""", Sorted)]
    [InlineData(PatchType.Json, """[{"op":"add","path":"/data/b","value":5}]""", Left)]
    [InlineData(PatchType.Json, """[{"op":"replace","path":"/metadata","value":{}}]""", Left)]
    [InlineData(PatchType.Json, """[{"op":"add","path":"/metadata/labels/x","value":"y"}]""", Sorted)]
    [InlineData(PatchType.Json, """[{"op":"copy","from":"/metadata/name","path":"/data/b"},null,{"op":5}]""", Sorted)]
    [InlineData(PatchType.Json, """[{"op":"add","path":"/data/b","value":5,"from":"/metadata/labels/x"}]""", Left)]
    public void OfAMap(PatchType type, string patch, string metadata) => Assert.Equal(
        $$"""{"apiVersion":"v1","data":{"a":"1","b":5},"kind":"ConfigMap","metadata":{{metadata}}}""",
        GoOrder.Of(Parse(Map), "ConfigMap", type, JsonNode.Parse(patch)!).ToJsonString());

    [Fact]
    public void OfADeployment_ItsTypesFieldsComeInTheirOrder() => Assert.Equal(
        """{"spec":{"replicas":1,"selector":{},"template":{"spec":{"containers":[{"name":"c","image":"i","ports":[]}],"restartPolicy":"Always"}},"paused":"x"}}""",
        GoOrder.Of(Parse("""{"spec":{"paused":"x","replicas":1,"selector":{},"template":{"spec":{"containers":[{"image":"i","name":"c","ports":[]}],"restartPolicy":"Always"}}}}"""),
            "Deployment", PatchType.Merge, new JsonObject()).ToJsonString());

    [Fact]
    public void OfNoKnownType_IsSorted() =>
        Assert.Equal("""{"a":{"b":1,"c":2}}""", GoOrder.Of(Parse("""{"a":{"c":2,"b":1}}"""), "Nothing", PatchType.Merge, new JsonObject()).ToJsonString());

    private static JsonObject Parse(string json) => (JsonObject)JsonNode.Parse(json)!;
}
