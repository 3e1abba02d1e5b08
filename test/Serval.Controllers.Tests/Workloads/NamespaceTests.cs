using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Kube;

namespace Serval.Controllers.Tests.Workloads;

public sealed class NamespaceTests
{
    private static readonly ObjectKey s_account = new(WorkloadWorld.Namespace, "default");

    [Fact]
    public async Task DefaultAccount_Deleted_ComesBack()
    {
        var world = new WorkloadWorld();
        await world.Client.CreateAsync(
            Kinds.Namespace,
            KubeObject.From(new JsonObject { ["apiVersion"] = "v1", ["kind"] = "Namespace", ["metadata"] = new JsonObject { ["name"] = WorkloadWorld.Namespace } }),
            WriteOptions.By("test"));
        await world.SettleAsync();
        Assert.NotNull(world.Client.Cache(Kinds.ServiceAccount).Get(s_account));
        await world.Client.DeleteAsync(Kinds.ServiceAccount, s_account, DeleteOptions.Background);
        await world.SettleAsync();
        Assert.NotNull(world.Client.Cache(Kinds.ServiceAccount).Get(s_account));
    }
}
