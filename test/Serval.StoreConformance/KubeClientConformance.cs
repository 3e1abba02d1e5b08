using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Kube;
using static Serval.StoreConformance.Samples;

namespace Serval.StoreConformance;

/// <summary>Writes: what any <see cref="IKubeClient"/> must hold, wherever its state lives.</summary>
public abstract class KubeClientConformance : IAsyncLifetime
{
    private protected IKubeClient Client { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        Client = await StartAsync();
        await Client.CreateAsync(Kinds.Namespace, Namespace("default"), Plain);
    }

    public abstract Task DisposeAsync();

    protected abstract Task<IKubeClient> StartAsync();

    private protected Task<KubeObject> AddAsync(KubeObject obj) => Client.CreateAsync(Kinds.Find(obj.ApiVersion, obj.Kind)!, obj, Plain);

    private protected static async Task<ApiException> RefusedAsync(int code, string reason, Func<Task> act)
    {
        var refusal = await Assert.ThrowsAsync<ApiException>(act);
        Assert.Equal((code, reason), (refusal.Code, refusal.Reason));
        return refusal;
    }

    [Fact]
    public async Task Create_NameTaken_IsAlreadyExists()
    {
        var stored = await AddAsync(ConfigMap("a"));
        Assert.NotEqual("", stored.Metadata.Uid);
        Assert.True(stored.Version > 0);
        await RefusedAsync(409, "AlreadyExists", () => AddAsync(ConfigMap("a")));
        Assert.True(stored.SameAs(await Client.GetAsync(Kinds.ConfigMap, Key("a"))));
    }

    [Fact]
    public async Task Missing_IsNotFound()
    {
        await RefusedAsync(404, "NotFound", () => Client.GetAsync(Kinds.ConfigMap, Key("a")));
        await RefusedAsync(404, "NotFound", () => Client.UpdateAsync(Kinds.ConfigMap, ConfigMap("a"), Plain));
        await RefusedAsync(404, "NotFound", () => Client.PatchAsync(Kinds.ConfigMap, Key("a"), Patch(PatchType.Merge, "{}"), Plain));
        await RefusedAsync(404, "NotFound", () => Client.DeleteAsync(Kinds.ConfigMap, Key("a"), DeleteOptions.Background));
        await RefusedAsync(404, "NotFound", () => AddAsync(ConfigMap("a", ns: "nowhere")));
    }

    [Fact]
    public async Task Update_StaleVersion_IsConflict()
    {
        var first = await AddAsync(ConfigMap("a"));
        var second = await Client.UpdateAsync(Kinds.ConfigMap, first.With(t => t["data"]!["k"] = "2"), Plain);
        Assert.True(second.Version > first.Version);
        await RefusedAsync(409, "Conflict", () => Client.UpdateAsync(Kinds.ConfigMap, first.With(t => t["data"]!["k"] = "3"), Plain));
        var blind = await Client.UpdateAsync(Kinds.ConfigMap, ConfigMap("a", "4"), Plain);
        Assert.Equal((first.Metadata.Uid, "4"), (blind.Metadata.Uid, (string?)blind.ToTree()["data"]!["k"]));
    }

    [Theory]
    [InlineData(PatchType.Merge, """{"data":{"k":null,"x":"2"}}""")]
    [InlineData(PatchType.StrategicMerge, """{"data":{"k":null,"x":"2"}}""")]
    [InlineData(PatchType.Json, """[{"op":"remove","path":"/data/k"},{"op":"add","path":"/data/x","value":"2"}]""")]
    public async Task Patch_OfEachType_Changes(PatchType type, string patch)
    {
        var before = await AddAsync(ConfigMap("a"));
        var after = await Client.PatchAsync(Kinds.ConfigMap, Key("a"), Patch(type, patch), Plain);
        Assert.True(after.Version > before.Version);
        Assert.Equal("""{"x":"2"}""", after.ToTree()["data"]!.ToJsonString());
    }

    [Fact]
    public async Task Patch_WithStaleVersion_IsConflict()
    {
        var first = await AddAsync(ConfigMap("a"));
        await Client.UpdateAsync(Kinds.ConfigMap, ConfigMap("a", "2"), Plain);
        await RefusedAsync(409, "Conflict", () => Client.PatchAsync(Kinds.ConfigMap, Key("a"),
            Patch(PatchType.Merge, $$$"""{"metadata":{"resourceVersion":"{{{first.Metadata.ResourceVersion}}}"},"data":{"k":"3"}}"""), Plain));
    }

    [Fact]
    public async Task Status_AndSpec_AreWrittenApart()
    {
        var made = await AddAsync(Deployment("d"));
        Assert.Equal(1, made.Metadata.Generation);
        var both = made.With(t =>
        {
            t["spec"]!["replicas"] = 9;
            t["status"] = new JsonObject { ["replicas"] = 3 };
        });
        var status = await Client.UpdateAsync(Kinds.Deployment, both, Plain with { Subresource = "status" });
        Assert.Equal((2, 3, 1L), Read(status));
        var main = await Client.UpdateAsync(Kinds.Deployment, status.With(t =>
        {
            t["spec"]!["replicas"] = 5;
            t.Remove("status");
        }), Plain);
        Assert.Equal((5, 3, 2L), Read(main));
        var label = await Client.PatchAsync(Kinds.Deployment, Key("d"), Patch(PatchType.Merge, """{"metadata":{"labels":{"x":"y"}}}"""), Plain);
        Assert.Equal((5, 3, 2L), Read(label));

        static (int?, int?, long) Read(KubeObject o) => ((int?)o.ToTree()["spec"]!["replicas"], (int?)o.ToTree()["status"]?["replicas"], o.Metadata.Generation);
    }

