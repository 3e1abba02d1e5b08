using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Kube;
using static Serval.StoreConformance.Objects;

namespace Serval.StoreConformance;

public abstract partial class KubeClientFacts
{
    [Fact]
    public async Task Get_OfAMissingObject_IsNotFound()
    {
        var refused = await Refused(404, () => Client.GetAsync(Kinds.KService, Key("a")));
        Assert.Equal("services.serving.knative.dev \"a\" not found", refused.Message);
        Assert.True(refused.IsNotFound);
    }

    [Theory]
    [InlineData("color=red", "", "a,c")]
    [InlineData("color!=red", "", "b,d")]
    [InlineData("color in (red, blue),size", "", "b,c")]
    [InlineData("color notin (red)", "", "b,d")]
    [InlineData("!color", "", "d")]
    [InlineData("size>1", "", "c")]
    [InlineData("", "metadata.name=b", "b")]
    [InlineData("", "metadata.name!=b,metadata.namespace=facts", "a,c,d")]
    [InlineData("color=red", "metadata.name!=a", "c")]
    public async Task List_Selects(string labels, string fields, string names)
    {
        await Create(Secret("d", "d"));
        await Create(Secret("c", "c", labels: """{"color":"red","size":"2"}"""));
        await Create(Secret("b", "b", labels: """{"color":"blue","size":"1"}"""));
        await Create(Secret("a", "a", labels: """{"color":"red"}"""));
        var list = await Client.ListAsync(Kinds.Secret, "facts", new ListOptions { LabelSelector = labels, FieldSelector = fields });
        Assert.Equal(names, string.Join(',', list.Items.Select(o => o.Metadata.Name)));
    }

    [Theory]
    [InlineData("involvedObject.name=p,involvedObject.namespace=facts,involvedObject.kind=Pod,involvedObject.uid=u1", "new,old")] // kubectl describe
    [InlineData("involvedObject.fieldPath=spec.containers{main}", "old")]
    [InlineData("type=Warning,reason=BackOff", "old")]
    [InlineData("type!=Warning", "new")]
    [InlineData("source=kubelet", "new,old")] // the component, under its old or its new name
    [InlineData("reportingComponent=kubelet", "new")]
    [InlineData("source=default-scheduler", "")]
    public async Task List_OfEvents_Selects(string fields, string names)
    {
        const string about = """{"kind":"Pod","namespace":"facts","name":"p","uid":"u1","fieldPath":"FIELD"}""";
        await Create(Event("old").With(t =>
        {
            t["involvedObject"] = JsonNode.Parse(about.Replace("FIELD", "spec.containers{main}", StringComparison.Ordinal));
            (t["type"], t["reason"], t["source"]) = ("Warning", "BackOff", new JsonObject { ["component"] = "kubelet" });
        }));
        await Create(Event("new").With(t =>
        {
            t["involvedObject"] = JsonNode.Parse(about.Replace("FIELD", "", StringComparison.Ordinal));
            (t["type"], t["reason"], t["reportingComponent"]) = ("Normal", "Pulled", "kubelet");
        }));
        var list = await Client.ListAsync(Kinds.Event, "facts", new ListOptions { FieldSelector = fields });
        Assert.Equal(names, string.Join(',', list.Items.Select(o => o.Metadata.Name)));
    }

    [Theory]
    [InlineData("a in b", "")]
    [InlineData("a=b=c", "")]
    [InlineData("=b", "")]
    [InlineData("", "metadata.name")]
    [InlineData("", "=x")]
    public async Task List_WithABadSelector_IsRefused(string labels, string fields) => await Refused(400, async () =>
        await Client.ListAsync(Kinds.ConfigMap, "facts", new ListOptions { LabelSelector = labels, FieldSelector = fields }));

    [Fact]
    [Trait(Needs, EmptyServer)]
    public async Task List_OfAllNamespaces_IsInKeyOrder()
    {
        await Client.CreateAsync(Kinds.Namespace, Namespace("early"), Write);
        await Create(ConfigMap("b"));
        await Create(ConfigMap("c", ns: "early"));
        await Create(ConfigMap("a"));
        var list = await Client.ListAsync(Kinds.ConfigMap, null, ListOptions.All);
        Assert.Equal(["early/c", "facts/a", "facts/b"], list.Items.Select(o => o.Key.ToString()));
        Assert.Equal(list.Items.Max(o => o.Version), list.ResourceVersion);
    }

