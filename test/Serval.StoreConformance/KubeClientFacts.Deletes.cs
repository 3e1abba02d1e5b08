using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Kube;
using static Serval.StoreConformance.Objects;

namespace Serval.StoreConformance;

public abstract partial class KubeClientFacts
{
    private static readonly DeleteOptions s_delete = DeleteOptions.Background;

    [Fact]
    public async Task Delete_ReturnsTheLastState()
    {
        var stored = await Create(ConfigMap("a", "last"));
        var gone = await Client.DeleteAsync(Kinds.ConfigMap, Key("a"), s_delete);
        Assert.Equal((stored.Key, stored.Metadata.Uid), (gone.Key, gone.Metadata.Uid));
        Assert.Equal(IsRemote ? null : "last", gone.Text("data", "key"));
        await Refused(404, () => Client.GetAsync(Kinds.ConfigMap, Key("a")));
        await Refused(404, () => Client.DeleteAsync(Kinds.ConfigMap, Key("a"), s_delete));
        var next = await Create(ConfigMap("a"));
        Assert.NotEqual(gone.Metadata.Uid, next.Metadata.Uid);
    }

    [Fact]
    public async Task Delete_HonoursPreconditions()
    {
        var stored = await Create(ConfigMap("a"));
        await Refused(409, () => Client.DeleteAsync(Kinds.ConfigMap, Key("a"), new DeleteOptions { Uid = "other" }));
        await Refused(409, () => Client.DeleteAsync(Kinds.ConfigMap, Key("a"), new DeleteOptions { ResourceVersion = "1" }));
        await Client.DeleteAsync(Kinds.ConfigMap, Key("a"), new DeleteOptions { Uid = stored.Metadata.Uid, ResourceVersion = stored.Metadata.ResourceVersion });
    }

    [Fact]
    public async Task Delete_WaitsForFinalizers()
    {
        await Create(Deployment("a").With(t => t["metadata"]!["finalizers"] = new JsonArray("example.com/hold", "example.com/other")));
        var marked = await Client.DeleteAsync(Kinds.Deployment, Key("a"), s_delete);
        Assert.True(marked.Metadata.IsDeleting);
        Assert.Equal(2, marked.Metadata.Generation);
        await Refused(422, () => Client.PatchAsync(Kinds.Deployment, Key("a"),
            Json("""[{"op":"add","path":"/metadata/finalizers/-","value":"example.com/late"}]"""), Write));
        var one = await Client.PatchAsync(Kinds.Deployment, Key("a"), Merge("""{"metadata":{"finalizers":["example.com/other"]}}"""), Write);
        Assert.True(one.Metadata.IsDeleting);
        await Client.PatchAsync(Kinds.Deployment, Key("a"), Merge("""{"metadata":{"finalizers":null}}"""), Write);
        await Refused(404, () => Client.GetAsync(Kinds.Deployment, Key("a")));
    }

    [Fact]
    public async Task Delete_OfWhatIsBeingDeleted_WritesNothing()
    {
        await Create(ConfigMap("a").With(t => t["metadata"]!["finalizers"] = new JsonArray("example.com/hold"))); // a kind that no controller writes to
        var marked = await Client.DeleteAsync(Kinds.ConfigMap, Key("a"), s_delete);
        var again = await Client.DeleteAsync(Kinds.ConfigMap, Key("a"), s_delete);
        Assert.Equal(marked.Version, again.Version);
        await Client.PatchAsync(Kinds.ConfigMap, Key("a"), Merge("""{"metadata":{"finalizers":null}}"""), Write);
    }

    [Theory]
    [InlineData("Foreground", "foregroundDeletion")]
    [InlineData("Orphan", "orphan")]
    public async Task Delete_WithAPolicy_LeavesItToTheCollector(string policy, string finalizer)
    {
        await Create(ConfigMap("a"));
        var marked = await Client.DeleteAsync(Kinds.ConfigMap, Key("a"), new DeleteOptions { PropagationPolicy = policy });
        Assert.True(marked.Metadata.IsDeleting);
        Assert.Equal([finalizer], marked.Metadata.Finalizers);
    }

