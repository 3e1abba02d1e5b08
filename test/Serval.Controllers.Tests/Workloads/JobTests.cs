using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Batch;
using Serval.Api.Core;
using Serval.Controllers.Workloads.Jobs;
using Serval.Kube;

namespace Serval.Controllers.Tests.Workloads;

/// <summary>Jobs from the first pod to the last word, by what their status says: active, succeeded, failed, conditions.</summary>
public sealed class JobTests
{
    private readonly WorkloadWorld _world = new();

    [Fact]
    public async Task OnePod_ThatSucceeds_CompletesTheJob()
    {
        await StartAsync();
        Assert.Equal("1/0/0", State);
        Assert.StartsWith("j-", _world.Pods[0].Metadata.Name, StringComparison.Ordinal);
        await EndAsync(_world.Pods[0]);
        Assert.Equal("0/1/0 Complete=CompletionsReached SuccessCriteriaMet=CompletionsReached", State);
        Assert.NotNull(Job!.Status.StartTime);
        Assert.NotNull(Job.Status.CompletionTime);
        Assert.Single(_world.Pods); // it stays, with its logs
    }

    [Fact]
    public async Task ThreeOfFive_RunTwoAtATime()
    {
        await StartAsync("""{"completions":5,"parallelism":2}""");
        for (var done = 0; done < 5; done++)
        {
            var running = Running;
            Assert.Equal(Math.Min(2, 5 - done), running.Count);
            await EndAsync(running[0]);
        }
        Assert.Equal("0/5/0 Complete=CompletionsReached SuccessCriteriaMet=CompletionsReached", State);
    }

    [Fact]
    public async Task Parallelism_MayChange_AndZeroStopsAll()
    {
        await StartAsync("""{"completions":5,"parallelism":3}""");
        await SpecAsync("""{"parallelism":1}""");
        Assert.Single(Running);
        await SpecAsync("""{"parallelism":0}""");
        Assert.Empty(Running);
        await SpecAsync("""{"parallelism":2}""");
        Assert.Equal(2, Running.Count);
    }

    [Fact]
    public async Task WithoutCompletions_OneSuccessIsEnough_AndTheOthersAreWaitedFor()
    {
        await StartAsync("""{"completions":null,"parallelism":2}""");
        await EndAsync(Running[0]);
        Assert.Equal("1/1/0", State);
        await EndAsync(Running[0]);
        Assert.Equal("0/2/0 Complete=CompletionsReached SuccessCriteriaMet=CompletionsReached", State);
    }

    [Fact]
    public async Task Failures_AreRetriedLaterAndLater()
    {
        await StartAsync();
        foreach (var wait in new[] { 10, 20, 40, 80 })
        {
            await EndAsync(Running[0], exit: 1);
            Assert.Empty(Running);
            await _world.PassAsync(TimeSpan.FromSeconds(wait - 6)); // five were passed while the status came to rest
            Assert.Empty(Running);
            await _world.PassAsync(TimeSpan.FromSeconds(2));
            Assert.Single(Running);
        }
        await EndAsync(Running[0]);
        Assert.Equal("0/1/4 Complete=CompletionsReached SuccessCriteriaMet=CompletionsReached", State);
    }

    [Fact]
    public async Task ASuccess_ForgivesTheFailuresBefore()
    {
        await StartAsync("""{"completions":3,"parallelism":1}""");
        await EndAsync(Running[0], exit: 1);
        await _world.PassAsync(TimeSpan.FromSeconds(10));
        await EndAsync(Running[0]);
        Assert.Single(Running); // at once
        await EndAsync(Running[0], exit: 1);
        await _world.PassAsync(TimeSpan.FromSeconds(10)); // the first step again
        Assert.Single(Running);
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(1, 2)]
    public async Task TooManyFailures_FailTheJob(int limit, int failures)
    {
        await StartAsync($$"""{"backoffLimit":{{limit}}}""");
        for (var i = 0; i < failures; i++)
        {
            await EndAsync(Running[0], exit: 1);
            await _world.PassAsync(TimeSpan.FromMinutes(1));
        }
        Assert.Equal($"0/0/{failures} Failed=BackoffLimitExceeded FailureTarget=BackoffLimitExceeded", State);
        Assert.Null(Job!.Status.CompletionTime);
        Assert.Empty(Running);
    }

