using System.Collections;
using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Apps;
using Serval.Controllers.Tests.Autoscaler;
using Serval.Controllers.Workloads;
using Serval.Kube;

namespace Serval.Controllers.Tests.Workloads;

public sealed class SelectorIndexTests
{
    private readonly FakeKubeClient _client = new(new ManualTime());
    private readonly SelectorIndex _index;

    public SelectorIndexTests()
    {
        _index = new SelectorIndex(_client.Cache(Kinds.ReplicaSet), s => s.As<ReplicaSet>().Spec.Selector);
        _client.Cache(Kinds.ReplicaSet).Subscribe(c => Assert.Empty(_index.Watch.Map(c)));
    }

    [Fact]
    public void Matching_FindsWhatSelectsAllItsPairs_InItsNamespaceOnly()
    {
        Create("both", """{"matchLabels":{"app":"a","tier":"web"}}""");
        Create("one", """{"matchLabels":{"app":"a"}}""");
        Create("other", """{"matchLabels":{"app":"b"}}""");
        Create("far", """{"matchLabels":{"app":"a"}}""", "n2");
        Assert.Equal(["one"], Names("n1", ("app", "a")));
        Assert.Equal(["both", "one"], Names("n1", ("app", "a"), ("tier", "web"), ("x", "y")));
        Assert.Equal([], Names("n1", ("app", "c")));
    }

    /// <summary>Asked first or last: what is there already is filed with the first question, what comes later by its event.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Changes_MoveAndTakeOut(bool askedFirst)
    {
        if (askedFirst)
        {
            Assert.Equal([], Names("n1", ("app", "a")));
        }
        Create("s", """{"matchLabels":{"app":"a"}}""");
        Assert.Equal(["s"], Names("n1", ("app", "a")));
        var key = new ObjectKey("n1", "s");
        await _client.PatchAsync(Kinds.ReplicaSet, key, new KubePatch(PatchType.Merge, """{"spec":{"selector":{"matchLabels":{"app":"b"}}}}"""u8.ToArray()), WriteOptions.By("test"));
        Assert.Equal([], Names("n1", ("app", "a")));
        Assert.Equal(["s"], Names("n1", ("app", "b")));
        await _client.DeleteAsync(Kinds.ReplicaSet, key, DeleteOptions.Background);
        Assert.Equal([], Names("n1", ("app", "b")));
    }

    [Fact]
    public void Matching_SelectorOfExpressionsAlone_IsComparedToo()
    {
        Create("s", """{"matchExpressions":[{"key":"app","operator":"Exists"}]}""");
        Assert.Equal(["s"], Names("n1", ("app", "z")));
        Assert.Equal([], Names("n1", ("b", "z")));
    }

    /// <summary>All share one pair, as the Services of one application do; the pair that tells them apart is the one that counts.</summary>
    [Fact]
    public void Matching_AmongThousands_ComparesOnlyThoseWithItsNarrowPair()
    {
        for (var i = 0; i < 2000; i++)
        {
            Create($"s{i}", $$"""{"matchLabels":{"app":"a","revision":"r{{i}}"} }""");
        }
        var labels = new CountedLabels(new() { ["app"] = "a", ["revision"] = "r1234" });
        _ = _index.Matching("n1", new Dictionary<string, string>());
        Assert.Equal(["s1234"], _index.Matching("n1", labels).Select(k => k.Name));
        Assert.True(labels.Lookups <= 6, $"{labels.Lookups} look-ups in the pod's labels");
    }

    private IEnumerable<string> Names(string ns, params (string Key, string Value)[] labels) =>
        _index.Matching(ns, labels.ToDictionary(l => l.Key, l => l.Value)).Select(k => k.Name).Order(StringComparer.Ordinal);

    private void Create(string name, string selector, string ns = "n1") => _ = _client.CreateAsync(
        Kinds.ReplicaSet,
        KubeObject.From(JsonNode.Parse($$"""{"apiVersion":"apps/v1","kind":"ReplicaSet","metadata":{"name":"{{name}}","namespace":"{{ns}}"},"spec":{"selector":{{selector}} } }""")!.AsObject()),
        WriteOptions.By("test")).Result;

    /// <summary>Labels that know how often somebody looked one up.</summary>
    private sealed class CountedLabels(Dictionary<string, string> labels) : IReadOnlyDictionary<string, string>
    {
        public int Lookups { get; private set; }

        public IEnumerable<string> Keys => labels.Keys;

        public IEnumerable<string> Values => labels.Values;

        public int Count => labels.Count;

        public string this[string key] => labels[key];

        public bool ContainsKey(string key) => labels.ContainsKey(key);

        public bool TryGetValue(string key, [MaybeNullWhen(false)] out string value)
        {
            Lookups++;
            return labels.TryGetValue(key, out value);
        }

        public IEnumerator<KeyValuePair<string, string>> GetEnumerator() => labels.GetEnumerator();

        IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
    }
}