    [Fact]
    public async Task WriteThatChangesNothing_KeepsTheVersion()
    {
        var made = await AddAsync(ConfigMap("a"));
        Assert.Equal(made.Version, (await Client.UpdateAsync(Kinds.ConfigMap, made, Plain)).Version);
        Assert.Equal(made.Version, (await Client.PatchAsync(Kinds.ConfigMap, Key("a"), Patch(PatchType.Merge, "{}"), Plain)).Version);
    }

    [Fact]
    public async Task GenerateName_GetsASuffix()
    {
        var nameless = ConfigMap("x").With(t =>
        {
            t["metadata"]!.AsObject().Remove("name");
            t["metadata"]!["generateName"] = "gen-";
        });
        var (one, two) = (await AddAsync(nameless), await AddAsync(nameless));
        Assert.StartsWith("gen-", one.Metadata.Name, StringComparison.Ordinal);
        Assert.NotEqual(one.Metadata.Name, two.Metadata.Name);
    }

    [Fact]
    public async Task Finalizers_HoldADeletedObject_UntilTheLastIsGone()
    {
        await AddAsync(ConfigMap("a").With(t => t["metadata"]!["finalizers"] = new JsonArray("example.com/hold")));
        var marked = await Client.DeleteAsync(Kinds.ConfigMap, Key("a"), DeleteOptions.Background);
        Assert.True(marked.Metadata.IsDeleting);
        var again = await Client.DeleteAsync(Kinds.ConfigMap, Key("a"), DeleteOptions.Background);
        Assert.Equal(marked.Version, again.Version);
        await RefusedAsync(422, "Invalid", () => Client.PatchAsync(Kinds.ConfigMap, Key("a"),
            Patch(PatchType.Merge, """{"metadata":{"finalizers":["example.com/hold","example.com/more"]}}"""), Plain));
        await Client.PatchAsync(Kinds.ConfigMap, Key("a"), Patch(PatchType.Merge, """{"metadata":{"finalizers":null}}"""), Plain);
        await RefusedAsync(404, "NotFound", () => Client.GetAsync(Kinds.ConfigMap, Key("a")));
    }

    [Fact]
    public async Task Preconditions_GuardTheNextObjectOfThatName()
    {
        var made = await AddAsync(ConfigMap("a"));
        await RefusedAsync(409, "Conflict", () => Client.DeleteAsync(Kinds.ConfigMap, Key("a"), DeleteOptions.Background with { Uid = "other" }));
        await RefusedAsync(409, "Conflict", () => Client.DeleteAsync(Kinds.ConfigMap, Key("a"), DeleteOptions.Background with { ResourceVersion = "1" }));
        await RefusedAsync(409, "Conflict", () => Client.UpdateAsync(Kinds.ConfigMap, ConfigMap("a", "2").With(t => t["metadata"]!["uid"] = "other"), Plain));
        await Client.DeleteAsync(Kinds.ConfigMap, Key("a"), DeleteOptions.Background with { Uid = made.Metadata.Uid });
        Assert.Null(Client.Cache(Kinds.ConfigMap).Get(Key("a")));
    }

    [Fact]
    public async Task DryRun_StoresNothing()
    {
        var dry = Plain with { DryRun = true };
        await Client.CreateAsync(Kinds.ConfigMap, ConfigMap("a"), dry);
        Assert.Empty((await Client.ListAsync(Kinds.ConfigMap, "default", ListOptions.All)).Items);
        var made = await AddAsync(ConfigMap("a"));
        var shown = await Client.UpdateAsync(Kinds.ConfigMap, ConfigMap("a", "2"), dry);
        Assert.Equal("2", (string?)shown.ToTree()["data"]!["k"]);
        await Client.DeleteAsync(Kinds.ConfigMap, Key("a"), DeleteOptions.Background with { DryRun = true });
        Assert.True(made.SameAs(await Client.GetAsync(Kinds.ConfigMap, Key("a"))));
    }

    [Fact]
    public async Task Versions_GrowOverKinds()
    {
        var versions = new List<long>();
        foreach (var obj in (KubeObject[])[ConfigMap("a"), Lease("a"), Pod("a"), ConfigMap("b"), Deployment("a")])
        {
            versions.Add((await AddAsync(obj)).Version);
        }
        versions.Add((await Client.DeleteAsync(Kinds.ConfigMap, Key("a"), DeleteOptions.Background)).Version);
        Assert.Equal(versions.Order().Distinct(), versions);
    }

    [Fact]
    public async Task Cache_SeesOwnWrites_AndOwners()
    {
        var owner = await AddAsync(ConfigMap("owner"));
        var changes = new List<(WatchEventType, string)>();
        using (Client.Cache(Kinds.ConfigMap).Subscribe(c => changes.Add((c.Type, c.New.Metadata.Name))))
        {
            await AddAsync(ConfigMap("child").With(t => t["metadata"]!["ownerReferences"] = new JsonArray(
                new JsonObject { ["apiVersion"] = "v1", ["kind"] = "ConfigMap", ["name"] = "owner", ["uid"] = owner.Metadata.Uid })));
            Assert.Equal("child", Assert.Single(Client.Cache(Kinds.ConfigMap).OwnedBy(owner.Metadata.Uid)).Metadata.Name);
            await Client.DeleteAsync(Kinds.ConfigMap, Key("child"), DeleteOptions.Background);
            Assert.Empty(Client.Cache(Kinds.ConfigMap).OwnedBy(owner.Metadata.Uid));
        }
        await AddAsync(ConfigMap("unseen"));
        Assert.Equal([(WatchEventType.Added, "owner"), (WatchEventType.Added, "child"), (WatchEventType.Deleted, "child")], changes);
    }
}