    [Fact]
    public async Task TooManyFailures_StopWhatStillRuns()
    {
        await StartAsync("""{"completions":3,"parallelism":3,"backoffLimit":0}""");
        await EndAsync(Running[0], exit: 1);
        Assert.Empty(Running);
        Assert.Equal("0/0/1 Failed=BackoffLimitExceeded FailureTarget=BackoffLimitExceeded", State);
    }

    [Fact]
    public async Task TheEnd_IsSaidWhenTheLastPodHasStopped()
    {
        await StartAsync("""{"completions":2,"parallelism":2,"backoffLimit":0}""");
        var slow = Running[1];
        await _world.PatchAsync(Kinds.Pod, slow.Metadata.Name, """{"metadata":{"finalizers":["test/hold"]}}""");
        await EndAsync(Running[0], exit: 1);
        Assert.Equal("0/0/1 FailureTarget=BackoffLimitExceeded", State);
        await _world.PatchAsync(Kinds.Pod, slow.Metadata.Name, """{"metadata":{"finalizers":null}}""");
        await _world.RestAsync();
        Assert.Equal("0/0/1 Failed=BackoffLimitExceeded FailureTarget=BackoffLimitExceeded", State);
    }

    [Fact]
    public async Task OnFailure_CountsRestarts()
    {
        await StartAsync("""{"backoffLimit":3}""", restart: "OnFailure");
        await RestartsAsync(2);
        Assert.Equal("1/0/0", State);
        await RestartsAsync(3);
        Assert.Equal("0/0/0 Failed=BackoffLimitExceeded FailureTarget=BackoffLimitExceeded", State);
    }

    [Fact]
    public async Task Deadline_FailsTheJob()
    {
        await StartAsync("""{"activeDeadlineSeconds":60}""");
        await _world.PassAsync(TimeSpan.FromSeconds(50));
        Assert.Equal("1/0/0", State);
        await _world.PassAsync(TimeSpan.FromSeconds(20));
        Assert.Equal("0/0/0 Failed=DeadlineExceeded FailureTarget=DeadlineExceeded", State);
    }

    [Fact]
    public async Task Suspend_StopsThePods_AndResumeStartsTheClockAnew()
    {
        await StartAsync("""{"activeDeadlineSeconds":60}""");
        await SpecAsync("""{"suspend":true}""");
        Assert.Equal("0/0/0 Suspended=JobSuspended", State);
        Assert.Null(Job!.Status.StartTime);
        await _world.PassAsync(TimeSpan.FromMinutes(10));
        await SpecAsync("""{"suspend":false}""");
        Assert.Equal("1/0/0", State);
        Assert.Equal("False JobResumed", Job!.Status.Conditions.Where(c => c.Type == "Suspended").Select(c => $"{c.Status} {c.Reason}").Single());
        Assert.True(_world.Time.GetUtcNow() - Job.Status.StartTime < TimeSpan.FromSeconds(30));
    }

