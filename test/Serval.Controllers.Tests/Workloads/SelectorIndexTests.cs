using System.Collections;
using System.Diagnostics.CodeAnalysis;
using Serval.Api;
using Serval.Controllers.Workloads;

namespace Serval.Controllers.Tests.Workloads;

public sealed class SelectorIndexTests
{
    private readonly SelectorIndex _index = new();

    [Fact]
    public void Matching_FindsWhatSelectsAllItsPairs_InItsNamespaceOnly()
    {
        _index.Set(new ObjectKey("n1", "both"), Selector(("app", "a"), ("tier", "web")));
        _index.Set(new ObjectKey("n1", "one"), Selector(("app", "a")));
        _index.Set(new ObjectKey("n1", "other"), Selector(("app", "b")));
        _index.Set(new ObjectKey("n2", "far"), Selector(("app", "a")));
        Assert.Equal(["one"], Names("n1", ("app", "a")));
        Assert.Equal(["both", "one"], Names("n1", ("app", "a"), ("tier", "web"), ("x", "y")));
        Assert.Equal([], Names("n1", ("app", "c")));
    }

    [Fact]
    public void Set_ReplacesAndTakesOut()
    {
        var key = new ObjectKey("n1", "s");
        _index.Set(key, Selector(("app", "a")));
        _index.Set(key, Selector(("app", "b")));
        Assert.Equal([], Names("n1", ("app", "a")));
        Assert.Equal(["s"], Names("n1", ("app", "b")));
        _index.Set(key, null);
        Assert.Equal([], Names("n1", ("app", "b")));
    }

    [Fact]
    public void Matching_SelectorOfExpressionsAlone_IsComparedToo()
    {
        _index.Set(new ObjectKey("n1", "s"), new LabelSelector { MatchExpressions = [new LabelRequirement { Key = "app", Operator = "Exists" }] });
        Assert.Equal(["s"], Names("n1", ("app", "z")));
        Assert.Equal([], Names("n1", ("b", "z")));
    }

    /// <summary>All share one pair, as the Services of one application do; the pair that tells them apart is the one that counts.</summary>
    [Fact]
    public void Matching_AmongThousands_ComparesOnlyThoseWithItsNarrowPair()
    {
        for (var i = 0; i < 2000; i++)
        {
            _index.Set(new ObjectKey("n1", $"s{i}"), Selector(("app", "a"), ("revision", $"r{i}")));
        }
        var labels = new CountedLabels(new() { ["app"] = "a", ["revision"] = "r1234" });
        Assert.Equal(["s1234"], _index.Matching("n1", labels).Select(k => k.Name));
        Assert.True(labels.Lookups <= 6, $"{labels.Lookups} look-ups in the pod's labels");
    }

    private IEnumerable<string> Names(string ns, params (string Key, string Value)[] labels) =>
        _index.Matching(ns, labels.ToDictionary(l => l.Key, l => l.Value)).Select(k => k.Name).Order(StringComparer.Ordinal);

    private static LabelSelector Selector(params (string Key, string Value)[] pairs) => new() { MatchLabels = pairs.ToDictionary(l => l.Key, l => l.Value) };

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
