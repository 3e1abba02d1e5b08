using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Policy;

namespace Serval.Controllers.Tests.Workloads;

/// <summary>What PodDisruptionBudgets say of the pods they select: allowed / healthy / desired / expected.</summary>
public sealed class DisruptionTests
{
    private readonly WorkloadWorld _world = new();

    [Theory]
    [InlineData("\"minAvailable\":2", "2/4/2/4")]
    [InlineData("\"minAvailable\":\"50%\"", "2/4/2/4")]
    [InlineData("\"minAvailable\":\"30%\"", "2/4/2/4")] // rounded up
    [InlineData("\"maxUnavailable\":1", "1/4/3/4")]
    [InlineData("\"maxUnavailable\":\"100%\"", "4/4/0/4")]
    [InlineData("\"minAvailable\":9", "0/4/9/4")]
    public async Task FourReadyPods(string spec, string expected)
    {
        await _world.DeployReadyAsync(4);
        await BudgetAsync(spec);
        Assert.Equal(expected, State);
    }

    [Fact]
    public async Task Status_FollowsThePods()
    {
        await BudgetAsync("\"minAvailable\":1");
        Assert.Equal("0/0/1/0", State); // nothing to take from
        await _world.DeployReadyAsync(2);
        Assert.Equal("1/2/1/2", State);
        await _world.ReadyAsync(_world.Pods[0], ready: false);
        await _world.RestAsync();
        Assert.Equal("0/1/1/2", State);
        Assert.Equal("False", Condition.Status);
    }

    [Fact]
    public async Task PodThatMayGo_CountsAsGone_ForTwoMinutes()
    {
        await _world.DeployReadyAsync(2);
        await BudgetAsync("\"minAvailable\":1");
        Assert.Equal("True", Condition.Status);
        await _world.PatchAsync(PolicyKinds.PodDisruptionBudget, "b", new JsonObject
        {
            ["status"] = new JsonObject { ["disruptedPods"] = new JsonObject { [_world.Pods[0].Metadata.Name] = KubeTime.Text(_world.Time.GetUtcNow()) } },
        }.ToJsonString());
        await _world.RestAsync();
        Assert.Equal("0/1/1/2", State);
        await _world.PassAsync(TimeSpan.FromMinutes(2));
        Assert.Equal("1/2/1/2", State);
        Assert.Empty(Budget.Status.DisruptedPods);
    }

    [Fact]
    public async Task PodWithoutAScale_MakesAShareUnknown()
    {
        _world.Create(Kinds.Pod, """
            {"metadata":{"name":"p","labels":{"app":"d"},"ownerReferences":[{"apiVersion":"v1","kind":"Odd","name":"o","uid":"u","controller":true}]},"spec":{"containers":[]}}
            """);
        await BudgetAsync("\"maxUnavailable\":1");
        Assert.Equal(("SyncFailed", "found no controllers for pod \"p\""), (Condition.Reason, Condition.Message));
    }

    private PodDisruptionBudget Budget =>
        _world.Client.Cache(PolicyKinds.PodDisruptionBudget).Get(new ObjectKey(WorkloadWorld.Namespace, "b"))!.As<PodDisruptionBudget>();

    private string State => Budget.Status is var s ? $"{s.DisruptionsAllowed}/{s.CurrentHealthy}/{s.DesiredHealthy}/{s.ExpectedPods}" : "";

    private Condition Condition => Assert.Single(Budget.Status.Conditions);

    private async Task BudgetAsync(string spec)
    {
        _world.Create(PolicyKinds.PodDisruptionBudget, """{"metadata":{"name":"b"},"spec":{"selector":{"matchLabels":{"app":"d"}},""" + spec + "}}");
        await _world.RestAsync();
    }
}