    [Fact]
    public async Task CreatedSuspended_RunsNothing()
    {
        await StartAsync("""{"suspend":true}""");
        Assert.Equal("0/0/0 Suspended=JobSuspended", State);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task Ttl_DeletesWhatHasEnded(int exit)
    {
        await StartAsync("""{"ttlSecondsAfterFinished":100,"backoffLimit":0}""");
        await EndAsync(Running[0], exit);
        await _world.PassAsync(TimeSpan.FromSeconds(80));
        Assert.NotNull(Job);
        await _world.PassAsync(TimeSpan.FromSeconds(30));
        Assert.Null(Job);
    }

    [Fact]
    public async Task WithoutTtl_ItStays()
    {
        await StartAsync();
        await EndAsync(Running[0]);
        await _world.PassAsync(TimeSpan.FromDays(3));
        Assert.NotNull(Job);
    }

    [Fact]
    public async Task PodsThatAreGone_StayCounted()
    {
        await StartAsync("""{"completions":3,"parallelism":1}""");
        await EndAsync(Running[0]);
        await DeleteAsync(_world.Pods.Single(p => p.As<Pod>().Status.Phase == "Succeeded"));
        Assert.Equal("1/1/0", State);
        await EndAsync(Running[0]);
        await EndAsync(Running[0]);
        Assert.Equal("0/3/0 Complete=CompletionsReached SuccessCriteriaMet=CompletionsReached", State);
    }

    [Fact]
    public async Task PodsThatAreGone_StayCounted_AfterARestartToo()
    {
        await StartAsync("""{"completions":3,"parallelism":1}""");
        await EndAsync(Running[0]);
        await DeleteAsync(_world.Pods.Single(p => p.As<Pod>().Status.Phase == "Succeeded"));
        var ledger = JobLedger.Open(Job!, _world.Client.Cache(Kinds.Pod).List().Select(p => p.As<Pod>()));
        Assert.Equal(1, ledger.Succeeded);
    }

    [Fact]
    public async Task DeletedPod_IsReplacedAtOnce()
    {
        await StartAsync();
        await DeleteAsync(Running[0]);
        Assert.Equal("1/0/0", State);
    }

    [Theory]
    [InlineData("TerminatingOrFailed", 1)]
    [InlineData("Failed", 0)]
    public async Task PodOnItsWayOut_IsReplaced_AsThePolicySays(string policy, int running)
    {
        await StartAsync($$"""{"podReplacementPolicy":"{{policy}}"}""");
        var pod = Running[0];
        await _world.PatchAsync(Kinds.Pod, pod.Metadata.Name, """{"metadata":{"finalizers":["test/hold"]}}""");
        await DeleteAsync(pod);
        Assert.Equal(running, Running.Count);
        Assert.Equal(1, (int)_world.Client.Cache(BatchKinds.Job).List()[0].ToTree()["status"]!["terminating"]!);
    }

    [Fact]
    public async Task Indexed_EachIndexSucceedsOnce()
    {
        await StartAsync("""{"completions":4,"parallelism":2,"completionMode":"Indexed"}""");
        Assert.Equal([0, 1], Running.Select(Index).Order());
        var pod = Running.First(p => Index(p) == 1);
        Assert.StartsWith("j-1-", pod.Metadata.Name, StringComparison.Ordinal);
        Assert.Equal("j-1", pod.As<Pod>().Spec.Hostname);
        Assert.Equal("1", pod.Metadata.Label("batch.kubernetes.io/job-completion-index"));
        Assert.Equal("JOB_COMPLETION_INDEX=1", pod.As<Pod>().Spec.Containers[0].Env.Select(e => $"{e.Name}={e.Value}").Single());
        await EndAsync(pod);
        Assert.Equal([0, 2], Running.Select(Index).Order());
        await EndAsync(Running.First(p => Index(p) == 2), exit: 1);
        await _world.PassAsync(TimeSpan.FromSeconds(10));
        Assert.Equal([0, 2], Running.Select(Index).Order());
        Assert.Equal("1", Job!.Status.CompletedIndexes);
        foreach (var index in new[] { 0, 2, 3 })
        {
            await EndAsync(Running.First(p => Index(p) == index));
        }
        Assert.Equal("0/4/1 Complete=CompletionsReached SuccessCriteriaMet=CompletionsReached", State);
        Assert.Equal("0-3", Job!.Status.CompletedIndexes);
    }

    [Theory]
    [InlineData("", "")]
    [InlineData("1", "1")]
    [InlineData("1,2", "1,2")]
    [InlineData("0-3,7,9-11", "0,1,2,3,7,9,10,11")]
    public void Indexes_AreWrittenAsRanges(string text, string indexes)
    {
        Assert.Equal(indexes, string.Join(',', JobIndexes.Parse(text, 100)));
        Assert.Equal(text, JobIndexes.Text([.. JobIndexes.Parse(text, 100)]));
    }

    [Theory]
    [InlineData("""{"action":"FailJob","onExitCodes":{"operator":"In","values":[42]}}""", 42, "0/0/1 Failed=PodFailurePolicy FailureTarget=PodFailurePolicy")]
    [InlineData("""{"action":"FailJob","onExitCodes":{"operator":"In","values":[42]}}""", 41, "1/0/1")]
    [InlineData("""{"action":"FailJob","onExitCodes":{"operator":"NotIn","values":[42]}}""", 41, "0/0/1 Failed=PodFailurePolicy FailureTarget=PodFailurePolicy")]
    [InlineData("""{"action":"FailJob","onExitCodes":{"containerName":"other","operator":"In","values":[42]}}""", 42, "1/0/1")]
    [InlineData("""{"action":"Ignore","onExitCodes":{"operator":"In","values":[42]}}""", 42, "1/0/0")]
    [InlineData("""{"action":"Count","onExitCodes":{"operator":"In","values":[42]}}""", 42, "1/0/1")]
    [InlineData("""{"action":"Ignore","onPodConditions":[{"type":"DisruptionTarget","status":"True"}]}""", 1, "1/0/0")]
    public async Task FailurePolicy_DecidesByCodeOrCondition(string rule, int exit, string state)
    {
        await StartAsync($$$"""{"podFailurePolicy":{"rules":[{{{rule}}}]}}""");
        await EndAsync(Running[0], exit);
        await _world.PassAsync(TimeSpan.FromSeconds(20));
        Assert.Equal(state, State);
    }

    [Fact]
    public async Task FailurePolicy_SaysWhichRuleFitted()
    {
        await StartAsync("""{"podFailurePolicy":{"rules":[{"action":"FailJob","onExitCodes":{"operator":"In","values":[42]}}]}}""");
        var pod = Running[0].Metadata.Name;
        await EndAsync(Running[0], exit: 42);
        Assert.Equal($"Container c for pod n1/{pod} failed with exit code 42 matching FailJob rule at index 0", Job!.Status.Conditions[0].Message);
    }

    [Fact]
    public async Task ManagedBySomebodyElse_IsLeftAlone()
    {
        await StartAsync("""{"managedBy":"example.com/queue"}""");
        Assert.Empty(_world.Pods);
    }

    private IReadOnlyList<KubeObject> Running => [.. _world.Pods.Where(p => p.As<Pod>().Status.Phase is not ("Succeeded" or "Failed"))];

    private Job? Job => _world.Client.Cache(BatchKinds.Job).Get(new ObjectKey(WorkloadWorld.Namespace, "j"))?.As<Job>();

    private string State => string.Join(' ', Job!.Status.Conditions.Where(c => c.Status == "True").Select(c => $"{c.Type}={c.Reason}")
        .Prepend($"{Job.Status.Active}/{Job.Status.Succeeded}/{Job.Status.Failed}"));

    private static int Index(KubeObject pod) => JobIndexes.Of(pod.As<Pod>())!.Value;

    private async Task StartAsync(string spec = "{}", string restart = "Never")
    {
        var tree = JsonNode.Parse($$$$"""
            {"parallelism":1,"completions":1,"backoffLimit":6,"template":{"metadata":{"labels":{"job-name":"j"}},
             "spec":{"restartPolicy":"{{{{restart}}}}","containers":[{"name":"c","image":"1"}]}}}
            """)!.AsObject();
        foreach (var (key, value) in JsonNode.Parse(spec)!.AsObject())
        {
            tree[key] = value?.DeepClone();
        }
        _world.Create(BatchKinds.Job, $$"""{"metadata":{"name":"j"},"spec":{{tree.ToJsonString()}} }""");
        await _world.RestAsync();
    }

    private async Task SpecAsync(string spec)
    {
        await _world.PatchAsync(BatchKinds.Job, "j", $$"""{"spec":{{spec}} }""");
        await _world.RestAsync();
    }

    private async Task EndAsync(KubeObject pod, int exit = 0)
    {
        var phase = exit == 0 ? "Succeeded" : "Failed";
        await _world.PatchAsync(Kinds.Pod, pod.Metadata.Name, $$$$"""
            {"status":{"phase":"{{{{phase}}}}","conditions":[{"type":"DisruptionTarget","status":"{{{{(exit == 1 ? "True" : "False")}}}}"}],
             "containerStatuses":[{"name":"c","state":{"terminated":{"exitCode":{{{{exit}}}},"finishedAt":"{{{{_world.Time.GetUtcNow():yyyy-MM-ddTHH:mm:ssZ}}}}"}}}]}}
            """);
        await _world.RestAsync();
    }

    private async Task RestartsAsync(int count)
    {
        await _world.PatchAsync(Kinds.Pod, Running[0].Metadata.Name, $$$$"""{"status":{"phase":"Running","containerStatuses":[{"name":"c","restartCount":{{{{count}}}}}]}}""");
        await _world.RestAsync();
    }

    private async Task DeleteAsync(KubeObject pod)
    {
        await _world.Client.DeleteAsync(Kinds.Pod, pod.Key, DeleteOptions.Background);
        await _world.RestAsync();
    }
}
