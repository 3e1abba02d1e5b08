using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Serving;
using Serval.Controllers.Serving;

namespace Serval.Controllers.Tests.Serving;

/// <summary>A Revision: what it makes, and what it says of it. Cases after Knative's own table (knative/serving: reconciler/revision).</summary>
public sealed class RevisionTableTests
{
    private const string Available = """{"readyReplicas":1,"conditions":[{"type":"Progressing","status":"True","reason":"NewReplicaSetAvailable"}]}""";
    private const string TimedOut = """{"conditions":[{"type":"Progressing","status":"False","reason":"ProgressDeadlineExceeded","message":"it took too long"}]}""";
    private const string Scaled = """{"serviceName":"c-00001","conditions":[{"type":"Ready","status":"True"},{"type":"ScaleTargetInitialized","status":"True"}]}""";
    private const string Queued = """{"serviceName":"c-00001","conditions":[{"type":"Ready","status":"Unknown","reason":"Queued","message":"on its way"}]}""";

    private const string Progressing = """{"conditions":[{"type":"Progressing","status":"True","reason":"ReplicaSetUpdated"}]}""";
    private const string Deaf = """
        "conditions":[{"type":"Ready","status":"False","reason":"ContainersNotReady","message":"containers with unready status: [user-container]; container \"user-container\" has not opened port 80 after 2s"}],
        "containerStatuses":[{"name":"user-container","state":{"running":{}}}]
        """;
    private const string Silence =
        "Pod \"pod\": has not opened port 80 after 2s; let the program listen on the port in the variable PORT, on 0.0.0.0 or 127.0.0.1, or name the port it opens as containerPort";

    private static readonly Seed s_config = Some.Configuration("c");
    private static readonly Seed s_revision = Some.Revision(s_config, conditions: "");
    private static readonly string[] s_created = ["create Deployment c-00001-deployment", "create PodAutoscaler c-00001", "patch Revision c-00001/status"];

    private static readonly Row[] s_rows =
    [
        new("key not found") { Given = [s_config], Key = "nobody" },
        new("deleting") { Given = [s_config, s_revision with { Deleting = true }] },
        new("makes a deployment and an autoscaler")
        {
            Given = [s_config, s_revision],
            Writes = s_created,
            Status = Shown("Active=Unknown Deploying\nContainerHealthy=Unknown Deploying\nReady=Unknown Deploying\nResourcesAvailable=Unknown Deploying"),
        },
        new("deployment refused: the reason is shown")
        {
            Given = [s_config, s_revision],
            Failure = write => write.StartsWith("create Deployment", StringComparison.Ordinal) ? new ApiException(422, "Invalid", "Deployment is invalid: no") : null,
            Writes = ["create Deployment c-00001-deployment", "patch Revision c-00001/status"],
            Again = ["create Deployment c-00001-deployment"],
            Status = Shown("ContainerHealthy=Unknown\nReady=False FailedCreate: Deployment is invalid: no\nResourcesAvailable=False FailedCreate: Deployment is invalid: no"),
        },
        new("autoscaler refused: the reason is shown")
        {
            Given = [s_config, s_revision],
            Failure = write => write.StartsWith("create PodAutoscaler", StringComparison.Ordinal) ? new ApiException(403, "Forbidden", "quota") : null,
            Writes = ["create Deployment c-00001-deployment", "create PodAutoscaler c-00001", "patch Revision c-00001/status"],
            Again = ["create PodAutoscaler c-00001"],
            Status = Shown("ContainerHealthy=Unknown\nReady=False FailedCreate: quota\nResourcesAvailable=False FailedCreate: quota"),
        },
        new("a deployment of that name that is not its own")
        {
            Given =
            [
                s_config, Some.Of(Kinds.Deployment, "c-00001-deployment",
                    """{"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i"}]}}}"""),
                s_revision,
            ],
            Writes = ["patch Revision c-00001/status"],
            Status = Shown("""
                ContainerHealthy=Unknown
                Ready=False NotOwned: There is an existing Deployment "c-00001-deployment" that we do not own.
                ResourcesAvailable=False NotOwned: There is an existing Deployment "c-00001-deployment" that we do not own.
                """),
        },
    ];

