using Serval.Api;
using Serval.Kube;

namespace Serval.Controllers.Tests.Workloads;

/// <summary>Adoption and release (apps/v1: controller references).</summary>
public sealed class ChildClaimsTests
{
    private readonly WorkloadWorld _world = new();

    [Fact]
    public async Task Pod_ThatNoLongerMatches_IsReleasedAndReplaced()
    {
        await _world.DeployReadyAsync(2);
        var odd = _world.Pods[0].Metadata.Name;
        await _world.PatchAsync(Kinds.Pod, odd, """{"metadata":{"labels":{"app":null}}}""");
        Assert.Equal(3, _world.Pods.Count);
        Assert.Null(_world.Pods.Single(p => p.Metadata.Name == odd).Metadata.ControllerRef);
        Assert.Equal(2, _world.Pods.Count(p => p.Metadata.ControllerRef is not null));
    }

    [Fact]
    public async Task Pod_ThatMatchesAgain_IsTakenBackAndOneIsTooMany()
    {
        await _world.DeployReadyAsync(2);
        var odd = _world.Pods[0].Metadata.Name;
        await _world.PatchAsync(Kinds.Pod, odd, """{"metadata":{"labels":{"app":null}}}""");
        await _world.PatchAsync(Kinds.Pod, odd, """{"metadata":{"labels":{"app":"d"}}}""");
        await _world.RestAsync();
        Assert.Equal(2, _world.Pods.Count);
        Assert.All(_world.Pods, p => Assert.NotNull(p.Metadata.ControllerRef));
    }

    [Fact]
    public async Task BarePod_ThatASetSelects_IsAdopted_OthersAreLeftAlone()
    {
        _world.Create(Kinds.Pod, """{"metadata":{"name":"mine","labels":{"app":"x"}},"spec":{"containers":[{"name":"c","image":"1"}]}}""");
        _world.Create(Kinds.Pod, """{"metadata":{"name":"other","labels":{"app":"y"}},"spec":{"containers":[{"name":"c","image":"1"}]}}""");
        await CreateSetAsync(replicas: 2);
        Assert.Equal("mine other x-2", string.Join(' ', _world.Pods.Select(p => p.Metadata.Name.Split('.')[0]).Select(n => n.StartsWith("x-", StringComparison.Ordinal) ? "x-2" : n)));
        Assert.Equal("x", Controller("mine"));
        Assert.Equal("", Controller("other"));

        // After the set, too; then one is too many, the one that is not ready.
        await _world.ReadyAllAsync(p => p.Metadata.Name != "other");
        _world.Create(Kinds.Pod, """{"metadata":{"name":"late","labels":{"app":"x"}},"spec":{"containers":[{"name":"c","image":"1"}]}}""");
        await _world.RestAsync();
        Assert.DoesNotContain(_world.Pods, p => p.Metadata.Name == "late");
        Assert.Equal(3, _world.Pods.Count);
    }

    /// <summary>A set that was deleted behind the cache's back adopts nobody: the garbage collector would take them with it.</summary>
    [Fact]
    public async Task BarePod_IsNotAdoptedByASetThatIsGone()
    {
        _world.Create(Kinds.Pod, """{"metadata":{"name":"mine","labels":{"app":"x"}},"spec":{"containers":[{"name":"c","image":"1"}]}}""");
        _world.Client.Gone.Add(new ObjectKey(WorkloadWorld.Namespace, "x"));
        await CreateSetAsync(replicas: 0);
        Assert.Equal("", Controller("mine"));
    }

    [Fact]
    public async Task Pod_OfAnotherController_IsNotTaken()
    {
        _world.Create(Kinds.Pod, """
            {"metadata":{"name":"mine","labels":{"app":"x"},"ownerReferences":[{"apiVersion":"batch/v1","kind":"Job","name":"j","uid":"u","controller":true}]},
             "spec":{"containers":[{"name":"c","image":"1"}]}}
            """);
        await CreateSetAsync(replicas: 1);
        Assert.Equal("j", Controller("mine"));
        Assert.Equal(2, _world.Pods.Count);
    }

    /// <summary><c>kubectl delete deployment --cascade=orphan</c>, and the same Deployment again: nothing restarts.</summary>
    [Fact]
    public async Task Deployment_MadeAnew_AdoptsTheReplicaSetItFinds()
    {
        await _world.DeployReadyAsync(2);
        var pods = _world.Pods.Select(p => p.Metadata.Name).ToList();
        var set = Assert.Single(_world.Sets).Metadata.Name;
        await _world.Client.DeleteAsync(Kinds.Deployment, new ObjectKey(WorkloadWorld.Namespace, "d"), DeleteOptions.Background);
        await _world.PatchAsync(Kinds.ReplicaSet, set, """{"metadata":{"ownerReferences":null}}"""); // as the garbage collector orphans it

        await _world.DeployAsync(2);
        await _world.RestAsync();
        Assert.Equal("d", Assert.Single(_world.Sets).Metadata.ControllerRef?.Name);
        Assert.Equal(pods, _world.Pods.Select(p => p.Metadata.Name));
        Assert.Equal("True NewReplicaSetAvailable", _world.Condition("Progressing"));
    }

    private string Controller(string pod) => _world.Pods.Single(p => p.Metadata.Name == pod).Metadata.ControllerRef?.Name ?? "";

    private async Task CreateSetAsync(int replicas)
    {
        _world.Create(Kinds.ReplicaSet, $$"""
            {"metadata":{"name":"x"},"spec":{"replicas":{{replicas}},"selector":{"matchLabels":{"app":"x"} },
             "template":{"metadata":{"labels":{"app":"x"} },"spec":{"containers":[{"name":"c","image":"1"}]} } } }
            """);
        await _world.SettleAsync();
    }
}
