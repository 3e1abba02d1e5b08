using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Schema;
using Serval.ApiServer.Patches;

namespace Serval.ApiServer.Tests.Patches;

/// <summary>The behaviours of Kubernetes' strategic merge patch, on a Pod's spec unless the type matters.</summary>
public sealed class StrategicMergeTests
{
    private static readonly TypeSchema s_pod = Schemas.For(Kinds.Pod).Type.Find("spec")!.Value.Type!;
    private static readonly TypeSchema s_deployment = Schemas.For(Kinds.Deployment).Type.Find("spec")!.Value.Type!;

    [Theory]
    [InlineData("""{"containers":[{"name":"a","image":"1"}]}""", """{"containers":[{"name":"b","image":"2"}]}""",
        """{"containers":[{"name":"b","image":"2"},{"name":"a","image":"1"}]}""")]
    [InlineData("""{"containers":[{"name":"a"},{"name":"b"},{"name":"c"}]}""", """{"containers":[{"name":"c","image":"1"},{"name":"n"},{"name":"a","image":"1"}]}""",
        """{"containers":[{"name":"b"},{"name":"c","image":"1"},{"name":"n"},{"name":"a","image":"1"}]}""")]
    [InlineData("""{"containers":[{"name":"a"},{"name":"b"}]}""", """{"$setElementOrder/containers":[{"name":"n"},{"name":"b"}],"containers":[{"name":"n"}]}""",
        """{"containers":[{"name":"n"},{"name":"a"},{"name":"b"}]}""")]
    [InlineData("""{"containers":[{"name":"a","image":"1","args":["x"]},{"name":"b"}]}""", """{"containers":[{"name":"a","image":"2"}]}""",
        """{"containers":[{"name":"a","image":"2","args":["x"]},{"name":"b"}]}""")]
    [InlineData("""{"containers":[{"name":"a"},{"name":"b"}]}""", """{"containers":[{"name":"a","$patch":"delete"}]}""", """{"containers":[{"name":"b"}]}""")]
    [InlineData("""{"containers":[{"name":"a"}]}""", """{"containers":[{"$patch":"replace"},{"name":"z"}]}""", """{"containers":[{"name":"z"}]}""")]
    [InlineData("""{"containers":[{"name":"a","args":["x","y"]}]}""", """{"containers":[{"name":"a","args":["z"]}]}""",
        """{"containers":[{"name":"a","args":["z"]}]}""")]
    [InlineData("""{"containers":[{"name":"a","env":[{"name":"X","value":"1"}]}]}""", """{"containers":[{"name":"a","env":[{"name":"Y","value":"2"}]}]}""",
        """{"containers":[{"name":"a","env":[{"name":"Y","value":"2"},{"name":"X","value":"1"}]}]}""")]
    [InlineData("""{"containers":[{"name":"a"},{"name":"b"},{"name":"c"}]}""",
        """{"$setElementOrder/containers":[{"name":"c"},{"name":"a"},{"name":"b"}],"containers":[{"name":"a","image":"2"}]}""",
        """{"containers":[{"name":"c"},{"name":"a","image":"2"},{"name":"b"}]}""")]
    [InlineData("""{"containers":[{"name":"a"},{"name":"injected"},{"name":"b"}]}""",
        """{"$setElementOrder/containers":[{"name":"b"},{"name":"a"}]}""", """{"containers":[{"name":"injected"},{"name":"b"},{"name":"a"}]}""")]
    [InlineData("""{"nodeSelector":{"a":"1","b":"2"}}""", """{"nodeSelector":{"a":null,"c":"3"}}""", """{"nodeSelector":{"b":"2","c":"3"}}""")]
    [InlineData("""{"nodeSelector":{"a":"1"}}""", """{"nodeSelector":{"$patch":"replace","b":"2"}}""", """{"nodeSelector":{"b":"2"}}""")]
    [InlineData("""{"nodeSelector":{"a":"1"},"hostname":"h"}""", """{"nodeSelector":{"$patch":"delete"}}""", """{"nodeSelector":{},"hostname":"h"}""")]
    [InlineData("""{"hostname":"h"}""", """{"nodeSelector":{"$patch":"delete"}}""", """{"hostname":"h"}""")]
    [InlineData("""{"hostname":"h"}""", """{"nodeSelector":{"$patch":"explode","a":"b"}}""", """{"hostname":"h"}""")]
    [InlineData("""{"hostname":"h"}""", """{"securityContext":{"runAsUser":1,"seLinuxOptions":{"$patch":"x"},"sysctls":[{"$patch":"y"},{"name":"a"}],"fsGroup":null}}""",
        """{"hostname":"h","securityContext":{"runAsUser":1,"sysctls":[{"name":"a"}]}}""")]
    [InlineData("""{"containers":[{"name":"a","image":"1"}]}""", """{"containers":[{"name":"a","image":"2"},{"name":"a","$patch":"delete"}]}""", """{"containers":[{"name":"a","image":"2"}]}""")]
    [InlineData("""{"containers":[{"name":"a"},{"name":"b"},{"name":"a"}]}""", """{"containers":[{"name":"a","$patch":"delete"}]}""", """{"containers":[{"name":"b"}]}""")]
    [InlineData("""{"hostname":"h"}""", """{"$setElementOrder/containers":[{"name":"a"}]}""", """{"hostname":"h"}""")]
    [InlineData("""{"hostname":"h"}""", """{"$setElementOrder/containers":[{"name":"b"},{"name":"a"}],"containers":[{"name":"b"},{"name":"a"},{"name":"c","$patch":"delete"}]}""",
        """{"hostname":"h","containers":[{"name":"b"},{"name":"a"}]}""")]
    [InlineData("""{"hostname":"h"}""", """{"$odd":1}""", """{"hostname":"h","$odd":1}""")]
    [InlineData("""{"tolerations":[{"key":"a"}]}""", """{"tolerations":[{"key":"b"}]}""", """{"tolerations":[{"key":"b"}]}""")]
    [InlineData("""{"volumes":[{"name":"v","emptyDir":{}}]}""", """{"volumes":[{"name":"v","$retainKeys":["name","configMap"],"configMap":{"name":"c"}}]}""",
        """{"volumes":[{"name":"v","configMap":{"name":"c"}}]}""")]
    [InlineData("{}", """{"containers":[{"name":"a","resources":{"limits":{"cpu":"1"}}}]}""", """{"containers":[{"name":"a","resources":{"limits":{"cpu":"1"}}}]}""")]
    [InlineData("""{"hostname":"h"}""", """{"hostname":null}""", "{}")]
    public void Patches_Merge(string target, string patch, string expected) => Assert.Equal(expected, Apply(target, patch, s_pod));