    // What the deployment and the autoscaler say → what the revision says.
    private static readonly Dictionary<string, (string Deployment, string Scaler, string Conditions)> s_reports = new()
    {
        ["both ready"] = (Available, Scaled, "Active=True\nContainerHealthy=True\nReady=True\nResourcesAvailable=True"),
        ["autoscaler not ready"] = (Available, Queued,
            "Active=Unknown Queued: on its way\nContainerHealthy=True\nReady=Unknown Deploying\nResourcesAvailable=Unknown Deploying"),
        ["scaled to zero after it was up"] = (Available,
            """{"serviceName":"c-00001","conditions":[{"type":"Ready","status":"False","reason":"NoTraffic","message":"idle"},{"type":"ScaleTargetInitialized","status":"True"}]}""",
            "Active=False NoTraffic: idle\nContainerHealthy=True\nReady=True\nResourcesAvailable=True"),
        ["scaled to zero and never up"] = (Available,
            """{"serviceName":"c-00001","conditions":[{"type":"Ready","status":"False","reason":"NoTraffic","message":"idle"}]}""",
            """
            Active=False NoTraffic: idle
            ContainerHealthy=True
            Ready=False ProgressDeadlineExceeded: Initial scale was never achieved
            ResourcesAvailable=False ProgressDeadlineExceeded: Initial scale was never achieved
            """),
        ["at zero, and the autoscaler has no service yet"] = ("""{"conditions":[{"type":"Progressing","status":"True","reason":"NewReplicaSetAvailable"}]}""",
            """{"conditions":[{"type":"Ready","status":"False","reason":"NoTraffic","message":"idle"}]}""",
            "Active=False NoTraffic: idle\nContainerHealthy=Unknown Deploying\nReady=Unknown Deploying\nResourcesAvailable=Unknown Deploying"),
        ["deployment timed out"] = (TimedOut, Queued, """
            Active=Unknown Queued: on its way
            ContainerHealthy=Unknown Deploying
            Ready=False ProgressDeadlineExceeded: it took too long
            ResourcesAvailable=False ProgressDeadlineExceeded: it took too long
            """),
        ["replica failure goes before the deadline"] = (
            """{"conditions":[{"type":"Progressing","status":"False","reason":"ProgressDeadlineExceeded","message":"late"},{"type":"ReplicaFailure","status":"True","reason":"FailedCreate","message":"quota"}]}""",
            Queued,
            "Active=Unknown Queued: on its way\nContainerHealthy=Unknown Deploying\nReady=False FailedCreate: quota\nResourcesAvailable=False FailedCreate: quota"),
    };

