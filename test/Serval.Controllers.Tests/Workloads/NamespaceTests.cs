using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Admission;
using Serval.Controllers.Tests.Autoscaler;
using Serval.Controllers.Workloads;
using Serval.Kube;

namespace Serval.Controllers.Tests.Workloads;

public sealed class NamespaceTests
{
    private static readonly ObjectKey s_account = new(WorkloadWorld.Namespace, "default");

    [Fact]
    public async Task DefaultAccount_Deleted_ComesBack()
    {
        var world = new WorkloadWorld();
        await OpenAsync(world);
        Assert.NotNull(world.Client.Cache(Kinds.ServiceAccount).Get(s_account));
        await world.Client.DeleteAsync(Kinds.ServiceAccount, s_account, DeleteOptions.Background);
        await world.SettleAsync();
        Assert.NotNull(world.Client.Cache(Kinds.ServiceAccount).Get(s_account));
    }

    [Fact]
    public async Task Authority_ChangedOrDeleted_ComesBack()
    {
        var world = new WorkloadWorld();
        await OpenAsync(world);
        Assert.Equal(WorkloadWorld.RootCa, Authority());
        await world.PatchAsync(Kinds.ConfigMap, AccountMount.RootCa, """{"data":{"ca.crt":"mine"}}""");
        Assert.Equal(WorkloadWorld.RootCa, Authority());
        await world.Client.DeleteAsync(Kinds.ConfigMap, new ObjectKey("n1", AccountMount.RootCa), DeleteOptions.Background);
        await world.SettleAsync();
        Assert.Equal(WorkloadWorld.RootCa, Authority());

        string? Authority() => (string?)world.Client.Cache(Kinds.ConfigMap).Get(new ObjectKey("n1", AccountMount.RootCa))!.ToTree()["data"]!["ca.crt"];
    }

    /// <summary>What another process wrote before the end is not lost from sight: the namespace waits until the cache shows it too.</summary>
    [Fact]
    public async Task Namespace_ThatGoes_WaitsForWhatTheCacheDoesNotShowYet()
    {
        var client = new FakeKubeClient(new ManualTime());
        await client.CreateAsync(
            Kinds.Namespace,
            KubeObject.From(new JsonObject
            {
                ["apiVersion"] = "v1", ["kind"] = "Namespace", ["metadata"] = new JsonObject { ["name"] = "n1", ["finalizers"] = new JsonArray("test/hold") },
                ["spec"] = new JsonObject { ["finalizers"] = new JsonArray("kubernetes") },
            }),
            WriteOptions.By("test"));
        var late = new JsonObject { ["apiVersion"] = "v1", ["kind"] = "ConfigMap", ["metadata"] = new JsonObject { ["name"] = "late", ["namespace"] = "n1" } };
        client.OnTheWay.Add((await client.CreateAsync(Kinds.ConfigMap, KubeObject.From(late), WriteOptions.By("test"))).Key);
        await client.DeleteAsync(Kinds.Namespace, ObjectKey.Cluster("n1"), DeleteOptions.Background);
        var reconciler = new NamespaceReconciler(client, rootCa: null);
        Assert.NotNull((await reconciler.ReconcileAsync(ObjectKey.Cluster("n1"), CancellationToken.None)).RequeueAfter);
        Assert.Equal(1, Finalizers());
        client.OnTheWay.Clear();
        await reconciler.ReconcileAsync(ObjectKey.Cluster("n1"), CancellationToken.None);
        Assert.Empty(client.Cache(Kinds.ConfigMap).List());
        await reconciler.ReconcileAsync(ObjectKey.Cluster("n1"), CancellationToken.None);
        Assert.Equal(0, Finalizers());

        int Finalizers() => ((JsonArray)client.Cache(Kinds.Namespace).Get(ObjectKey.Cluster("n1"))!.ToTree()["spec"]!["finalizers"]!).Count;
    }

    private static async Task OpenAsync(WorkloadWorld world)
    {
        await world.Client.CreateAsync(
            Kinds.Namespace,
            KubeObject.From(new JsonObject { ["apiVersion"] = "v1", ["kind"] = "Namespace", ["metadata"] = new JsonObject { ["name"] = WorkloadWorld.Namespace } }),
            WriteOptions.By("test"));
        await world.SettleAsync();
    }
}