    [Fact]
    public async Task Delete_OfAPodOnANode_IsGraceful()
    {
        await Create(Pod("a", "n1"));
        var marked = await Client.DeleteAsync(Kinds.Pod, Key("a"), s_delete);
        Assert.Equal(7, marked.Metadata.DeletionGracePeriodSeconds);
        var sooner = await Client.DeleteAsync(Kinds.Pod, Key("a"), new DeleteOptions { GracePeriodSeconds = 2 });
        Assert.Equal(2, sooner.Metadata.DeletionGracePeriodSeconds);
        var later = await Client.DeleteAsync(Kinds.Pod, Key("a"), new DeleteOptions { GracePeriodSeconds = 60 });
        Assert.Equal(sooner.Version, later.Version);
        await Client.PatchAsync(Kinds.Pod, Key("a"), Merge("""{"status":{"phase":"Running"}}"""), Status);
        Assert.True((await Client.GetAsync(Kinds.Pod, Key("a"))).Metadata.IsDeleting);
        await Client.DeleteAsync(Kinds.Pod, Key("a"), new DeleteOptions { GracePeriodSeconds = 0 });
        await Refused(404, () => Client.GetAsync(Kinds.Pod, Key("a")));
    }

    [Fact]
    public async Task Delete_WithGraceBeyondAllDates_IsGraceful()
    {
        await Create(Pod("a", "n1"));
        var marked = await Client.DeleteAsync(Kinds.Pod, Key("a"), new DeleteOptions { GracePeriodSeconds = long.MaxValue });
        Assert.Equal(long.MaxValue, marked.Metadata.DeletionGracePeriodSeconds);
    }

    /// <summary>apiserver: rest.BeforeDelete. The end is counted from the first delete; while the grace runs, only a shorter one changes anything.</summary>
    [Fact]
    public async Task Delete_Again_OnlyShortensTheGrace()
    {
        await Create(Pod("a", "n1"));
        var marked = await Client.DeleteAsync(Kinds.Pod, Key("a"), s_delete);
        foreach (var second in (DeleteOptions[])[new() { PropagationPolicy = "Foreground" }, new() { GracePeriodSeconds = 60, PropagationPolicy = "Orphan" }, s_delete])
        {
            Assert.Equal(marked.Version, (await Client.DeleteAsync(Kinds.Pod, Key("a"), second)).Version);
        }
        var sooner = await Client.DeleteAsync(Kinds.Pod, Key("a"), new DeleteOptions { GracePeriodSeconds = 3 });
        Assert.Equal(marked.Metadata.DeletionTimestamp - TimeSpan.FromSeconds(4), sooner.Metadata.DeletionTimestamp);
        Assert.Equal(marked.Metadata.Generation, sooner.Metadata.Generation);
        await Client.PatchAsync(Kinds.Pod, Key("a"), Merge("""{"status":{"phase":"Succeeded"}}"""), Status);
        Assert.Equal(3, (await Client.DeleteAsync(Kinds.Pod, Key("a"), s_delete)).Metadata.DeletionGracePeriodSeconds);
    }

    [Fact]
    public async Task Delete_Again_KeepsTheTimeOfTheFirst()
    {
        await Create(ConfigMap("a").With(t => t["metadata"]!["finalizers"] = new JsonArray("example.com/hold")));
        var marked = await Client.DeleteAsync(Kinds.ConfigMap, Key("a"), s_delete);
        var again = await Client.DeleteAsync(Kinds.ConfigMap, Key("a"), new DeleteOptions { PropagationPolicy = "Foreground" });
        Assert.Equal(["example.com/hold", "foregroundDeletion"], again.Metadata.Finalizers);
        Assert.Equal(marked.Metadata.DeletionTimestamp, again.Metadata.DeletionTimestamp);
    }