    // The deployment timed out or is on its way, and this is its first pod.
    private static readonly Dictionary<string, (string Deployment, string Pod, string Conditions)> s_pods = new()
    {
        ["program ended"] = ("""{"conditions":[{"type":"Progressing","status":"True","reason":"ReplicaSetUpdated"}]}""",
            """{"containerStatuses":[{"name":"user-container","lastState":{"terminated":{"exitCode":5,"message":"I fell"}}}]}""",
            "ContainerHealthy=False ExitCode5: Container failed with: I fell\nReady=False ExitCode5: Container failed with: I fell\nResourcesAvailable=Unknown Deploying"),
        ["program ended in silence"] = ("""{"conditions":[{"type":"Progressing","status":"True","reason":"ReplicaSetUpdated"}]}""",
            """{"containerStatuses":[{"name":"user-container","lastState":{"terminated":{"exitCode":0}}}]}""",
            """
            ContainerHealthy=False ExitCode0: Container failed with: container exited with no error
            Ready=False ExitCode0: Container failed with: container exited with no error
            ResourcesAvailable=Unknown Deploying
            """),
        ["pod has no place"] = ("""{"conditions":[{"type":"Progressing","status":"True","reason":"ReplicaSetUpdated"}]}""",
            """{"conditions":[{"type":"PodScheduled","status":"False","reason":"Unschedulable","message":"0/1 nodes are available: 1 Insufficient cpu."}]}""",
            """
            ContainerHealthy=Unknown Deploying
            Ready=False Unschedulable: 0/1 nodes are available: 1 Insufficient cpu.
            ResourcesAvailable=False Unschedulable: 0/1 nodes are available: 1 Insufficient cpu.
            """),
        ["image cannot be pulled"] = (TimedOut,
            """{"containerStatuses":[{"name":"user-container","state":{"waiting":{"reason":"ImagePullBackOff","message":"can't pull it"}}}]}""",
            "ContainerHealthy=Unknown Deploying\nReady=False ImagePullBackOff: can't pull it\nResourcesAvailable=False ImagePullBackOff: can't pull it"),
        ["never ready in time, and the pod says why"] = (TimedOut,
            """{"conditions":[{"type":"Ready","status":"False","reason":"ContainersNotReady","message":"probe failed: 503"}]}""",
            "ContainerHealthy=Unknown Deploying\nReady=False ProgressDeadlineExceeded: probe failed: 503\nResourcesAvailable=False ProgressDeadlineExceeded: probe failed: 503"),
        ["program killed in silence"] = (Progressing,
            """{"containerStatuses":[{"name":"user-container","lastState":{"terminated":{"exitCode":137,"signal":9}}}]}""",
            """
            ContainerHealthy=False ExitCode137: Container failed with: exit code 137 (SIGKILL)
            Ready=False ExitCode137: Container failed with: exit code 137 (SIGKILL)
            ResourcesAvailable=Unknown Deploying
            """),
        ["init container ended, the one before it has done its work"] = (Progressing,
            """{"initContainerStatuses":[{"name":"a","state":{"terminated":{"exitCode":0}}},{"name":"b","lastState":{"terminated":{"exitCode":4,"message":"no table"}}}],"containerStatuses":[{"name":"user-container"}]}""",
            "ContainerHealthy=False ExitCode4: Container failed with: no table\nReady=False ExitCode4: Container failed with: no table\nResourcesAvailable=Unknown Deploying"),
        ["does not listen, and there is time left"] = (Progressing, $$"""{"startTime":"{{KubeTime.Text(new ManualTime().GetUtcNow().AddSeconds(-2))}}",{{Deaf}} }""",
            $"ContainerHealthy=Unknown Deploying\nReady=Unknown Deploying: {Silence}\nResourcesAvailable=Unknown Deploying: {Silence}"),
        ["does not listen, and the clock has gone back"] = (Progressing, $$"""{"startTime":"{{KubeTime.Text(new ManualTime().GetUtcNow().AddHours(1))}}",{{Deaf}} }""",
            $"ContainerHealthy=Unknown Deploying\nReady=Unknown Deploying: {Silence}\nResourcesAvailable=Unknown Deploying: {Silence}"),
        ["does not listen yet, a moment after its start"] = (Progressing, $$"""{"startTime":"{{KubeTime.Text(new ManualTime().GetUtcNow().AddSeconds(-1))}}",{{Deaf}} }""",
            "ContainerHealthy=Unknown Deploying\nReady=Unknown Deploying\nResourcesAvailable=Unknown Deploying"),
    };

    public static TheoryData<string> Rows => Row.Names(s_rows);

    public static TheoryData<string> Reports => [.. s_reports.Keys];

    public static TheoryData<string> Pods => [.. s_pods.Keys];

    [Theory]
    [MemberData(nameof(Rows))]
    public Task Revision(string row) => s_rows.Single(r => r.Name == row).CheckAsync(Kinds.Revision);

    [Theory]
    [MemberData(nameof(Reports))]
    public async Task Reported(string row)
    {
        var (deployment, scaler, conditions) = s_reports[row];
        await using var world = await MadeAsync(deployment, scaler);
        Assert.Equal(Shown(conditions), world.Status(Kinds.Revision, "c-00001"));
        world.Client.TakeWrites();
        await world.RunAsync(Kinds.Revision, "c-00001");
        Assert.Empty(world.Client.TakeWrites());
    }

    [Theory]
    [MemberData(nameof(Pods))]
    public async Task TroubledPod(string row)
    {
        var (deployment, pod, conditions) = s_pods[row];
        await using var world = await MadeAsync(deployment, Queued, async world =>
        {
            var owner = new Seed(Kinds.Deployment, new JsonObject { ["metadata"] = new JsonObject { ["name"] = "c-00001-deployment" } });
            var set = Some.Of(Kinds.ReplicaSet, "rs", """{"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i"}]}}}""");
            await world.PlantAsync(set.OwnedBy(owner));
            await world.PlantAsync(Some.Of(Kinds.Pod, "pod", """{"containers":[{"name":"user-container","image":"i"}]}""").OwnedBy(set));
            await world.PatchStatusAsync(Kinds.Pod, "pod", pod);
        });
        Assert.Equal(Shown("Active=Unknown Queued: on its way\n" + conditions), world.Status(Kinds.Revision, "c-00001"));
    }

