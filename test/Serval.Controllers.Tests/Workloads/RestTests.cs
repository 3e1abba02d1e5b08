using Serval.Api;

namespace Serval.Controllers.Tests.Workloads;

/// <summary>What is as it should be is not written again, whatever empty values its makers, or users, would have had in it.</summary>
public sealed class RestTests
{
    private readonly WorkloadWorld _world = new();

    [Fact]
    public async Task Everything_WithEmptyValues_IsWrittenOnce()
    {
        _world.Create(Kinds.Namespace, """{"metadata":{"name":"n1","labels":{}}}""");
        _world.Create(Kinds.Service, """{"metadata":{"name":"s","labels":{}},"spec":{"selector":{"app":"d"},"ports":[{"name":"","port":80,"protocol":"TCP"}]}}""");
        _world.Create(Kinds.Service, """{"metadata":{"name":"nobody"},"spec":{"selector":{"app":"none"},"ports":[{"port":80,"protocol":"TCP"}]}}""");
        _world.Create(Kinds.ResourceQuota, """{"metadata":{"name":"pods"},"spec":{"hard":{"pods":"9"}}}""");
        _world.Create(Kinds.ResourceQuota, """{"metadata":{"name":"uncounted"},"spec":{"hard":{"services":"5"}}}""");
        _world.Create(PolicyKinds.PodDisruptionBudget, """{"metadata":{"name":"b"},"spec":{"minAvailable":0,"selector":{"matchLabels":{"app":"d"},"matchExpressions":[]}}}""");
        _world.Create(BatchKinds.Job, """
            {"metadata":{"name":"j"},"spec":{"parallelism":1,"completions":1,"backoffLimit":0,"completionMode":"NonIndexed","suspend":false,"selector":{"matchLabels":{"job":"j"}},
             "template":{"metadata":{"labels":{"job":"j"},"annotations":{}},"spec":{"restartPolicy":"Never","containers":[{"name":"c","image":"1","args":[]}]}}}}
            """);
        await _world.DeployReadyAsync(2, """
            {"minReadySeconds":0,"paused":false,"template":{"metadata":{"labels":{"app":"d"},"annotations":{}},"spec":{"hostNetwork":false,"nodeSelector":{},
             "containers":[{"name":"c","image":"1","args":[],"workingDir":"","env":[{"name":"A","value":""}]}]}}}
            """);
        await _world.DeployAsync(0, name: "none");
        await _world.PassAsync(TimeSpan.FromMinutes(5));

        _world.Client.TakeWrites();
        await _world.LookAgainAsync();
        Assert.Empty(_world.Client.TakeWrites());
    }
}
