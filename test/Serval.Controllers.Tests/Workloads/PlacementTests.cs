using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Apps;
using Serval.Api.Core;
using Serval.Kube;

namespace Serval.Controllers.Tests.Workloads;

/// <summary>Pods that find no place, and those whose making is refused.</summary>
public sealed class PlacementTests
{
    private const string Hungry = """{"template":{"metadata":{"labels":{"app":"d"}},"spec":{"containers":[{"name":"c","image":"1","resources":{"requests":{"cpu":"600m"}}}]}}}""";

    private readonly WorkloadWorld _world = new();

    [Fact]
    public async Task Pod_ThatDoesNotFit_WaitsAndSaysWhy_AndIsBoundWhenRoomAppears()
    {
        AddNode();
        await _world.DeployAsync(4, Hungry);
        var (bound, waiting) = (Bound(), Waiting());
        Assert.Equal((3, 1), (bound.Count, waiting.Count));
        var condition = Assert.Single(waiting[0].As<Pod>().Status.Conditions);
        Assert.Equal(("PodScheduled", "False", "Unschedulable", "0/1 nodes are available: 1 Insufficient cpu."), (condition.Type, condition.Status, condition.Reason, condition.Message));
        Assert.Equal(1, condition.ObservedGeneration);

        await _world.PatchAsync(Kinds.Pod, bound[0].Metadata.Name, """{"status":{"phase":"Failed"}}""");
        Assert.Equal(3, Bound().Count(p => p.As<Pod>().Status.Phase != "Failed")); // it, or the failed one's successor
    }

    /// <summary>kubernetes.io/docs: Pod Scheduling Readiness.</summary>
    [Fact]
    public async Task Pod_BehindAGate_IsMadeWithoutANode_AndBoundWhenTheGateIsGone()
    {
        AddNode();
        await _world.DeployAsync(1, """{"template":{"metadata":{"labels":{"app":"d"}},"spec":{"schedulingGates":[{"name":"example.com/wait"}],"containers":[{"name":"c","image":"1"}]}}}""");
        var waiting = Assert.Single(Waiting());
        var condition = Assert.Single(waiting.As<Pod>().Status.Conditions);
        Assert.Equal(("PodScheduled", "False", "SchedulingGated", 0), (condition.Type, condition.Status, condition.Reason, condition.ObservedGeneration));

        await _world.PatchAsync(Kinds.Pod, waiting.Metadata.Name, """{"spec":{"schedulingGates":null}}""");
        Assert.Single(Bound());
    }

    [Fact]
    public async Task Pod_ThatWaits_IsToldOfOnce()
    {
        AddNode();
        await _world.DeployAsync(4, Hungry);
        _world.Client.TakeWrites();
        await _world.PatchAsync(Kinds.Node, "m", """{"metadata":{"labels":{"x":"y"}}}""");
        await _world.RestAsync();
        Assert.DoesNotContain(_world.Client.TakeWrites(), w => w.Kind == Kinds.Pod);
    }

    [Fact]
    public async Task Pod_ThatWaits_IsBoundWhenTheNodeGrows()
    {
        AddNode();
        await _world.DeployAsync(4, Hungry);
        await _world.PatchAsync(Kinds.Node, "m", """{"status":{"allocatable":{"cpu":"4"}}}""");
        Assert.Equal(4, Bound().Count);
    }

    [Fact]
    public async Task Pod_WithoutANode_SaysThatThereIsNone()
    {
        await _world.DeployAsync(1);
        Assert.Equal("no nodes available to schedule pods", Assert.Single(Waiting()).As<Pod>().Status.Conditions[0].Message);
        AddNode();
        await _world.SettleAsync();
        Assert.Empty(Waiting());
    }

    [Fact]
    public async Task ScaleDown_TakesThePodsWithoutAPlaceFirst()
    {
        AddNode();
        await _world.DeployAsync(4, Hungry);
        await _world.PatchAsync("""{"replicas":3}""");
        Assert.Empty(Waiting());
        Assert.Equal(3, Bound().Count);
    }

    /// <summary>No write more than a pod that fits by itself.</summary>
    [Fact]
    public async Task Pod_ThatFits_IsBornWithItsNode()
    {
        AddNode();
        _world.Client.TakeWrites();
        await _world.DeployAsync(1, Hungry);
        Assert.Equal(["create Pod"], _world.Client.TakeWrites().Where(w => w.Kind == Kinds.Pod).Select(w => $"{w.Verb} {w.Kind.Kind}"));
    }

