using System.Text;
using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Controllers.Tests.Autoscaler;
using Serval.Controllers.Workloads;
using Serval.Kube;

namespace Serval.Controllers.Tests.Workloads;

public sealed class LabelIndexTests
{
    private readonly FakeKubeClient _client = new(new ManualTime());

    /// <summary>Seeded histories: whatever happened, the index finds what looking at every object finds.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task AnyHistory_FindsWhatASearchFinds(int seed)
    {
        var random = new Random(seed);
        var cache = _client.Cache(Kinds.ConfigMap);
        var index = new LabelIndex(cache, m => m.OwnerReferences.Count == 0);
        using var watch = cache.Subscribe(index.Follow);
        for (var step = 0; step < 2000; step++)
        {
            await ChangeAsync(random, new ObjectKey($"n{random.Next(2)}", $"c{random.Next(20)}"));
            var selector = Selector(random);
            var ns = $"n{random.Next(2)}";
            var expected = cache.List(ns).Where(o => o.Metadata.OwnerReferences.Count == 0 && selector.Matches(o.Metadata.Labels));
            Assert.Equal(Names(expected), Names(index.Find(ns, selector)));
        }

        static IEnumerable<string> Names(IEnumerable<KubeObject> objects) => objects.Select(o => o.Metadata.Name).Order(StringComparer.Ordinal);
    }

    private async Task ChangeAsync(Random random, ObjectKey key)
    {
        if (_client.Cache(Kinds.ConfigMap).Get(key) is null)
        {
            await _client.CreateAsync(Kinds.ConfigMap, KubeObject.From(JsonNode.Parse($$"""
                {"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"{{key.Name}}","namespace":"{{key.Namespace}}","labels":{"a":"{{random.Next(3)}}"} } }
                """)!.AsObject()), WriteOptions.By("test"));
            return;
        }
        switch (random.Next(4))
        {
            case 0:
                await _client.DeleteAsync(Kinds.ConfigMap, key, DeleteOptions.Background);
                break;
            case 1:
                await PatchAsync(key, random.Next(2) == 0 ? """{"metadata":{"ownerReferences":null}}""" : """{"metadata":{"ownerReferences":[{"uid":"u"}]}}""");
                break;
            default:
                var value = random.Next(4) is var v and < 3 ? $"\"{v}\"" : "null";
                await PatchAsync(key, $$"""{"metadata":{"labels":{"{{"ab"[random.Next(2)]}}":{{value}} } } }""");
                break;
        }
    }

    private Task PatchAsync(ObjectKey key, string patch) =>
        _client.PatchAsync(Kinds.ConfigMap, key, new KubePatch(PatchType.Merge, Encoding.UTF8.GetBytes(patch)), WriteOptions.By("test"));

    private static LabelSelector Selector(Random random) => random.Next(4) switch
    {
        0 => new LabelSelector { MatchLabels = new Dictionary<string, string> { ["a"] = $"{random.Next(3)}" } },
        1 => new LabelSelector { MatchLabels = new Dictionary<string, string> { ["b"] = $"{random.Next(3)}" } },
        2 => new LabelSelector { MatchLabels = new Dictionary<string, string> { ["a"] = $"{random.Next(3)}", ["b"] = $"{random.Next(3)}" } },
        _ => new LabelSelector { MatchExpressions = [new LabelRequirement { Key = "b", Operator = "Exists" }] },
    };
}
