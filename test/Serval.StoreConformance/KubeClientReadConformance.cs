using Serval.Api;
using Serval.Kube;
using static Serval.StoreConformance.Samples;

namespace Serval.StoreConformance;

/// <summary>Lists and watches: what any <see cref="IKubeClient"/> must hold.</summary>
public abstract class KubeClientReadConformance : KubeClientConformance
{
    [Theory]
    [InlineData("color=red", "", "a,c")]
    [InlineData("color!=red", "", "b")]
    [InlineData("color in (blue,green)", "", "b")]
    [InlineData("color", "", "a,b,c")]
    [InlineData("!color", "", "")]
    [InlineData("", "metadata.name=b", "b")]
    [InlineData("color=red", "metadata.name!=a", "c")]
    public async Task List_Selectors_Choose(string labels, string fields, string names)
    {
        await AddAsync(ConfigMap("a"));
        await AddAsync(ConfigMap("b", color: "blue"));
        await AddAsync(ConfigMap("c"));
        var found = await Client.ListAsync(Kinds.ConfigMap, "default", new ListOptions { LabelSelector = labels, FieldSelector = fields });
        Assert.Equal(names, string.Join(',', found.Items.Select(i => i.Metadata.Name)));
    }

    [Fact]
    public async Task List_Pages_AreOneConsistentPoint()
    {
        for (var i = 0; i < 7; i++)
        {
            await AddAsync(ConfigMap($"p{i}"));
        }
        var page = await Client.ListAsync(Kinds.ConfigMap, "default", new ListOptions { Limit = 3 });
        Assert.Equal(4, page.Remaining);
        await AddAsync(ConfigMap("p00"));
        await Client.DeleteAsync(Kinds.ConfigMap, Key("p5"), DeleteOptions.Background);
        var (names, version) = (page.Items.Select(i => i.Metadata.Name).ToList(), page.ResourceVersion);
        while (page.Continue.Length > 0)
        {
            page = await Client.ListAsync(Kinds.ConfigMap, "default", new ListOptions { Limit = 3, Continue = page.Continue });
            Assert.Equal(version, page.ResourceVersion);
            names.AddRange(page.Items.Select(i => i.Metadata.Name));
        }
        Assert.Equal(["p0", "p1", "p2", "p3", "p4", "p5", "p6"], names);
    }

    [Fact]
    public async Task Watch_FromAVersion_HasNoGapAndNoRepetition()
    {
        var made = await AddAsync(ConfigMap("a"));
        var expected = new List<(WatchEventType, long)>();
        for (var i = 0; i < 100; i++)
        {
            var next = await Client.UpdateAsync(Kinds.ConfigMap, ConfigMap("a", $"v{i}"), Plain);
            expected.Add((WatchEventType.Modified, next.Version));
            await AddAsync(Lease($"l{i}"));
        }
        expected.Add((WatchEventType.Deleted, (await Client.DeleteAsync(Kinds.ConfigMap, Key("a"), DeleteOptions.Background)).Version));
        var all = await Client.TakeAsync(Kinds.ConfigMap, new WatchOptions { ResourceVersion = made.Metadata.ResourceVersion }, expected.Count);
        Assert.Equal(expected, all.Select(e => (e.Type, e.Object.Version)));
        var rest = await Client.TakeAsync(Kinds.ConfigMap, new WatchOptions { ResourceVersion = $"{expected[95].Item2}" }, 5);
        Assert.Equal(expected[96..], rest.Select(e => (e.Type, e.Object.Version)));
    }

    [Fact]
    public async Task Watch_WithoutVersion_BeginsWithThePresent()
    {
        await AddAsync(ConfigMap("a"));
        await AddAsync(ConfigMap("b", color: "blue"));
        var events = await Client.TakeAsync(Kinds.ConfigMap, new WatchOptions { LabelSelector = "color=blue" }, 1);
        Assert.Equal((WatchEventType.Added, "b"), (events[0].Type, events[0].Object.Metadata.Name));
    }

    [Fact]
    public async Task Watch_OfASelector_ShowsArrivalAsAddedAndLeavingAsDeleted()
    {
        var made = await AddAsync(ConfigMap("a", color: "blue"));
        foreach (var color in (string[])["red", "red", "blue", "blue", "red"])
        {
            await Client.UpdateAsync(Kinds.ConfigMap, ConfigMap("a", Guid.NewGuid().ToString(), color), Plain);
        }
        await Client.DeleteAsync(Kinds.ConfigMap, Key("a"), DeleteOptions.Background);
        var events = await Client.TakeAsync(Kinds.ConfigMap, new WatchOptions { LabelSelector = "color=red", ResourceVersion = made.Metadata.ResourceVersion }, 5);
        Assert.Equal([WatchEventType.Added, WatchEventType.Modified, WatchEventType.Deleted, WatchEventType.Added, WatchEventType.Deleted], events.Select(e => e.Type));
        Assert.Equal(events.Select(e => e.Object.Version).Order().Distinct(), events.Select(e => e.Object.Version));
    }

    [Fact]
    public async Task Watch_FromAFutureVersion_IsExpired()
    {
        var made = await AddAsync(ConfigMap("a"));
        await RefusedAsync(410, "Expired", () => Client.TakeAsync(Kinds.ConfigMap, new WatchOptions { ResourceVersion = $"{made.Version + 1000}" }, 1));
    }

    [Fact]
    public async Task DeleteCollection_TakesWhatMatches()
    {
        await AddAsync(ConfigMap("a"));
        await AddAsync(ConfigMap("b", color: "blue"));
        await Client.DeleteCollectionAsync(Kinds.ConfigMap, "default", new ListOptions { LabelSelector = "color=red" }, DeleteOptions.Background);
        Assert.Equal("b", Assert.Single(Client.Cache(Kinds.ConfigMap).List()).Metadata.Name);
    }
}
