using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Controllers.Tests.Autoscaler;
using Serval.Controllers.Tests.TestServices;
using Serval.Controllers.Workloads;
using Serval.Kube;

namespace Serval.Controllers.Tests.Workloads;

public sealed class GarbageCollectorTests : IAsyncLifetime
{
    private readonly ManualTime _time = new();
    private readonly LogLines<GarbageCollector> _log = new();
    private readonly FakeKubeClient _client;
    private readonly GarbageCollector _collector;

    public GarbageCollectorTests()
    {
        _client = new FakeKubeClient(_time);
        _collector = new GarbageCollector(_client, _time, _log);
    }

    public Task InitializeAsync() => _collector.StartAsync(CancellationToken.None);

    public async Task DisposeAsync() => await _collector.DisposeAsync(); // never throws, whatever failed: who stops after it is still stopped

    [Fact]
    public async Task OwnerGone_TakesTheWholeTreeWithIt()
    {
        Make("a");
        Make("b", "a");
        Make("c", "b");
        await DeleteAsync("a");
        Assert.Equal("", Left());
        Assert.Empty(_log.Lines);
    }

    [Fact]
    public async Task NewObject_WithoutAnyOwnerLeft_Goes()
    {
        Make("orphan", "never");
        await SettleAsync();
        Assert.Equal("", Left());
    }

    /// <summary>In another process than the API server's: the dependent's cache is ahead of its owner's.</summary>
    [Fact]
    public async Task Owner_ThatTheCacheDoesNotShowYet_KeepsItsOwn()
    {
        Make("a");
        _client.OnTheWay.Add(new ObjectKey("n1", "a"));
        Make("b", "a");
        for (var look = 0; look < 3; look++)
        {
            await SettleAsync();
            _time.Advance(TimeSpan.FromSeconds(1));
        }
        await SettleAsync();
        _client.OnTheWay.Clear();
        Assert.Equal("a b<a", Left());
        _time.Advance(TimeSpan.FromMinutes(1)); // the try that finds its owner: nothing backs off any longer
        await SettleAsync();
        await DeleteAsync("a");
        Assert.Equal("", Left());
        Assert.Empty(_log.Lines);
    }

    [Fact]
    public async Task Object_OfWhichOneOwnerIsLeft_StaysAndForgetsTheOther()
    {
        Make("a");
        Make("b");
        Make("c", "a", "b");
        await DeleteAsync("a");
        Assert.Equal("b c<b", Left());
    }