    [Fact]
    public async Task MissingImage_IsSaid_AndLookedForAgain()
    {
        await using var world = await ServingWorld.StartAsync(s_config, s_revision);
        world.Images.Missing.Add("dev.local/a:1"); // of a registry that Knative would not ask
        await world.RunAsync(Kinds.Revision, "c-00001");
        Assert.Equal(
            """
            observedGeneration: 1
            ContainerHealthy=False ContainerMissing: Unable to fetch image "dev.local/a:1": no such image
            Ready=False ContainerMissing: Unable to fetch image "dev.local/a:1": no such image
            ResourcesAvailable=Unknown ResolvingDigests
            """, world.Status(Kinds.Revision, "c-00001"));
        world.Images.Missing.Clear();
        world.Client.TakeWrites();
        await world.RunAsync(Kinds.Revision, "c-00001");
        Assert.Equal(s_created, world.Client.TakeWrites());
    }

    [Fact]
    public async Task Image_OfWhichNobodyCanSayAnything_IsNotMissing_AndAskedForAgain()
    {
        await using var world = await ServingWorld.StartAsync(s_config, s_revision);
        world.Images.NoAnswer = true;
        await world.RunAsync(Kinds.Revision, "c-00001");
        Assert.Equal(
            """
            observedGeneration: 1
            ContainerHealthy=Unknown
            Ready=Unknown ResolvingDigests: no node is there
            ResourcesAvailable=Unknown ResolvingDigests: no node is there
            """, world.Status(Kinds.Revision, "c-00001"));
        world.Images.NoAnswer = false;
        world.Client.TakeWrites();
        await world.RunAsync(Kinds.Revision, "c-00001");
        Assert.Equal(s_created, world.Client.TakeWrites());
    }

