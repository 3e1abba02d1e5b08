using System.Text.Json.Nodes;
using Serval.Remote;

namespace Serval.Tests.Remote;

public sealed class ThreeWayMergeTests
{
    [Fact]
    public void Patch_AfterRecord_IsEmpty()
    {
        var manifest = Tree("""{"metadata":{"name":"x"},"spec":{"a":1,"list":[1,2]},"status":{"no":1}}""");
        var stored = ThreeWayMerge.Record(manifest);
        stored["spec"]!["defaulted"] = true;
        stored["metadata"]!["uid"] = "u";

        Assert.False(stored.ContainsKey("status"));
        Assert.Empty(ThreeWayMerge.Patch(stored, manifest));
    }

    [Fact]
    public void Patch_RemovedAddedChanged_TouchesOnlyThose()
    {
        var stored = ThreeWayMerge.Record(Tree("""{"metadata":{"name":"x","labels":{"gone":"1","kept":"1"}},"spec":{"gone":1,"kept":1,"list":[1]}}"""));
        stored["spec"]!["others"] = "left alone";

        var patch = ThreeWayMerge.Patch(stored, Tree("""{"metadata":{"name":"x","labels":{"kept":"2"}},"spec":{"kept":1,"list":[1,2],"new":{"a":1}}}"""));

        ((JsonObject)patch["metadata"]!["annotations"]!).Remove(ThreeWayMerge.LastApplied);
        Assert.Equal("""{"metadata":{"labels":{"gone":null,"kept":"2"},"annotations":{}},"spec":{"gone":null,"list":[1,2],"new":{"a":1}}}""", patch.ToJsonString());
    }

    [Fact]
    public void Patch_ObjectMadeOtherwise_AdoptsItWithoutRemovals()
    {
        var patch = ThreeWayMerge.Patch(Tree("""{"metadata":{"name":"x"},"spec":{"a":1,"b":2}}"""), Tree("""{"metadata":{"name":"x"},"spec":{"a":1}}"""));

        Assert.Equal(["metadata"], patch.Select(p => p.Key));
        Assert.Equal([ThreeWayMerge.LastApplied], patch["metadata"]!["annotations"]!.AsObject().Select(p => p.Key));
    }

    [Fact]
    public void Patch_NullInTheManifest_MeansAbsent()
    {
        var stored = ThreeWayMerge.Record(Tree("""{"metadata":{"name":"x","creationTimestamp":null},"spec":{}}"""));

        Assert.Empty(ThreeWayMerge.Patch(stored, Tree("""{"metadata":{"name":"x","creationTimestamp":null},"spec":{}}""")));
    }

    [Theory]
    [InlineData("""[{"image":"a"}]""", true)]
    [InlineData("""[{"image":"b"}]""", false)]
    [InlineData("""[{}]""", false)]
    [InlineData("""[{"image":"a"},{"image":"c"}]""", false)]
    public void Patch_DefaultsInsideAList_AreNoChange(string wanted, bool unchanged)
    {
        var stored = ThreeWayMerge.Record(Tree("""{"metadata":{"name":"x"},"spec":{"containers":[{"image":"a"}]}}"""));
        stored["spec"]!["containers"]![0]!["name"] = "user-container";

        Assert.Equal(unchanged, ThreeWayMerge.Patch(stored, Tree("{\"metadata\":{\"name\":\"x\"},\"spec\":{\"containers\":" + wanted + "}}")).Count == 0);
    }

    private static JsonObject Tree(string json) => (JsonObject)JsonNode.Parse(json)!;
}
