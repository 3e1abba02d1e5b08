using Serval.Api;
using Serval.Api.Apps;
using Serval.Api.Core;
using Serval.Controllers.Workloads;
using Serval.Kube;

namespace Serval.Controllers.Tests.Workloads;

/// <summary>Deployments with their ReplicaSets and pods, from event to event (apps/v1).</summary>
public sealed class DeploymentTests
{
    private const string Revision = RolloutHistory.RevisionAnnotation;

    private readonly WorkloadWorld _world = new();

    /// <summary>A template that lost what was empty in it has another hash; upstream compares templates, too (deployment/util: FindNewReplicaSet).</summary>
    [Fact]
    public async Task SetOfTheSameTemplate_WithAnotherHash_IsItsSet()
    {
        await _world.DeployReadyAsync(2);
        var set = Assert.Single(_world.Sets);
        var other = set.ToTree();
        var metadata = other["metadata"]!.AsObject();
        foreach (var labels in new[] { metadata["labels"]!, other["spec"]!["selector"]!["matchLabels"]!, other["spec"]!["template"]!["metadata"]!["labels"]! })
        {
            labels["pod-template-hash"] = "before";
        }
        foreach (var pod in _world.Pods)
        {
            await _world.PatchAsync(Kinds.Pod, pod.Metadata.Name, """{"metadata":{"labels":{"pod-template-hash":"before"}}}""");
        }
        await _world.Client.UpdateAsync(Kinds.ReplicaSet, KubeObject.From(other), WriteOptions.By("test"));
        var pods = _world.Pods.Select(p => p.Metadata.Uid).ToList();
        await _world.LookAgainAsync();
        Assert.Equal("2", _world.Sizes);
        Assert.Equal(pods, _world.Pods.Select(p => p.Metadata.Uid));

        await _world.RollAsync("2"); // and a new template gets one of its own
        await _world.ReadyAllAsync();
        Assert.Equal("0 2", _world.Sizes);
    }

    [Fact]
    public async Task ScaledUp_CompleteDeployment_DoesNotRunOutOfTime()
    {
        await _world.DeployReadyAsync(1);
        await _world.PatchAsync("""{"replicas":5}""");
        for (var i = 0; i < 3; i++)
        {
            await _world.ReadyAsync(_world.Pods.First(p => !WorkloadWorld.IsReady(p)));
        }
        await _world.PassAsync(TimeSpan.FromHours(1));
        Assert.Equal(4, _world.Deployment().As<Deployment>().Status.AvailableReplicas);
        Assert.Equal("True NewReplicaSetAvailable", _world.Condition("Progressing"));
    }

    [Fact]
    public async Task BadRollout_BesideAvailablePods_RunsOutOfTime_AndIsForgivenWhenItMovesAgain()
    {
        await _world.DeployReadyAsync(4);
        await _world.PassAsync(TimeSpan.FromHours(1));
        await _world.RollAsync("bad");
        await _world.PassAsync(TimeSpan.FromSeconds(500));
        Assert.Equal("True ReplicaSetUpdated", _world.Condition("Progressing"));
        await _world.PassAsync(TimeSpan.FromSeconds(120));
        Assert.Equal("False ProgressDeadlineExceeded", _world.Condition("Progressing"));
        Assert.Equal("True MinimumReplicasAvailable", _world.Condition("Available"));

        await _world.ReadyAsync(_world.Pods.First(p => !WorkloadWorld.IsReady(p)));
        await _world.RestAsync();
        Assert.Equal("True ReplicaSetUpdated", _world.Condition("Progressing"));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(-1)]
    public async Task BadRollout_WallClockSteps_RunsOutOfItsTimeAllTheSame(int hours)
    {
        await _world.DeployReadyAsync(4);
        await _world.RollAsync("bad");
        await _world.PassAsync(TimeSpan.FromSeconds(300));
        _world.Time.StepWallClock(TimeSpan.FromHours(hours));
        await _world.PatchAsync(Kinds.Deployment, "d", """{"metadata":{"annotations":{"a":"b"}}}"""); // something makes it look
        await _world.PassAsync(TimeSpan.FromSeconds(200));
        Assert.Equal("True ReplicaSetUpdated", _world.Condition("Progressing"));
        await _world.PassAsync(TimeSpan.FromSeconds(120));
        Assert.Equal("False ProgressDeadlineExceeded", _world.Condition("Progressing"));
    }

    [Fact]
    public async Task WallClock_SetBack_KeepsPodsAvailable()
    {
        await _world.DeployReadyAsync(2);
        await _world.PatchAsync("""{"minReadySeconds":30}""");
        await _world.PassAsync(TimeSpan.FromMinutes(1));
        _world.Time.StepWallClock(TimeSpan.FromHours(-1));
        await _world.PatchAsync("""{"replicas":3}""");
        await _world.RestAsync();
        Assert.Equal(2, _world.Deployment().As<Deployment>().Status.AvailableReplicas);
    }

