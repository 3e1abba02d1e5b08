using Serval.Api;
using Serval.Kube;
using static Serval.StoreConformance.Objects;

namespace Serval.StoreConformance;

public abstract partial class KubeClientFacts
{
    [Fact]
    public async Task Watch_FromAList_MissesAndRepeatsNothing()
    {
        await Create(ConfigMap("before"));
        var list = await Client.ListAsync(Kinds.ConfigMap, "facts", ListOptions.All);
        await Create(ConfigMap("a"));
        await using var watch = Watch(Kinds.ConfigMap, new WatchOptions { ResourceVersion = $"{list.ResourceVersion}" });
        Assert.Equal(["Added a"], await watch.TakeAsync(1));
        await Client.PatchAsync(Kinds.ConfigMap, Key("a"), Merge("""{"data":{"key":"2"}}"""), Write);
        await Client.DeleteAsync(Kinds.ConfigMap, Key("a"), s_delete);
        await Create(ConfigMap("c"));
        Assert.Equal(["Modified a", "Deleted a", "Added c"], await watch.TakeAsync(3));
    }

    [Fact]
    public async Task Watch_ResumedAnywhere_GoesOnExactly()
    {
        var expected = new List<string> { (await Create(ConfigMap("a"))).Metadata.ResourceVersion };
        for (var i = 0; i < 60; i++)
        {
            expected.Add((await Client.UpdateAsync(Kinds.ConfigMap, ConfigMap("a", $"{i}"), Write)).Metadata.ResourceVersion);
            await Create(Lease($"l{i}"));
        }
        foreach (var from in new[] { 0, 1, 30, 59 })
        {
            await using var watch = Watch(Kinds.ConfigMap, new WatchOptions { ResourceVersion = expected[from] });
            foreach (var version in expected.Skip(from + 1))
            {
                Assert.Equal(version, (await watch.NextAsync()).Object.Metadata.ResourceVersion);
            }
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("0")]
    public async Task Watch_FromNowhere_BeginsWithWhatIsThere(string version)
    {
        await Create(ConfigMap("a"));
        await using var watch = Watch(Kinds.ConfigMap, new WatchOptions { ResourceVersion = version });
        Assert.Equal(["Added a"], await watch.TakeAsync(1));
        await Create(ConfigMap("b"));
        Assert.Equal(["Added b"], await watch.TakeAsync(1));
    }

    [Fact]
    public async Task Watch_OfADeletion_CarriesTheLastStateAndItsOwnVersion()
    {
        var stored = await Create(ConfigMap("a", "last"));
        await using var watch = Watch(Kinds.ConfigMap, new WatchOptions { ResourceVersion = stored.Metadata.ResourceVersion });
        await Client.DeleteAsync(Kinds.ConfigMap, Key("a"), s_delete);
        var gone = await watch.NextAsync();
        Assert.Equal(WatchEventType.Deleted, gone.Type);
        Assert.Equal("last", gone.Object.Text("data", "key"));
        Assert.True(gone.Object.Version > stored.Version);
    }

    [Fact]
    public async Task Watch_FromAnUnknownVersion_IsExpired()
    {
        var stored = await Create(ConfigMap("a"));
        await using var future = Watch(Kinds.ConfigMap, new WatchOptions { ResourceVersion = $"{stored.Version + 1000}" });
        Assert.Equal("Expired", (await Refused(410, () => future.NextAsync())).Reason);
        await using var past = Watch(Kinds.ConfigMap, new WatchOptions { ResourceVersion = $"{stored.Version}" });
        await Create(ConfigMap("b"));
        Assert.Equal(["Added b"], await past.TakeAsync(1));
    }

    [Fact]
    public async Task Watch_StaysInItsNamespace()
    {
        var start = await Client.CreateAsync(Kinds.Namespace, Namespace("other"), Write);
        var options = new WatchOptions { ResourceVersion = start.Metadata.ResourceVersion };
        await using var here = Watch(Kinds.ConfigMap, options);
        await using var everywhere = Watch(Kinds.ConfigMap, options, ns: null);
        await Create(ConfigMap("first", ns: "other"));
        await Create(ConfigMap("second"));
        Assert.Equal(["Added second"], await here.TakeAsync(1));
        Assert.Equal(["Added first", "Added second"], await everywhere.TakeAsync(2));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public Task Watch_WithASelector_ShowsEnteringAndLeaving(bool resumed) =>
        ShowsEnteringAndLeaving(new WatchOptions { LabelSelector = "on,!hidden", FieldSelector = "metadata.name=a" }, resumed);

    private protected async Task ShowsEnteringAndLeaving(WatchOptions selection, bool resumed)
    {
        var start = await Create(ConfigMap("start"));
        var options = selection with { ResourceVersion = start.Metadata.ResourceVersion };
        await using var live = Watch(Kinds.ConfigMap, options);
        var first = resumed ? null : live.NextAsync();
        await Create(ConfigMap("a"));
        await Client.PatchAsync(Kinds.ConfigMap, Key("a"), Merge("""{"metadata":{"labels":{"on":"1"}}}"""), Write);
        await Client.PatchAsync(Kinds.ConfigMap, Key("a"), Merge("""{"data":{"key":"2"}}"""), Write);
        var left = await Client.PatchAsync(Kinds.ConfigMap, Key("a"), Merge("""{"metadata":{"labels":{"hidden":"1"}},"data":{"key":"hidden"}}"""), Write);
        await Client.PatchAsync(Kinds.ConfigMap, Key("a"), Merge("""{"data":{"other":"x"}}"""), Write);
        await Client.PatchAsync(Kinds.ConfigMap, Key("a"), Merge("""{"metadata":{"labels":{"hidden":null}},"data":{"key":"3"}}"""), Write);
        await Client.DeleteAsync(Kinds.ConfigMap, Key("a"), s_delete);
        var events = new List<WatchEvent> { first is null ? await live.NextAsync() : await first };
        while (events.Count < 5)
        {
            events.Add(await live.NextAsync());
        }
        Assert.Equal("Added,Modified,Deleted,Added,Deleted", string.Join(',', events.Select(e => e.Type)));
        Assert.Equal("2", events[2].Object.Text("data", "key"));
        Assert.Equal(left.Version, events[2].Object.Version);
    }

    [Fact]
    public async Task Watch_ThatAsked_GetsABookmarkAfterTheFirstObjects()
    {
        await Create(ConfigMap("a"));
        await using var watch = Watch(Kinds.ConfigMap, new WatchOptions { AllowBookmarks = true });
        Assert.Equal(WatchEventType.Added, (await watch.NextAsync()).Type);
        var mark = await watch.NextAsync();
        Assert.Equal(WatchEventType.Bookmark, mark.Type);
        Assert.Equal("ConfigMap", mark.Object.Kind);
        await using var resumed = Watch(Kinds.ConfigMap, new WatchOptions { ResourceVersion = mark.Object.Metadata.ResourceVersion });
        await Create(ConfigMap("b"));
        Assert.Equal(["Added b"], await resumed.TakeAsync(1));
    }

    [Fact]
    public async Task Versions_GrowAcrossKinds()
    {
        var start = await Create(ConfigMap("start"));
        var options = new WatchOptions { ResourceVersion = start.Metadata.ResourceVersion };
        await using var maps = Watch(Kinds.ConfigMap, options);
        await using var leases = Watch(Kinds.Lease, options);
        long last = 0;
        for (var i = 0; i < 10; i++)
        {
            var map = await Create(ConfigMap($"m{i}"));
            var lease = await Create(Lease($"l{i}"));
            Assert.True(last < map.Version && map.Version < lease.Version);
            last = lease.Version;
            Assert.Equal(map.Version, (await maps.NextAsync()).Object.Version);
            Assert.Equal(lease.Version, (await leases.NextAsync()).Object.Version);
        }
    }

    [Fact]
    public async Task Watches_WhileManyWrite_AgreeWithTheEnd()
    {
        await using var watch = Watch(Kinds.ConfigMap, new WatchOptions());
        await Create(ConfigMap("first"));
        var first = (await watch.NextAsync()).Object; // it stands: what is there when a watch begins comes in the order of keys
        var writers = Task.WhenAll(Enumerable.Range(0, 6).Select(w => Task.Run(async () =>
        {
            for (var i = 0; i < 20; i++)
            {
                await Create(ConfigMap($"w{w}-{i}"));
                await Client.PatchAsync(Kinds.ConfigMap, Key($"w{w}-{i}"), Merge("""{"data":{"key":"2"}}"""), Write);
                if (i % 2 == 0)
                {
                    await Client.DeleteAsync(Kinds.ConfigMap, Key($"w{w}-{i}"), s_delete);
                }
            }
        })));
        var seen = new Dictionary<string, KubeObject> { [first.Metadata.Name] = first };
        var last = first.Version;
        for (var i = 0; i < 6 * 50; i++)
        {
            var next = await watch.NextAsync();
            Assert.True(next.Object.Version > last);
            last = next.Object.Version;
            if (next.Type == WatchEventType.Deleted)
            {
                Assert.True(seen.Remove(next.Object.Metadata.Name));
            }
            else
            {
                Assert.Equal(next.Type == WatchEventType.Modified, seen.ContainsKey(next.Object.Metadata.Name));
                seen[next.Object.Metadata.Name] = next.Object;
            }
        }
        await writers;
        var list = await Client.ListAsync(Kinds.ConfigMap, "facts", ListOptions.All);
        Assert.Equal(list.Items.Select(o => o.Version).Order(), seen.Values.Select(o => o.Version).Order());
    }
}