    /// <summary>apiserver: shouldOrphanDependents. A finalizer that is there already stands for a policy; a policy that is given goes before it.</summary>
    [Theory]
    [InlineData("", "orphan")]
    [InlineData("Orphan", "orphan")]
    [InlineData("Foreground", "foregroundDeletion")]
    [InlineData("Background", "")]
    public async Task Delete_OfAnObjectWithAnOrphanFinalizer(string policy, string left)
    {
        await Create(ConfigMap("a").With(t => t["metadata"]!["finalizers"] = new JsonArray("orphan")));
        var last = await Client.DeleteAsync(Kinds.ConfigMap, Key("a"), new DeleteOptions { PropagationPolicy = policy });
        if (left.Length == 0)
        {
            await Refused(404, () => Client.GetAsync(Kinds.ConfigMap, Key("a")));
            return;
        }
        Assert.True(last.Metadata.IsDeleting);
        Assert.Equal([left], last.Metadata.Finalizers);
    }

    [Fact]
    public async Task Delete_OfAPodWithNothingToStop_IsImmediate()
    {
        await Create(Pod("unbound"));
        await Client.DeleteAsync(Kinds.Pod, Key("unbound"), s_delete);
        await Refused(404, () => Client.GetAsync(Kinds.Pod, Key("unbound")));
        await Create(Pod("done", "n1"));
        await Client.PatchAsync(Kinds.Pod, Key("done"), Merge("""{"status":{"phase":"Succeeded"}}"""), Status);
        await Client.DeleteAsync(Kinds.Pod, Key("done"), s_delete);
        await Refused(404, () => Client.GetAsync(Kinds.Pod, Key("done")));
    }

    [Fact]
    [Trait(Needs, EmptyServer)]
    public async Task Namespace_TerminatesUntilItIsFinalized()
    {
        var created = await Client.CreateAsync(Kinds.Namespace, Namespace("short"), Write);
        Assert.Equal("Active", created.Text("status", "phase"));
        Assert.Equal("short", created.Metadata.Label("kubernetes.io/metadata.name"));
        await Create(ConfigMap("a", ns: "short"));
        var marked = await Client.DeleteAsync(Kinds.Namespace, ObjectKey.Cluster("short"), s_delete);
        Assert.Equal("Terminating", marked.Text("status", "phase"));
        var refused = await Refused(403, () => Create(ConfigMap("b", ns: "short")));
        Assert.Equal("configmaps \"b\" is forbidden: unable to create new content in namespace short because it is being terminated", refused.Message);
        Assert.Equal(new StatusCause("NamespaceTerminating", "namespace short is being terminated", "metadata.namespace"), Assert.Single(refused.Causes));
        var late = await Refused(403, () => Create(Event("e", "short"))); // an Event is new content like any other
        Assert.True(late.IsNamespaceTerminating);
        await Client.DeleteAsync(Kinds.ConfigMap, new ObjectKey("short", "a"), s_delete);
        await Client.UpdateAsync(Kinds.Namespace, marked.With(t => t["spec"]!["finalizers"] = new JsonArray()), Write with { Subresource = "finalize" });
        await Refused(404, () => Client.GetAsync(Kinds.Namespace, ObjectKey.Cluster("short")));
    }