    [Fact]
    public async Task RefusedDelete_IsTriedAgainUntilItIsDone()
    {
        Make("a");
        Make("b", "a");
        var refusals = 3;
        _client.Refuse = w => w.ToString() == "delete ConfigMap b" && refusals-- > 0 ? new ApiException(503, "ServiceUnavailable", "not now") : null;
        await DeleteAsync("a");
        for (var i = 0; i < 3; i++)
        {
            Assert.Equal("b<a", Left());
            _time.Advance(TimeSpan.FromSeconds(1));
            await SettleAsync();
        }
        Assert.Equal("", Left());
        Assert.All(_log.Lines, l => Assert.StartsWith("Warning: garbage collection of ConfigMap n1/b", l, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Defect_AtOneObject_IsAnErrorOfThatObject_AndTheOthersGoOn()
    {
        Make("a");
        Make("b", "a");
        Make("c", "a");
        _client.Refuse = w => w.ToString() == "delete ConfigMap b" ? new InvalidOperationException("a defect") : null;
        await DeleteAsync("a");
        Assert.Equal("b<a", Left());
        Assert.StartsWith("Error: garbage collection of ConfigMap n1/b", Assert.Single(_log.Lines), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Foreground_GoesFromTheLeavesToTheRoot()
    {
        Make("a");
        Make("b", "a");
        Make("c", "b");
        Make("d", "c");
        var gone = new List<string>();
        using var watch = _client.Cache(Kinds.ConfigMap).Subscribe(c =>
        {
            if (c.Type == WatchEventType.Deleted)
            {
                gone.Add(c.New.Metadata.Name);
            }
        });
        await DeleteAsync("a", "Foreground");
        Assert.Equal(["d", "c", "b", "a"], gone);
    }

    [Fact]
    public async Task Foreground_DependentThatDropsItsReference_NoLongerHoldsItsOwner()
    {
        Make("a");
        Make("b", "a");
        await PatchAsync("b", """{"metadata":{"finalizers":["test/hold"]} }""");
        await DeleteAsync("a", "Foreground");
        Assert.Equal("a b<a", Left());
        await PatchAsync("b", """{"metadata":{"ownerReferences":null}}""");
        Assert.Equal("b", Left());
    }

    [Fact]
    public async Task Foreground_DependentOfAnotherOwnerToo_IsKeptAndReleased()
    {
        Make("a");
        Make("b");
        Make("c", "a", "b");
        await DeleteAsync("a", "Foreground");
        Assert.Equal("b c<b", Left());
    }

    [Fact]
    public async Task Foreground_Circle_IsCut()
    {
        Make("a");
        Make("b", "a");
        Make("c", "b");
        await PatchAsync("a", $$"""{"metadata":{"ownerReferences":[{{Reference("c")}}]} }""");
        Assert.Equal("a<c b<a c<b", Left());
        await DeleteAsync("a", "Foreground");
        Assert.Equal("", Left());
        Assert.Empty(_log.Lines);
    }

    [Fact]
    public async Task Orphan_LeavesDependents_WithoutTheReference()
    {
        Make("a");
        Make("b", "a");
        await DeleteAsync("a", "Orphan");
        Assert.Equal("b", Left());
    }

    [Fact]
    public async Task Orphan_WhenADependentChangesMeanwhile_LooksAgain()
    {
        Make("a");
        Make("b", "a");
        var raced = false;
        _client.Refuse = w =>
        {
            if (w.ToString() == "patch ConfigMap b" && !raced)
            {
                raced = true;
                return ApiException.Conflict(Kinds.ConfigMap, "b", "the object has been modified");
            }
            return null;
        };
        await DeleteAsync("a", "Orphan");
        Assert.Equal("a b<a", Left());
        _time.Advance(TimeSpan.FromSeconds(1));
        await SettleAsync();
        Assert.Equal("b", Left());
        Assert.Empty(_log.Lines);
    }

    private void Make(string name, params string[] owners) => _ = _client.CreateAsync(Kinds.ConfigMap, KubeObject.From(JsonNode.Parse($$"""
        {"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"{{name}}","namespace":"n1","ownerReferences":[{{string.Join(',', owners.Select(Reference))}}]} }
        """)!.AsObject()), WriteOptions.By("test")).Result;

    private static string Reference(string owner) =>
        $$"""{"apiVersion":"v1","kind":"ConfigMap","name":"{{owner}}","uid":"uid-configmaps-{{owner}}","blockOwnerDeletion":true}""";

    private async Task DeleteAsync(string name, string policy = "Background")
    {
        await _client.DeleteAsync(Kinds.ConfigMap, new ObjectKey("n1", name), new DeleteOptions { PropagationPolicy = policy });
        await SettleAsync();
    }

    private async Task PatchAsync(string name, string patch)
    {
        await _client.PatchAsync(
            Kinds.ConfigMap, new ObjectKey("n1", name), new KubePatch(PatchType.Merge, System.Text.Encoding.UTF8.GetBytes(patch)), WriteOptions.By("test"));
        await SettleAsync();
    }

    /// <summary>Waits until nothing runs; what backs off waits for the clock.</summary>
    private async Task SettleAsync()
    {
        await Poll.UntilAsync(() => _collector.Pending <= _time.Armed);
    }

    /// <summary>What is there, each with its owners.</summary>
    private string Left() => string.Join(' ', _client.Cache(Kinds.ConfigMap).List().OrderBy(o => o.Metadata.Name, StringComparer.Ordinal)
        .Select(o => $"{o.Metadata.Name}{string.Concat(o.Metadata.OwnerReferences.Select(r => "<" + r.Name))}"));
}
