using Serval.Api;
using Serval.Kube;
using static Serval.StoreConformance.Objects;

namespace Serval.StoreConformance;

public abstract partial class KubeClientFacts
{
    [Fact]
    public async Task Watch_FromAList_MissesAndRepeatsNothing()
    {
        await Create(Secret("before"));
        var list = await Client.ListAsync(Kinds.Secret, "facts", ListOptions.All);
        await Create(Secret("a"));
        await using var watch = Watch(Kinds.Secret, new WatchOptions { ResourceVersion = $"{list.ResourceVersion}" });
        Assert.Equal(["Added a"], await watch.TakeAsync(1));
        await Client.PatchAsync(Kinds.Secret, Key("a"), Data("2"), Write);
        await Client.DeleteAsync(Kinds.Secret, Key("a"), s_delete);
        await Create(Secret("c"));
        Assert.Equal(["Modified a", "Deleted a", "Added c"], await watch.TakeAsync(3));
    }

    [Fact]
    public async Task Watch_ResumedAnywhere_GoesOnExactly()
    {
        var expected = new List<string> { (await Create(Secret("a"))).Metadata.ResourceVersion };
        for (var i = 0; i < 60; i++)
        {
            expected.Add((await Client.UpdateAsync(Kinds.Secret, Secret("a", $"{i}"), Write)).Metadata.ResourceVersion);
            await Create(Lease($"l{i}"));
        }
        foreach (var from in new[] { 0, 1, 30, 59 })
        {
            await using var watch = Watch(Kinds.Secret, new WatchOptions { ResourceVersion = expected[from] });
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
        await Create(Secret("a"));
        await using var watch = Watch(Kinds.Secret, new WatchOptions { ResourceVersion = version });
        Assert.Equal(["Added a"], await watch.TakeAsync(1));
        await Create(Secret("b"));
        Assert.Equal(["Added b"], await watch.TakeAsync(1));
    }

    [Fact]
    public async Task Watch_OfADeletion_CarriesTheLastStateAndItsOwnVersion()
    {
        var stored = await Create(Secret("a", "last"));
        await using var watch = Watch(Kinds.Secret, new WatchOptions { ResourceVersion = stored.Metadata.ResourceVersion });
        await Client.DeleteAsync(Kinds.Secret, Key("a"), s_delete);
        var gone = await watch.NextAsync();
        Assert.Equal(WatchEventType.Deleted, gone.Type);
        Assert.Equal(Base64("last"), gone.Object.Text("data", "key"));
        Assert.True(gone.Object.Version > stored.Version);
    }

    /// <summary>Kubernetes, whose etcd forgets no version it has told, waits until it comes.</summary>
    [Fact]
    [Trait(Needs, Serval)]
    public async Task Watch_FromAVersionToCome_IsExpired()
    {
        var stored = await Create(Secret("a"));
        await using var future = Watch(Kinds.Secret, new WatchOptions { ResourceVersion = $"{stored.Version + 1000}" });
        Assert.Equal("Expired", (await Refused(410, () => future.NextAsync())).Reason);
    }

    [Fact]
    public async Task Watch_FromTheLastVersion_BeginsWithWhatComes()
    {
        var stored = await Create(Secret("a"));
        await using var past = Watch(Kinds.Secret, new WatchOptions { ResourceVersion = $"{stored.Version}" });
        await Create(Secret("b"));
        Assert.Equal(["Added b"], await past.TakeAsync(1));
    }

    [Fact]
    public async Task Watch_StaysInItsNamespace()
    {
        var start = await Client.CreateAsync(Kinds.Namespace, Namespace("other"), Write);
        var options = new WatchOptions { ResourceVersion = start.Metadata.ResourceVersion };
        await using var here = Watch(Kinds.Secret, options);
        await using var everywhere = Watch(Kinds.Secret, options, ns: null);
        await Create(Secret("first", ns: "other"));
        await Create(Secret("second"));
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
        var start = await Create(Secret("start"));
        var options = selection with { ResourceVersion = start.Metadata.ResourceVersion };
        await using var live = Watch(Kinds.Secret, options);
        var first = resumed ? null : live.NextAsync();
        await Create(Secret("a"));
        await Client.PatchAsync(Kinds.Secret, Key("a"), Merge("""{"metadata":{"labels":{"on":"1"}}}"""), Write);
        await Client.PatchAsync(Kinds.Secret, Key("a"), Data("2"), Write);
        var left = await Client.PatchAsync(Kinds.Secret, Key("a"), Merge("""{"metadata":{"labels":{"hidden":"1"}},"data":{"key":"aGlkZGVu"}}"""), Write);
        await Client.PatchAsync(Kinds.Secret, Key("a"), Merge("""{"data":{"other":"eA=="}}"""), Write);
        await Client.PatchAsync(Kinds.Secret, Key("a"), Merge("""{"metadata":{"labels":{"hidden":null}},"data":{"key":"Mw=="}}"""), Write);
        await Client.DeleteAsync(Kinds.Secret, Key("a"), s_delete);
        var events = new List<WatchEvent> { first is null ? await live.NextAsync() : await first };
        while (events.Count < 5)
        {
            events.Add(await live.NextAsync());
        }
        Assert.Equal("Added,Modified,Deleted,Added,Deleted", string.Join(',', events.Select(e => e.Type)));
        Assert.Equal(Base64("2"), events[2].Object.Text("data", "key"));
        Assert.Equal(left.Version, events[2].Object.Version);
    }

    [Fact]
    public async Task Watch_ThatAsked_GetsABookmarkAfterTheFirstObjects()
    {
        await Create(Secret("a"));
        await using var watch = Watch(Kinds.Secret, new WatchOptions { AllowBookmarks = true });
        Assert.Equal(WatchEventType.Added, (await watch.NextAsync()).Type);
        var mark = await watch.NextAsync();
        Assert.Equal(WatchEventType.Bookmark, mark.Type);
        Assert.Equal("Secret", mark.Object.Kind);
        await using var resumed = Watch(Kinds.Secret, new WatchOptions { ResourceVersion = mark.Object.Metadata.ResourceVersion });
        await Create(Secret("b"));
        Assert.Equal(["Added b"], await resumed.TakeAsync(1));
    }

    [Fact]
    public async Task Versions_GrowAcrossKinds()
    {
        var start = await Create(Secret("start"));
        var options = new WatchOptions { ResourceVersion = start.Metadata.ResourceVersion };
        await using var maps = Watch(Kinds.Secret, options);
        await using var leases = Watch(Kinds.Lease, options);
        long last = 0;
        for (var i = 0; i < 10; i++)
        {
            var map = await Create(Secret($"m{i}"));
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
        await using var watch = Watch(Kinds.Secret, new WatchOptions());
        await Create(Secret("first"));
        var first = (await watch.NextAsync()).Object; // it stands: what is there when a watch begins comes in the order of keys
        var writers = Task.WhenAll(Enumerable.Range(0, 6).Select(w => Task.Run(async () =>
        {
            for (var i = 0; i < 20; i++)
            {
                await Create(Secret($"w{w}-{i}"));
                await Client.PatchAsync(Kinds.Secret, Key($"w{w}-{i}"), Data("2"), Write);
                if (i % 2 == 0)
                {
                    await Client.DeleteAsync(Kinds.Secret, Key($"w{w}-{i}"), s_delete);
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
        var list = await Client.ListAsync(Kinds.Secret, "facts", ListOptions.All);
        Assert.Equal(list.Items.Select(o => o.Version).Order(), seen.Values.Select(o => o.Version).Order());
    }
}
