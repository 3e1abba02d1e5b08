using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Controllers.Tests.Autoscaler;
using Serval.Controllers.Workloads;
using Serval.Kube;

namespace Serval.Controllers.Tests.Workloads;

public sealed class EndpointsTests
{
    private readonly FakeKubeClient _client = new(new ManualTime());

    /// <summary>Maps run on the thread that publishes every write: what one pod costs there must not grow with the Services beside it.</summary>
    [Fact]
    public async Task PodEvent_AmongManyServices_CostsWhatItCostsAmongFew()
    {
        await CreateServicesAsync(0, 10);
        var few = CostOfAPodEvent("r5", "s5");
        await CreateServicesAsync(10, 1500);
        var many = CostOfAPodEvent("r1234", "s1234");
        Assert.True(many <= few + 1024, $"a pod's event allocates {few} bytes among 10 Services and {many} among 1500");
    }

    private long CostOfAPodEvent(string revision, string service)
    {
        var reconciler = new EndpointsReconciler(_client);
        var watches = reconciler.Watches.ToList();
        foreach (var watch in watches.Where(w => w.Kind == Kinds.Service))
        {
            foreach (var stored in _client.Cache(Kinds.Service).List())
            {
                Assert.Empty(watch.Map(new CacheChange(WatchEventType.Added, stored, null)));
            }
        }
        var map = watches.Single(w => w.Kind == Kinds.Pod).Map;
        var pod = KubeObject.From(JsonNode.Parse($$"""
            {"apiVersion":"v1","kind":"Pod","metadata":{"name":"p","namespace":"n1","labels":{"app":"a","revision":"{{revision}}"} } }
            """)!.AsObject());
        Assert.Equal([service], map(new CacheChange(WatchEventType.Added, pod, null)).Select(k => k.Name));
        var before = GC.GetAllocatedBytesForCurrentThread();
        _ = map(new CacheChange(WatchEventType.Added, pod, null)).Count();
        return GC.GetAllocatedBytesForCurrentThread() - before;
    }

    private async Task CreateServicesAsync(int from, int to)
    {
        for (var i = from; i < to; i++)
        {
            await _client.CreateAsync(Kinds.Service, KubeObject.From(JsonNode.Parse($$"""
                {"apiVersion":"v1","kind":"Service","metadata":{"name":"s{{i}}","namespace":"n1"},"spec":{"selector":{"app":"a","revision":"r{{i}}"} } }
                """)!.AsObject()), WriteOptions.By("test"));
        }
    }
}
