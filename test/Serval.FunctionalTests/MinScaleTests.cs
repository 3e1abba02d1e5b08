using System.Text.Json.Nodes;

namespace Serval.FunctionalTests;

/// <summary>How many instances a revision begins with and never has less of.</summary>
public sealed class MinScaleTests(ServalFixture fixture) : IClassFixture<ServalFixture>
{
    private const string Window = "autoscaling.knative.dev/window: 6s";

    /// <summary>TestInitScalePositive: ready with as many as it is told to begin with and no sooner, and with fewer when nobody asks.</summary>
    [Fact]
    public async Task InitialScale_IsReachedBeforeReady_AndLeftAfterwards()
    {
        await fixture.Kubectl.ApplyAsync(Saying.Configuration("name: begins", Saying.Template(annotations: $"{{autoscaling.knative.dev/initial-scale: \"3\", {Window}}}")));
        var replicas = 0L;
        await fixture.UntilAsync(Deployments("begins"), d =>
        {
            replicas = Math.Max(replicas, Replicas(d));
            return Replicas(d) == 3 && (long?)d["status"]?["readyReplicas"] == 3;
        });
        Assert.Equal(3, replicas);
        await fixture.Kubectl.OkAsync("wait", "--for=condition=Ready", "configuration/begins", "--timeout=30s");
        await fixture.UntilAsync(Deployments("begins"), d => Replicas(d) < 3, seconds: 60);
        await fixture.Kubectl.OkAsync("delete", "configuration", "begins");
    }

    /// <summary>TestInitScaleZero: where zero is allowed a revision is ready without an instance, and the first request makes one.</summary>
    [Fact]
    public async Task InitialScaleOfZero_IsReadyWithoutAnInstance()
    {
        await fixture.ConfigureAsync("config-autoscaler", "allow-zero-initial-scale", "true");
        await fixture.Kubectl.ApplyAsync(Saying.Service("nothing", Saying.Template(annotations: "{autoscaling.knative.dev/initial-scale: \"0\"}")));
        await fixture.ReadyAsync("nothing");
        Assert.Empty(await fixture.Kubectl.OkAsync("get", "pods", "-l", "serving.knative.dev/service=nothing", "-o", "name"));
        await fixture.AnswersAsync("nothing", 200);
        await fixture.Kubectl.OkAsync("delete", "ksvc", "nothing");
    }

    /// <summary>
    /// TestMinScale and TestMinScaleAnnotationChange: a revision is ready with its least number of instances and says so; the one it follows, no longer routed to,
    /// goes below its own; and the annotation of a revision may be changed and removed.
    /// </summary>
    [Fact]
    public async Task MinScale_IsKeptWhileRoutedTo_AndFollowsItsAnnotation()
    {
        var annotations = $"{{autoscaling.knative.dev/min-scale: \"2\", {Window}}}";
        await fixture.Kubectl.ApplyAsync(Saying.Service("least", Saying.Template(annotations: annotations)));
        await fixture.ReadyAsync("least");
        await ReplicasAsync("least-00001", 2);

        await fixture.Kubectl.ApplyAsync(Saying.Service("least", Saying.Template("2", annotations: annotations)));
        await fixture.UntilAsync("/apis/serving.knative.dev/v1/namespaces/default/services?fieldSelector=metadata.name=least", s =>
            KubeHttp.IsReady(s) && (string?)s["status"]!["latestReadyRevisionName"] == "least-00002");
        await ReplicasAsync("least-00002", 2);
        await fixture.UntilAsync(Deployments("least", "least-00001-deployment"), d => Replicas(d) < 2, seconds: 60);

        await fixture.Kubectl.OkAsync("annotate", "revision", "least-00002", "--overwrite", "autoscaling.knative.dev/min-scale=3");
        await ReplicasAsync("least-00002", 3);
        await fixture.Kubectl.OkAsync("annotate", "revision", "least-00002", "autoscaling.knative.dev/min-scale-");
        await fixture.UntilAsync(Deployments("least", "least-00002-deployment"), d => Replicas(d) < 2, seconds: 60);
        await fixture.Kubectl.OkAsync("delete", "ksvc", "least");
    }

    private Task ReplicasAsync(string revision, int count) => fixture.UntilAsync(
        $"/apis/serving.knative.dev/v1/namespaces/default/revisions?fieldSelector=metadata.name={revision}", r => (long?)r["status"]?["actualReplicas"] == count);

    private static string Deployments(string configuration, string? name = null) =>
        $"/apis/apps/v1/namespaces/default/deployments?labelSelector=serving.knative.dev/configuration={configuration}" + (name is null ? "" : $"&fieldSelector=metadata.name={name}");

    private static long Replicas(JsonObject deployment) => (long?)deployment["spec"]?["replicas"] ?? 1;
}