    [Fact]
    public async Task RefusedPods_AreAFailureOfSetAndDeployment_UntilTheyAreMade()
    {
        const string Why = "pods \"p\" is forbidden: exceeded quota: q, requested: pods=1, used: pods=2, limited: pods=2";
        AddNode();
        var refuse = true;
        _world.Client.Refuse = w => refuse && w.ToString().StartsWith("create Pod", StringComparison.Ordinal) ? new ApiException(403, "Forbidden", Why) : null;
        await _world.DeployAsync(3);
        var failure = Assert.Single(_world.Sets[0].As<ReplicaSet>().Status.Conditions);
        Assert.Equal(("ReplicaFailure", "True", "FailedCreate", Why), (failure.Type, failure.Status, failure.Reason, failure.Message));
        await _world.RestAsync();
        Assert.Equal("True FailedCreate", _world.Condition("ReplicaFailure"));
        Assert.Equal(Why, _world.Deployment().As<Deployment>().Status.Conditions.Single(c => c.Type == "ReplicaFailure").Message);

        refuse = false;
        _world.Create(Kinds.ResourceQuota, """{"metadata":{"name":"q"},"spec":{"hard":{"pods":"9"}}}"""); // a quota that changes is a reason to try again
        await _world.SettleAsync();
        await _world.RestAsync();
        Assert.Equal(3, Bound().Count);
        Assert.Equal("absent", _world.Condition("ReplicaFailure"));
        Assert.Empty(_world.Sets[0].As<ReplicaSet>().Status.Conditions);
    }

    [Fact]
    public async Task RefusedSet_IsSaidByTheDeployment_UntilItIsMade()
    {
        AddNode();
        var refuse = true;
        _world.Client.Refuse = w => refuse && w.ToString().StartsWith("create ReplicaSet", StringComparison.Ordinal) ? new ApiException(422, "Invalid", "no good") : null;
        await _world.DeployAsync(1);
        var said = _world.Deployment().As<Deployment>().Status.Conditions.Single(c => c.Type == "Progressing");
        Assert.Equal(("False", "ReplicaSetCreateError"), (said.Status, said.Reason));
        Assert.Matches("^Failed to create new replica set \"[a-z0-9-]+\": no good$", said.Message);

        refuse = false;
        await _world.PatchAsync("""{"replicas":2}""");
        await _world.RestAsync();
        Assert.Equal(2, Bound().Count);
        Assert.StartsWith("True ", _world.Condition("Progressing"), StringComparison.Ordinal);
    }

    /// <summary>A status trails its cause: between two refusals a set may be made of which the Deployment has told nothing.</summary>
    [Fact]
    public async Task RefusedSet_AfterOneThatWasMade_IsTheOneThatIsTold()
    {
        AddNode();
        var refuse = true;
        _world.Client.Refuse = w => refuse && w.ToString().StartsWith("create ReplicaSet", StringComparison.Ordinal) ? new ApiException(422, "Invalid", "no good") : null;
        await _world.DeployAsync(1);
        var first = Told();
        refuse = false;
        await _world.PatchAsync("""{"replicas":2}""");
        Assert.Equal(first, Told()); // its status trails
        _world.Time.Advance(TimeSpan.FromSeconds(1));

        refuse = true;
        await _world.RollAsync("2");

        var second = Told();
        Assert.NotEqual(first.Message, second.Message);
        Assert.True(second.LastUpdateTime > first.LastUpdateTime, $"{second.LastUpdateTime}");

        await _world.LookAgainAsync();
        Assert.Equal(second, Told()); // told once

        Condition Told() => _world.Deployment().As<Deployment>().Status.Conditions.Single(c => c is { Type: "Progressing", Status: "False", Reason: "ReplicaSetCreateError" });
    }

    [Fact]
    public async Task Quota_SaysWhatItsNamespaceUses()
    {
        AddNode();
        _world.Create(Kinds.ResourceQuota, """{"metadata":{"name":"q"},"spec":{"hard":{"pods":"9","requests.cpu":"2","services":"5"}}}""");
        await _world.DeployAsync(2, Hungry);
        await _world.RestAsync();
        Assert.Equal("""{"hard":{"pods":"9","requests.cpu":"2"},"used":{"pods":"2","requests.cpu":"1200m"}}""", Status());
        await _world.PatchAsync("""{"replicas":0}""");
        foreach (var pod in _world.Client.Cache(Kinds.Pod).List())
        {
            await _world.Client.DeleteAsync(Kinds.Pod, pod.Key, new DeleteOptions { GracePeriodSeconds = 0 });
        }
        await _world.RestAsync();
        Assert.Equal("""{"hard":{"pods":"9","requests.cpu":"2"},"used":{"pods":"0","requests.cpu":"0"}}""", Status());

        string Status() => JsonNode.Parse(_world.Client.Cache(Kinds.ResourceQuota).List()[0].Member("status").Span)!.ToJsonString();
    }

    private void AddNode() =>
        _world.Create(Kinds.Node, """{"metadata":{"name":"m"},"status":{"allocatable":{"cpu":"2","pods":"100"}}}""");

    private List<KubeObject> Bound() => [.. _world.Pods.Where(p => p.As<Pod>().Spec.NodeName == "m")];

    private List<KubeObject> Waiting() => [.. _world.Pods.Where(p => p.As<Pod>().Spec.NodeName.Length == 0)];
}
