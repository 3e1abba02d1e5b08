using Serval.Api.Apps;
using Serval.Api.Serving;
using Serval.Api.Stories;

namespace Serval.Api.Tests.Stories;

/// <summary>The chain of a service and the link in it that decides.</summary>
public sealed class StoryTellerTests
{
    private const string Failing = """{"type":"Ready","status":"False","reason":"RevisionFailed","message":"it failed","lastTransitionTime":"2026-01-01T11:59:00Z"}""";
    private const string Ready = """{"type":"Ready","status":"True"}""";
    private const string Deploying = """{"type":"Ready","status":"Unknown","reason":"Deploying"}""";
    private const string Crashed = """{"phase":"Running","containerStatuses":[{"name":"c","state":{"terminated":{"exitCode":3,"message":"boom"}}}]}""";
    private const string Deaf = """{"phase":"Running","conditions":[{"type":"Ready","status":"False","message":"containers with unready status: [c]; container \"c\" has not opened port 80"}],"containerStatuses":[{"name":"c","state":{"running":{"startedAt":"2026-01-01T11:59:50Z"}}}]}""";
    private const string Serving = """{"phase":"Running","conditions":[{"type":"Ready","status":"True"}],"containerStatuses":[{"name":"c","ready":true}]}""";

    [Theory]
    [InlineData(Failing, Failing, """ "replicas":1 """, "{}", Crashed, "s is not ready: Container c: ExitCode3: ended with exit code 3: boom")]
    [InlineData(Deploying, Deploying, """ "replicas":1 """, "{}", Deaf, "s is not ready: Container c: NotListening: has not opened port 80")]
    [InlineData(Deploying, Deploying, """ "replicas":1,"progressDeadlineSeconds":60 """, """{"conditions":[{"type":"Progressing","status":"True","lastUpdateTime":"2026-01-01T11:59:48Z"}]}""", "", "s is not ready: Deployment d: 0 of 1 available; it fails in 48s if none is (progress deadline 1m0s)")]
    [InlineData(Failing, Failing, """ "replicas":1 """, """{"conditions":[{"type":"Progressing","status":"False","reason":"ProgressDeadlineExceeded","message":"too late"}]}""", Deaf, "s is not ready: Container c: NotListening: has not opened port 80")]
    [InlineData(Failing, Failing, """ "replicas":1 """, """{"conditions":[{"type":"ReplicaFailure","status":"True","reason":"FailedCreate","message":"exceeded quota"}]}""", "", "s is not ready: Deployment d: exceeded quota")]
    [InlineData(Failing, """{"type":"Ready","status":"False","reason":"FailedCreate","message":"no"}""", """ "replicas":0 """, "{}", "", "s is not ready: Revision r: not ready: FailedCreate: no")]
    [InlineData(Ready, Ready, """ "replicas":0 """, "{}", "", "s is ready, scaled to zero: the next request starts an instance")]
    [InlineData(Ready, Ready, """ "replicas":1 """, """{"availableReplicas":1}""", Serving, "s is ready, 1 instance ready")]
    [InlineData(Ready, Ready, """ "replicas":1 """, "{}", Crashed, "s is ready, but not well: Container c: ExitCode3: ended with exit code 3: boom")]
    [InlineData(Ready, Ready, """ "replicas":1 """, "{}", Deaf, "s is ready, but not well: Container c: NotListening: has not opened port 80")]
    public void Service_Verdict_IsTheDeepestCause(string service, string revision, string deployment, string status, string pod, string verdict)
    {
        var story = StoryTeller.Tell(Scene(service, revision, deployment, status, pod));

        Assert.Equal(verdict, story.Verdict);
        Assert.Equal(verdict.StartsWith("s is ready, ", StringComparison.Ordinal) && !verdict.Contains("but not well", StringComparison.Ordinal), story.IsWell);
        Assert.Equal(!story.IsWell && !verdict.Contains("progress deadline", StringComparison.Ordinal), story.Advice.Length > 0);
    }

    [Fact]
    public void Service_CrashedPodBesideAReadyOne_IsWell()
    {
        var scene = Scene(Ready, Ready, """ "replicas":2 """, """{"availableReplicas":1}""", Serving);
        var both = scene.Revisions[0] with { Pods = [.. scene.Revisions[0].Pods, new PodScene(PodTroublesTests.Pod(Crashed))] };

        Assert.Equal("s is ready, 1 instance ready", StoryTeller.Tell(scene with { Revisions = [both] }).Verdict);
    }

    [Fact]
    public void Service_ChangedAndNotLookedAt_IsNotWell() => Assert.Equal(
        "s is not ready: its last change has not been looked at yet",
        StoryTeller.Tell(Scene(Ready, Ready, """ "replicas":0 """, "{}", "") with { IsCurrent = false }).Verdict);

    [Fact]
    public void Other_TellsItsConditions()
    {
        var story = StoryTeller.Tell(new StoryScene
        {
            Now = s_now,
            Subject = Of("DomainMapping", "a.test", "{}"),
            Conditions =
            [
                new Condition { Type = "Ready", Status = "False", Reason = "DomainAlreadyClaimed", Message = "taken" },
                new Condition { Type = "DomainClaimed", Status = "False", Reason = "DomainAlreadyClaimed", Message = "taken" },
                new Condition { Type = "ReferenceResolved", Status = "True" },
            ],
        });

        Assert.Equal("a.test is not ready: Condition DomainClaimed: not ready: DomainAlreadyClaimed: taken", story.Verdict);
        Assert.StartsWith("choose another domain", story.Advice, StringComparison.Ordinal);
    }

    [Fact]
    public void BadSetting_IsToldAndNotTheServicesFault()
    {
        var story = StoryTeller.Tell(Scene(Ready, Ready, """ "replicas":0 """, "{}", "") with { BadSettings = [("config-gc", "config-gc: x = \"y\": must be a number")] });

        Assert.True(story.IsWell);
        Assert.Contains(story.Steps, s => s is { Kind: "ConfigMap", Name: "config-gc" } && s.Text.EndsWith("must be a number", StringComparison.Ordinal));
    }

    private static readonly DateTimeOffset s_now = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);

    private static StoryScene Scene(string service, string revision, string deployment, string status, string pod)
    {
        var subject = Of("Service", "s", $$"""{"status":{"conditions":[{{service}}]} }""");
        return new StoryScene
        {
            Now = s_now,
            Subject = subject,
            Conditions = subject.As<KService>().Status.Conditions,
            Configuration = Of("Configuration", "s", $$"""{"status":{"conditions":[{{service}}]} }""").As<Configuration>(),
            Route = Of("Route", "s", $$"""{"status":{"conditions":[{{service}}]} }""").As<Route>(),
            Revisions =
            [
                new RevisionScene(Of("Revision", "r", $$"""{"spec":{"containers":[{"name":"c","image":"i"}]},"status":{"containerStatuses":[{"name":"c","imageDigest":"i@sha256:1"}],"conditions":[{{revision}}]} }""").As<Revision>())
                {
                    Deployment = Of("Deployment", "d", $$"""{"spec":{ {{deployment}} },"status":{{status}} }""").As<Deployment>(),
                    Pods = pod.Length > 0 ? [new PodScene(PodTroublesTests.Pod(pod))] : [],
                },
            ],
        };
    }

    private static KubeObject Of(string kind, string name, string body)
    {
        var tree = System.Text.Json.Nodes.JsonNode.Parse(body)!.AsObject();
        tree["kind"] = kind;
        tree["metadata"] = new System.Text.Json.Nodes.JsonObject { ["name"] = name, ["uid"] = kind };
        return KubeObject.From(tree);
    }
}