    [Fact]
    public async Task Digest_IsTakenAsItIs_WhetherTheImageIsHereOrNot()
    {
        var image = "elsewhere.test/a:1@sha256:" + new string('0', 64);
        var revision = Some.Revision(s_config, conditions: "");
        revision.Object["spec"]!["containers"]![0]!["image"] = image;
        await using var world = await ServingWorld.StartAsync(s_config, revision);
        world.Images.Missing.Add(image);
        await world.RunAsync(Kinds.Revision, "c-00001");
        Assert.Equal(image, Image(world));
        Assert.Contains($"\"imageDigest\":\"{image}\"", world.Status(Kinds.Revision, "c-00001"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task ImageThatDoesNotAnswer_IsGivenUpInTime()
    {
        await using var world = await ServingWorld.StartAsync(s_config, s_revision);
        world.Images.Silent = true;
        var run = world.RunAsync(Kinds.Revision, "c-00001");
        world.Time.Advance(TimeSpan.FromSeconds(10));
        await run;
        Assert.Contains(
            "ContainerHealthy=False ContainerMissing: Unable to fetch image \"dev.local/a:1\": no answer within digest-resolution-timeout (10 s, config-deployment)",
            world.Status(Kinds.Revision, "c-00001"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("a@sha256:{0}", true)]
    [InlineData("host:5000/a:1@sha256:{0}", true)]
    [InlineData("a@sha256:{0}0", false)]
    [InlineData("a@sha256:abc", false)]
    [InlineData("@sha256:{0}", false)]
    [InlineData("a@sha512:{0}", false)]
    [InlineData("a:1", false)]
    public void Digest_IsSixtyFourHexadecimalDigits(string image, bool digest) =>
        Assert.Equal(digest, ImageNames.HasDigest(image.Replace("{0}", new string('a', 64), StringComparison.Ordinal)));

    /// <summary>Knative's rules accept these, Kubernetes' rules of pods do not: the service must say so.</summary>
    [Theory]
    [InlineData(""" "volumes":[{"name":"v","secret":{}}] """, """ "volumeMounts":[{"name":"v","mountPath":"/v","readOnly":true}] """, "secret.secretName: Required value")]
    [InlineData(""" "volumes":[{"name":"v","configMap":{"name":"m"}}] """, """ "volumeMounts":[{"name":"v","mountPath":"/v","readOnly":true,"subPath":"a/../b"}] """, "must not contain '..'")]
    public async Task WhatOnlyPodRulesRefuse_IsSaidByTheService(string volumes, string mounts, string why)
    {
        var service = Some.Service("hello");
        var pod = JsonNode.Parse($$"""{"containers":[{"name":"user-container","image":"dev.local/a:1",{{mounts}} }],{{volumes}} }""");
        service.Object["spec"]!["template"]!["spec"] = pod;
        await using var world = await ServingWorld.StartAsync(service);
        await world.SettleAsync();
        var ready = world.Get(Kinds.KService, "hello").As<KService>().Status.Conditions.Single(c => c.Type == "Ready");
        Assert.Equal(("False", "RevisionFailed"), (ready.Status, ready.Reason));
        Assert.Contains(why, ready.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task RefusalThatHeals_IsForgotten()
    {
        await using var world = await ServingWorld.StartAsync(s_config, s_revision);
        world.Client.Failure = write => write.StartsWith("create Deployment", StringComparison.Ordinal) ? new ApiException(403, "Forbidden", "quota") : null;
        await world.RunAsync(Kinds.Revision, "c-00001");
        Assert.Contains("Ready=False FailedCreate: quota", world.Status(Kinds.Revision, "c-00001"), StringComparison.Ordinal);
        world.Client.Failure = _ => null;
        await world.RunAsync(Kinds.Revision, "c-00001");
        await world.Surroundings.ActAsync(world);
        await world.RunAsync(Kinds.Revision, "c-00001");
        Assert.Contains("Ready=True", world.Status(Kinds.Revision, "c-00001"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Autoscaler_FollowsTheRevision_AndTheDeploymentKeepsItsScale()
    {
        await using var world = await MadeAsync(Available, Scaled);
        world.Client.TakeWrites();
        await world.PatchAsync(Kinds.PodAutoscaler, "c-00001", """{"metadata":{"annotations":{"autoscaling.knative.dev/min-scale":"3"}},"spec":{"containerConcurrency":7}}""");
        await world.PatchAsync(Kinds.Deployment, "c-00001-deployment", """{"spec":{"replicas":5}}""");
        await world.RunAsync(Kinds.Revision, "c-00001");
        Assert.Equal(["patch PodAutoscaler c-00001"], world.Client.TakeWrites());
        var scaler = world.Get(Kinds.PodAutoscaler, "c-00001");
        Assert.Null(scaler.Metadata.Annotation("autoscaling.knative.dev/min-scale"));
        Assert.Equal(0, (int?)scaler.ToTree()["spec"]!["containerConcurrency"]);
        Assert.Equal(5, (int?)world.Get(Kinds.Deployment, "c-00001-deployment").ToTree()["spec"]!["replicas"]);
    }

    /// <summary>Its Deployment does not keep them (a Kubernetes type), and so must not want them back for ever.</summary>
    [Fact]
    public async Task EmptyValues_OfAContainer_AreNothing_AndWrittenOnce()
    {
        var revision = Some.Revision(s_config, conditions: "");
        var container = revision.Object["spec"]!["containers"]![0]!;
        (container["ports"], container["args"], container["workingDir"]) = (new JsonArray(), new JsonArray(), "");
        container["env"] = new JsonArray(new JsonObject { ["name"] = "A", ["value"] = "" });
        await using var world = await ServingWorld.StartAsync(s_config, revision);
        await world.RunAsync(Kinds.Revision, "c-00001");
        var made = world.Get(Kinds.Deployment, "c-00001-deployment").ToTree()["spec"]!["template"]!["spec"]!["containers"]![0]!;
        Assert.Equal((8080, """{"name":"A"}""", false), ((int)made["ports"]![0]!["containerPort"]!, made["env"]![0]!.ToJsonString(), made.AsObject().ContainsKey("args")));
        world.Client.TakeWrites();
        await world.RunAsync(Kinds.Revision, "c-00001");
        Assert.Empty(world.Client.TakeWrites());
    }

    [Fact]
    public async Task Deployment_HasNeitherTheRoutesNorTheScaling_TheAutoscalerHasTheScaling()
    {
        await using var world = await ServingWorld.StartAsync(s_config, Some.Revision(s_config, conditions: "", routes: "r")
            .Annotated("autoscaling.knative.dev/min-scale", "2").Annotated("note", "kept").Labelled("serving.knative.dev/route", "r"));
        await world.RunAsync(Kinds.Revision, "c-00001");
        var deployment = world.Get(Kinds.Deployment, "c-00001-deployment");
        Assert.Equal(["deployment.kubernetes.io/revision", "note"], deployment.Metadata.Annotations.Keys.Order(StringComparer.Ordinal));
        Assert.Null(deployment.Metadata.Label("serving.knative.dev/routingState"));
        Assert.Null(deployment.Metadata.Label("serving.knative.dev/route"));
        Assert.Equal(["autoscaling.knative.dev/class", "autoscaling.knative.dev/metric", "autoscaling.knative.dev/min-scale", "note"],
            world.Get(Kinds.PodAutoscaler, "c-00001").Metadata.Annotations.Keys.Order(StringComparer.Ordinal));
        Assert.Equal("Reachable", (string?)world.Get(Kinds.PodAutoscaler, "c-00001").ToTree()["spec"]!["reachability"]);
    }

    [Fact]
    public async Task RuntimeClass_ComesFromTheSettings_ByLabel()
    {
        await using var world = await ServingWorld.StartAsync(s_config);
        await world.ConfigureAsync("config-deployment", """{"queue-sidecar-image":"unused","runtime-class-name":"kata: {}\ngvisor:\n  selector:\n    secure: \"true\"\n"}""");
        await world.PlantAsync(s_revision);
        await world.PlantAsync(Some.Revision(s_config, 2, conditions: "").Labelled("secure", "true"));
        await world.RunAsync(Kinds.Revision, "c-00001");
        await world.RunAsync(Kinds.Revision, "c-00002");
        Assert.Equal(("kata", "gvisor"), (RuntimeClass(world, "c-00001"), RuntimeClass(world, "c-00002")));
    }

    /// <summary>A revision from a time when the cluster had no say takes the cluster's setting when it is deployed.</summary>
    [Fact]
    public async Task ServiceLinks_OfARevisionWithout_AreTheClusters()
    {
        await using var world = await ServingWorld.StartAsync(s_config);
        await world.ConfigureAsync("config-defaults", """{"enable-service-links":"default"}""");
        await world.PlantAsync(s_revision);
        await world.DeleteSettingsAsync("config-defaults");
        await world.ConfigureAsync("config-defaults", """{"enable-service-links":"true"}""");
        await world.RunAsync(Kinds.Revision, "c-00001");
        Assert.Null(world.Get(Kinds.Revision, "c-00001").ToTree()["spec"]!["enableServiceLinks"]);
        Assert.True((bool?)world.Get(Kinds.Deployment, "c-00001-deployment").ToTree()["spec"]!["template"]!["spec"]!["enableServiceLinks"]);
    }

    private static string? RuntimeClass(ServingWorld world, string revision) =>
        (string?)world.Get(Kinds.Deployment, revision + "-deployment").ToTree()["spec"]!["template"]!["spec"]!["runtimeClassName"];

    private static async Task<ServingWorld> MadeAsync(string deployment, string scaler, Func<ServingWorld, Task>? more = null)
    {
        var world = await ServingWorld.StartAsync(s_config, s_revision);
        await world.RunAsync(Kinds.Revision, "c-00001");
        await world.PatchStatusAsync(Kinds.Deployment, "c-00001-deployment", deployment);
        await world.PatchStatusAsync(Kinds.PodAutoscaler, "c-00001", scaler);
        if (more is not null)
        {
            await more(world);
        }
        await world.RunAsync(Kinds.Revision, "c-00001");
        return world;
    }

    private static string Shown(string conditions) =>
        $"containerStatuses: [{{\"imageDigest\":\"dev.local/a@sha256:{new string('a', 64)}\",\"name\":\"user-container\"}}]\nobservedGeneration: 1\n{conditions}";

    private static string? Image(ServingWorld world) =>
        (string?)world.Get(Kinds.Deployment, "c-00001-deployment").ToTree()["spec"]!["template"]!["spec"]!["containers"]![0]!["image"];
}