    [Fact]
    public void RetainKeys_SwitchesADeploymentsStrategy() => Assert.Equal(
        """{"strategy":{"type":"Recreate"}}""",
        Apply("""{"strategy":{"type":"RollingUpdate","rollingUpdate":{"maxSurge":1}}}""", """{"strategy":{"$retainKeys":["type"],"type":"Recreate"}}""", s_deployment));

    /// <summary>apimachinery: pkg/util/strategicpatch, mergeMapHandler.</summary>
    [Fact]
    public void BudgetsSelector_IsReplacedAsAWhole() => Assert.Equal(
        """{"minAvailable":1,"selector":{"matchLabels":{"b":"2"}}}""",
        Apply("""{"minAvailable":1,"selector":{"matchLabels":{"a":"1"}}}""", """{"selector":{"matchLabels":{"b":"2"}}}""",
            Schemas.For(PolicyKinds.PodDisruptionBudget).Type.Find("spec")!.Value.Type!));

    [Fact]
    public void ListsOfScalars_MergeAndDelete()
    {
        var meta = Schemas.ObjectMeta;
        Assert.Equal("""{"finalizers":["b","a"]}""", Apply("""{"finalizers":["a"]}""", """{"finalizers":["b","a"]}""", meta));
        Assert.Equal("""{"finalizers":["b"]}""", Apply("""{"finalizers":["a","b"]}""", """{"$deleteFromPrimitiveList/finalizers":["a","z"]}""", meta));
        Assert.Equal("""{"finalizers":["b","c","a"]}""",
            Apply("""{"finalizers":["a","b"]}""", """{"$setElementOrder/finalizers":["b","c","a"],"finalizers":["c"]}""", meta));
    }