    [Fact]
    public async Task List_InPages_IsOneConsistentPoint()
    {
        for (var i = 0; i < 7; i++)
        {
            await Create(Secret($"m{i}"));
        }
        var first = await Client.ListAsync(Kinds.Secret, "facts", new ListOptions { Limit = 3 });
        Assert.Equal(4, first.Remaining);
        await Create(Secret("m00"));
        await Client.DeleteAsync(Kinds.Secret, Key("m5"), s_delete);
        var second = await Client.ListAsync(Kinds.Secret, "facts", new ListOptions { Limit = 3, Continue = first.Continue });
        var third = await Client.ListAsync(Kinds.Secret, "facts", new ListOptions { Limit = 3, Continue = second.Continue });
        Assert.Equal("m0,m1,m2,m3,m4,m5,m6", string.Join(',', first.Items.Concat(second.Items).Concat(third.Items).Select(o => o.Metadata.Name)));
        Assert.Equal(first.ResourceVersion, third.ResourceVersion);
        Assert.Empty(third.Continue);
        var again = await Client.ListAsync(Kinds.Secret, "facts", new ListOptions { Limit = 3, Continue = first.Continue });
        Assert.True(second.Items.Zip(again.Items).All(pair => pair.First.SameAs(pair.Second)) && second.Items.Count == again.Items.Count);
        await Refused(400, () => Client.ListAsync(Kinds.Secret, "facts", new ListOptions { Limit = 3, Continue = "made up" }));
    }

    /// <summary>The rest of one list is not the rest of another: a token of Secrets opens no ConfigMaps, and deletes none. Kubernetes' tokens name a place alone.</summary>
    [Theory]
    [Trait(Needs, Serval)]
    [InlineData("Secret", "facts", "", "")]
    [InlineData("ConfigMap", null, "", "")]
    [InlineData("ConfigMap", "facts", "a=b", "")]
    [InlineData("ConfigMap", "facts", "", "metadata.name=m1")]
    public async Task List_WithTheTokenOfAnotherList_IsRefused(string kind, string? ns, string labels, string fields)
    {
        for (var i = 0; i < 3; i++)
        {
            await Create(ConfigMap($"m{i}"));
        }
        var first = await Client.ListAsync(Kinds.ConfigMap, "facts", new ListOptions { Limit = 1 });
        var other = new ListOptions { Limit = 1, Continue = first.Continue, LabelSelector = labels, FieldSelector = fields };
        await Refused(400, () => Client.ListAsync(Kinds.Find("v1", kind)!, ns, other));
        await Refused(IsRemote && ns is null ? 405 : 400, () => Client.DeleteCollectionAsync(Kinds.Find("v1", kind)!, ns, other, s_delete));
        Assert.Equal(3, (await Cache(Kinds.ConfigMap)).List("facts").Count);
    }

    [Fact]
    [Trait(Needs, EmptyServer)]
    public async Task Cache_SeesFinishedWrites()
    {
        var cache = await Cache(Kinds.ConfigMap);
        var stored = await Create(ConfigMap("a"));
        Assert.True(cache.Get(Key("a")) is { } seen && seen.SameAs(stored)); // by value: a remote watch may bring it before the answer does
        Assert.True(Assert.Single(cache.List("facts")).SameAs(stored));
        Assert.Empty(cache.List("elsewhere"));
        await Client.DeleteAsync(Kinds.ConfigMap, Key("a"), s_delete);
        Assert.Null(cache.Get(Key("a")));
        Assert.Empty(cache.List());
    }

    [Fact]
    [Trait(Needs, EmptyServer)]
    public async Task Cache_KnowsOwners()
    {
        const string Uid = "11111111-2222-3333-4444-555555555555";
        const string Owner = """,  "ownerReferences":[{"apiVersion":"apps/v1","kind":"ReplicaSet","name":"r","uid":"11111111-2222-3333-4444-555555555555","controller":true}]""";
        var cache = await Cache(Kinds.Pod);
        for (var i = 0; i < 20; i++)
        {
            await Create(Pod($"p{i}", extra: Owner));
        }
        Assert.Equal(20, cache.OwnedBy(Uid).Count);
        await Client.PatchAsync(Kinds.Pod, Key("p3"), Merge("""{"metadata":{"ownerReferences":null}}"""), Write);
        await Client.DeleteAsync(Kinds.Pod, Key("p4"), s_delete);
        Assert.Equal(18, cache.OwnedBy(Uid).Count);
        await Client.DeleteCollectionAsync(Kinds.Pod, "facts", ListOptions.All, s_delete);
        Assert.Empty(cache.OwnedBy(Uid));
    }

    [Fact]
    [Trait(Needs, EmptyServer)]
    public async Task Subscribers_SeeTheWholeStoryInOrder()
    {
        await Create(ConfigMap("old"));
        var seen = new List<CacheChange>();
        using ((await Cache(Kinds.ConfigMap)).Subscribe(seen.Add))
        {
            await Create(ConfigMap("a"));
            await Client.PatchAsync(Kinds.ConfigMap, Key("a"), Merge("""{"data":{"key":"2"}}"""), Write);
            await Client.DeleteAsync(Kinds.ConfigMap, Key("a"), s_delete);
        }
        await Create(ConfigMap("unseen"));
        Assert.Equal(["Added old", "Added a", "Modified a", "Deleted a"], seen.Select(c => $"{c.Type} {c.New.Metadata.Name}"));
        Assert.Equal("v", seen[2].Old!.Text("data", "key"));
        Assert.Equal("2", seen[3].New.Text("data", "key"));
        Assert.True(seen.Zip(seen.Skip(1), (x, y) => x.New.Version < y.New.Version).All(rising => rising));
    }
}