    [Fact]
    public async Task ProgressOfAnyPod_StartsTheDeadlineAnew()
    {
        await _world.DeployAsync(3);
        for (var i = 0; i < 3; i++)
        {
            await _world.PassAsync(TimeSpan.FromSeconds(590));
            Assert.Equal("True ReplicaSetUpdated", _world.Condition("Progressing"));
            await _world.ReadyAsync(_world.Pods.First(p => !WorkloadWorld.IsReady(p)));
        }
        await _world.RestAsync();
        Assert.Equal("True NewReplicaSetAvailable", _world.Condition("Progressing"));
    }

    [Fact]
    public async Task NewTemplate_AfterATimeout_BeginsItsOwnTime()
    {
        await _world.DeployAsync(2);
        await _world.PassAsync(TimeSpan.FromSeconds(700));
        Assert.Equal("False ProgressDeadlineExceeded", _world.Condition("Progressing"));
        await _world.RollAsync("2");
        await _world.PassAsync(TimeSpan.FromSeconds(500));
        Assert.StartsWith("True ", _world.Condition("Progressing"), StringComparison.Ordinal);
        await _world.PassAsync(TimeSpan.FromSeconds(200));
        Assert.Equal("False ProgressDeadlineExceeded", _world.Condition("Progressing"));
    }

    [Fact]
    public async Task Available_MeansTheWantedLessMaxUnavailable()
    {
        await _world.DeployAsync(4);
        await _world.RestAsync();
        Assert.Equal("False MinimumReplicasUnavailable", _world.Condition("Available"));
        for (var i = 0; i < 3; i++)
        {
            await _world.ReadyAsync(_world.Pods.First(p => !WorkloadWorld.IsReady(p)));
        }
        await _world.RestAsync();
        Assert.Equal("True MinimumReplicasAvailable", _world.Condition("Available"));
    }

    [Fact]
    public async Task History_KeepsTheLatest_UpToItsLimit()
    {
        await _world.DeployReadyAsync(1, """{"revisionHistoryLimit":3}""");
        for (var i = 2; i <= 7; i++)
        {
            await _world.RollAsync($"{i}");
            await _world.ReadyAllAsync();
        }
        Assert.Equal(["4", "5", "6", "7"], _world.Sets.Select(s => s.Metadata.Annotation(Revision)));
        Assert.Equal("7", _world.Deployment().Metadata.Annotation(Revision));
    }

    /// <summary>What <c>kubectl rollout undo</c> does: the template of an earlier set becomes the Deployment's.</summary>
    [Fact]
    public async Task RollBack_TakesTheOldSetAgain_UnderANewNumber()
    {
        await _world.DeployReadyAsync(2);
        await _world.RollAsync("2");
        await _world.ReadyAllAsync();
        await _world.RollAsync("1");
        await _world.ReadyAllAsync();
        Assert.Equal(["2 0", "3 2"], _world.Sets.Select(s => $"{s.Metadata.Annotation(Revision)} {s.As<ReplicaSet>().Spec.Replicas}"));
        Assert.Equal("1", _world.Sets[1].Metadata.Annotation(RolloutHistory.EarlierAnnotation));
        Assert.Equal("3", _world.Deployment().Metadata.Annotation(Revision));
        Assert.Equal("True NewReplicaSetAvailable", _world.Condition("Progressing"));
    }

    [Fact]
    public async Task ChangeCause_ComesToTheReplicaSet()
    {
        await _world.DeployReadyAsync(1);
        await _world.PatchAsync(Kinds.Deployment, "d", """{"metadata":{"annotations":{"kubernetes.io/change-cause":"why not"}}}""");
        Assert.Equal("why not", Assert.Single(_world.Sets).Metadata.Annotation("kubernetes.io/change-cause"));
    }

    [Fact]
    public async Task CreatedPaused_MakesNothing_UntilItIsResumed()
    {
        await _world.DeployAsync(2, """{"paused":true}""");
        await _world.RestAsync();
        Assert.Empty(_world.Sets);
        Assert.Equal("Unknown DeploymentPaused", _world.Condition("Progressing"));
        Assert.Equal(1, _world.Deployment().As<Deployment>().Status.ObservedGeneration);
        await _world.PassAsync(TimeSpan.FromHours(1));
        await _world.PatchAsync("""{"paused":false}""");
        await _world.ReadyAllAsync();
        Assert.Equal("2", _world.Sizes);
        Assert.Equal("True NewReplicaSetAvailable", _world.Condition("Progressing"));
    }

    [Fact]
    public async Task Paused_ScalesButDoesNotRoll()
    {
        await _world.DeployReadyAsync(2);
        await _world.PatchAsync("""{"paused":true}""");
        await _world.RollAsync("2");
        await _world.PatchAsync("""{"replicas":4}""");
        await _world.ReadyAllAsync();
        Assert.Equal("4", _world.Sizes);
        Assert.All(_world.Pods, p => Assert.Equal("1", WorkloadWorld.ImageOf(p)));
        await _world.PatchAsync("""{"paused":false}""");
        await _world.ReadyAllAsync();
        Assert.Equal("0 4", _world.Sizes);
    }

