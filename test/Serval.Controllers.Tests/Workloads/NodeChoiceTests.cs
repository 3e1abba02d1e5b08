using Serval.Api;
using Serval.Api.Core;

namespace Serval.Controllers.Tests.Workloads;

public sealed class NodeChoiceTests
{
    /// <summary>The Node of a machine's former name still says that it is ready, and nobody runs there.</summary>
    [Fact]
    public async Task Pod_AmongSeveralNodes_GetsTheOneThatWasHeardOfLast()
    {
        var world = new WorkloadWorld();
        CreateNode(world, "a-former", "True", "2026-01-01T10:00:00Z");
        CreateNode(world, "b-broken", "False", "2026-01-01T12:00:00Z");
        CreateNode(world, "c-present", "True", "2026-01-01T11:00:00Z");
        world.Create(Kinds.Node, """{"metadata":{"name":"d-by-hand"}}""");
        world.Create(Kinds.Pod, """{"metadata":{"name":"bare"},"spec":{"containers":[{"name":"c","image":"1"}]}}""");
        await world.DeployAsync(1);
        Assert.Equal(2, world.Pods.Count);
        Assert.All(world.Pods, p => Assert.Equal("c-present", p.As<Pod>().Spec.NodeName));
    }

    private static void CreateNode(WorkloadWorld world, string name, string ready, string heard) => world.Create(
        Kinds.Node, $$"""{"metadata":{"name":"{{name}}"},"status":{"conditions":[{"type":"Ready","status":"{{ready}}","lastHeartbeatTime":"{{heard}}"}]} }""");
}