    /// <summary>Who holds a namespace is decided when it is made, and from then on through /finalize alone.</summary>
    [Theory]
    [Trait(Needs, EmptyServer)]
    [InlineData("[]", """["kubernetes"]""")]
    [InlineData("""["example.com/x"]""", """["example.com/x","kubernetes"]""")]
    [InlineData("""["kubernetes"]""", """["kubernetes"]""")]
    public async Task Namespace_IsHeldByItsFinalizers(string given, string held)
    {
        var made = await Client.CreateAsync(Kinds.Namespace, Namespace("short").With(t => t["spec"] = new JsonObject { ["finalizers"] = JsonNode.Parse(given) }), Write);
        Assert.Equal(held, Finalizers(made));
        await Create(ConfigMap("a", ns: "short"));
        var key = ObjectKey.Cluster("short");
        for (var terminating = 0; terminating < 2; terminating++)
        {
            Assert.Equal(held, Finalizers(await Client.PatchAsync(Kinds.Namespace, key, Merge("""{"spec":{"finalizers":[]}}"""), Write)));
            var put = await Client.GetAsync(Kinds.Namespace, key);
            Assert.Equal(held, Finalizers(await Client.UpdateAsync(Kinds.Namespace, put.With(t => t.Remove("spec")), Write)));
            var apply = new KubePatch(PatchType.Apply, """{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"short"},"spec":{"finalizers":["example.com/y"]}}"""u8.ToArray());
            Assert.Equal(held, Finalizers(await Client.PatchAsync(Kinds.Namespace, key, apply, Write with { Force = true })));
            Assert.Equal("Terminating", (await Client.DeleteAsync(Kinds.Namespace, key, s_delete)).Text("status", "phase"));
        }
        var marked = await Client.GetAsync(Kinds.Namespace, key);
        Assert.Equal(marked.Version, (await Client.DeleteAsync(Kinds.Namespace, key, s_delete with { PropagationPolicy = "Orphan" })).Version);
        await Client.DeleteAsync(Kinds.ConfigMap, new ObjectKey("short", "a"), s_delete);
        await Client.UpdateAsync(Kinds.Namespace, marked.With(t => t["spec"] = new JsonObject()), Write with { Subresource = "finalize" });
        await Refused(404, () => Client.GetAsync(Kinds.Namespace, key));

        static string? Finalizers(KubeObject ns) => ns.Node("spec", "finalizers")?.ToJsonString();
    }

    /// <summary>What nobody holds is marked by the first delete, and gone with the second one.</summary>
    [Fact]
    [Trait(Needs, EmptyServer)]
    public async Task Namespace_ThatNobodyHolds_GoesWithTheSecondDelete()
    {
        var key = ObjectKey.Cluster("short");
        var made = await Client.CreateAsync(Kinds.Namespace, Namespace("short"), Write);
        await Client.UpdateAsync(Kinds.Namespace, made.With(t => t["spec"] = new JsonObject()), Write with { Subresource = "finalize" });
        Assert.Null((await Client.PatchAsync(Kinds.Namespace, key, Merge("""{"metadata":{"labels":{"a":"b"}}}"""), Write)).Node("spec", "finalizers"));
        await Client.DeleteAsync(Kinds.Namespace, key, s_delete);
        Assert.Equal("Terminating", (await Client.GetAsync(Kinds.Namespace, key)).Text("status", "phase"));
        await Client.DeleteAsync(Kinds.Namespace, key, s_delete);
        await Refused(404, () => Client.GetAsync(Kinds.Namespace, key));
    }

    [Fact]
    [Trait(Needs, EmptyServer)]
    public async Task TheDefaultNamespace_CannotBeDeleted()
    {
        await Client.CreateAsync(Kinds.Namespace, Namespace("default"), Write);
        await Refused(403, () => Client.DeleteAsync(Kinds.Namespace, ObjectKey.Cluster("default"), s_delete));
    }

    [Fact]
    public async Task DeleteCollection_TakesWhatIsSelected()
    {
        await Create(Secret("a", labels: """{"x":"1"}"""));
        await Create(Secret("b", labels: """{"x":"2"}"""));
        await Create(Secret("c", labels: """{"x":"1"}"""));
        var gone = await Client.DeleteCollectionAsync(Kinds.Secret, "facts", new ListOptions { LabelSelector = "x=1" }, s_delete);
        Assert.Equal(["a", "c"], gone.Items.Select(o => o.Metadata.Name));
        Assert.Equal(["b"], (await Client.ListAsync(Kinds.Secret, "facts", ListOptions.All)).Items.Select(o => o.Metadata.Name));
    }
}