    [Fact]
    public async Task PausedInTheMiddle_SharesAScaleByProportion()
    {
        await _world.DeployReadyAsync(10, """{"strategy":{"type":"RollingUpdate","rollingUpdate":{"maxSurge":3,"maxUnavailable":2}}}""");
        await _world.RollAsync("2");
        await _world.RestAsync();
        Assert.Equal("8 5", _world.Sizes);
        await _world.PatchAsync("""{"paused":true}""");
        await _world.PatchAsync("""{"replicas":20}""");
        Assert.Equal("14 9", _world.Sizes);
    }

    [Fact]
    public async Task Recreate_WaitsForPodsThatAreBeingStopped()
    {
        await _world.DeployReadyAsync(1, """{"strategy":{"type":"Recreate","rollingUpdate":null}}""");
        var pod = _world.Pods[0];
        await _world.PatchAsync(Kinds.Pod, pod.Metadata.Name, """{"metadata":{"finalizers":["test/slow-to-stop"]}}""");
        await _world.RollAsync("2");
        await _world.PassAsync(TimeSpan.FromMinutes(1));
        Assert.Equal("0", _world.Sizes);
        Assert.Empty(_world.Pods);

        await _world.PatchAsync(Kinds.Pod, pod.Metadata.Name, """{"metadata":{"finalizers":null}}""");
        Assert.Equal("2", WorkloadWorld.ImageOf(Assert.Single(_world.Pods)));
    }

    [Fact]
    public async Task MinReadySeconds_ComesToTheReplicaSets()
    {
        await _world.DeployReadyAsync(1, """{"minReadySeconds":30}""");
        Assert.Equal("False MinimumReplicasUnavailable", _world.Condition("Available"));
        await _world.PassAsync(TimeSpan.FromSeconds(31));
        Assert.Equal("True MinimumReplicasAvailable", _world.Condition("Available"));
        await _world.PatchAsync("""{"minReadySeconds":40}""");
        Assert.Equal(40, Assert.Single(_world.Sets).As<ReplicaSet>().Spec.MinReadySeconds);
    }

    /// <summary>
    /// Seeded rollouts: whatever gets ready in whatever order, and however statuses lag, never more pods wanted than the surge allows and never fewer available
    /// ones than promised.
    /// </summary>
    [Theory]
    [InlineData(1, 5, 1, 0, 0)]
    [InlineData(2, 4, 1, 0, 10)]
    [InlineData(3, 10, 3, 2, 0)]
    [InlineData(4, 10, 0, 3, 5)]
    [InlineData(5, 3, 2, 1, 20)]
    [InlineData(6, 8, 8, 0, 3)]
    public async Task Rollouts_KeepWithinTheirBudget(int seed, int desired, int surge, int unavailable, int minReadySeconds)
    {
        var random = new Random(seed);
        await _world.DeployReadyAsync(
            desired, $$"""{"minReadySeconds":{{minReadySeconds}},"strategy":{"type":"RollingUpdate","rollingUpdate":{"maxSurge":{{surge}},"maxUnavailable":{{unavailable}} } } }""");
        await _world.PassAsync(TimeSpan.FromMinutes(2));
        using var watch = _world.Client.Cache(Kinds.Pod).Subscribe(_ => Check());
        for (var rollout = 0; rollout < 3; rollout++)
        {
            await _world.RollAsync($"r{rollout}");
            for (var step = 0; step < 200 && !Done(rollout); step++)
            {
                if (_world.Pods.Where(p => !WorkloadWorld.IsReady(p)).ToList() is { Count: > 0 } waiting && random.Next(3) > 0)
                {
                    await _world.ReadyAsync(waiting[random.Next(waiting.Count)]);
                }
                await _world.PassAsync(TimeSpan.FromMilliseconds(random.Next(minReadySeconds > 0 ? 4000 : 400)));
            }
            Assert.True(Done(rollout), $"seed {seed}: rollout {rollout} came no further than {_world.Sizes}");
        }

        bool Done(int rollout) => _world.Pods.Count == desired && _world.Pods.All(p => WorkloadWorld.ImageOf(p) == $"r{rollout}" && WorkloadWorld.IsReady(p));

        void Check()
        {
            var available = _world.Pods.Count(p => PodFacts.IsAvailable(p.As<Pod>(), minReadySeconds, _world.Time.GetUtcNow()));
            Assert.True(available >= desired - unavailable, $"seed {seed}: {available} available");
            var wanted = _world.Sets.Sum(r => r.As<ReplicaSet>().Spec.Replicas); // the sets follow each at its own pace, as upstream
            Assert.True(wanted <= desired + surge, $"seed {seed}: {wanted} pods wanted");
        }
    }
}
