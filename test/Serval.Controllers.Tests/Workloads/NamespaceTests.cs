using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Admission;
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

    private static async Task OpenAsync(WorkloadWorld world)
    {
        await world.Client.CreateAsync(
            Kinds.Namespace,
            KubeObject.From(new JsonObject { ["apiVersion"] = "v1", ["kind"] = "Namespace", ["metadata"] = new JsonObject { ["name"] = WorkloadWorld.Namespace } }),
            WriteOptions.By("test"));
        await world.SettleAsync();
    }
}