    [Theory]
    [InlineData("""{"containers":[{"image":"2"}]}""")]
    [InlineData("""{"nodeSelector":{"$patch":"explode"}}""")]
    [InlineData("""{"$retainKeys":null}""")]
    [InlineData("""{"$retainKeys":[{}]}""")]
    [InlineData("""{"$retainKeys":["hostname"],"$odd":1}""")]
    [InlineData("""{"$setElementOrder":[]}""", "invalid patch format of setElementOrder list")]
    [InlineData("""{"$deleteFromPrimitiveList":[]}""", "invalid patch format of primitive list")]
    [InlineData("""{"$setElementOrder/containers":null}""", "expected a []interface {}, but received a %!s(<nil>)")]
    [InlineData("""{"$setElementOrder/containers":[],"containers":5}""", "expected a []interface {}, but received a int64")]
    [InlineData("""{"$setElementOrder/containers":["a"],"containers":[{"name":"a"}]}""", "expected a map[string]interface {}, but received a string")]
    [InlineData("""{"$setElementOrder/containers":[{}],"containers":[{"name":"a"}]}""", "map: map[] does not contain declared merge key: name")]
    [InlineData("""{"$setElementOrder/nothing":[]}""", "unable to find api field in struct PodSpec for the json field \"nothing\"")]
    [InlineData("""{"$setElementOrder/nodeSelector":["a"],"nodeSelector":[]}""", "expected a []interface {}, but received a map[string]interface {}")]
    [InlineData("""{"containers":["a"]}""", "list element types are not identical: [[map[name:a]] [a]]")]
    [InlineData("""{"containers":[{"name":"a"},null]}""", "list element types are not identical: [[map[name:a]] [map[name:a] <nil>]]")]
    public void BadPatches_AreRefused(string patch, string? message = null)
    {
        var refusal = Assert.Throws<ApiException>(() => Apply("""{"containers":[{"name":"a"}],"nodeSelector":{}}""", patch, s_pod));
        Assert.Equal((400, message ?? refusal.Message), (refusal.Code, refusal.Message));
    }

    /// <summary>Work that grows with the square of a list or map would take hours here.</summary>
    [Fact]
    public void ManyItemsAndKeys_AreMergedInOneGo()
    {
        const int Many = 50_000;
        var meta = Schemas.ObjectMeta;
        var (some, others) = (Texts(0), Texts(Many));
        var merged = StrategicMerge.Apply(new JsonObject { ["finalizers"] = some }, new JsonObject { ["finalizers"] = others.DeepClone(), ["$setElementOrder/finalizers"] = others }, meta);
        Assert.Equal(2 * Many, merged["finalizers"]!.AsArray().Count);
        Assert.Empty(StrategicMerge.Apply(merged, new JsonObject { ["$deleteFromPrimitiveList/finalizers"] = merged["finalizers"]!.DeepClone() }, meta)["finalizers"]!.AsArray());
        var keys = new JsonObject(Enumerable.Range(0, Many).Select(i => KeyValuePair.Create($"k{i}", (JsonNode?)"v")));
        var none = new JsonObject(keys.Select(p => KeyValuePair.Create(p.Key, (JsonNode?)null)));
        Assert.Empty(StrategicMerge.Apply(keys.DeepClone().AsObject(), none, null));
        Assert.Empty(MergePatch.Apply(keys.DeepClone().AsObject(), none));
        Assert.Empty(StrategicMerge.Apply(keys, new JsonObject { ["$retainKeys"] = new JsonArray() }, null));
        var items = new JsonArray([.. Enumerable.Range(0, Many).Select(i => new JsonObject { ["name"] = $"c{i}" })]);
        Assert.Equal(Many, StrategicMerge.Apply(new JsonObject { ["containers"] = items.DeepClone() }, new JsonObject { ["containers"] = items }, s_pod)["containers"]!.AsArray().Count);

        static JsonArray Texts(int from) => new([.. Enumerable.Range(from, Many).Select(i => (JsonNode)$"a/{i}")]);
    }

    /// <summary>What merges by key must not depend on how often it is applied.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void MergingTwice_IsMergingOnce(int seed)
    {
        var random = new Random(seed);
        for (var i = 0; i < 200; i++)
        {
            var (target, patch) = (Spec(random), Spec(random).ToJsonString());
            var once = Apply(target.ToJsonString(), patch, s_pod);
            Assert.True(once == Apply(once, patch, s_pod), $"seed {seed}, round {i}: {target.ToJsonString()} + {patch}");
            var names = JsonNode.Parse(once)!["containers"]!.AsArray().Select(c => (string?)c!["name"]).ToList();
            Assert.Equal(names.Distinct(), names);
        }
    }

    private static JsonObject Spec(Random random) => new()
    {
        ["containers"] = new JsonArray([.. Names(random).Select(n => new JsonObject
        {
            ["name"] = n,
            ["image"] = $"{random.Next(3)}",
            ["env"] = new JsonArray([.. Names(random).Select(e => new JsonObject { ["name"] = e, ["value"] = $"{random.Next(3)}" })]),
        })]),
    };

    private static IEnumerable<string> Names(Random random) => "abcde".Where(_ => random.Next(2) == 0).OrderBy(_ => random.Next()).Select(c => $"{c}").ToList();

    private static string Apply(string target, string patch, TypeSchema type) =>
        StrategicMerge.Apply(JsonNode.Parse(target)!.AsObject(), JsonNode.Parse(patch)!.AsObject(), type).ToJsonString();
}
