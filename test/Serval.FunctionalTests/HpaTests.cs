namespace Serval.FunctionalTests;

/// <summary>Revisions and Deployments scaled by what their pods use.</summary>
public sealed class HpaTests(ServalFixture fixture) : IClassFixture<ServalFixture>
{
    private const string Hpas = "/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers";
    private const string Busy = """["sh", "-c", "(while :; do :; done) & exec httpd -f -p 127.0.0.1:$(PORT) -h www"]""";

    /// <summary>A program that burns what it gets, far beyond 1 % of a core: one more pod, which is all it may have.</summary>
    [Fact]
    public async Task ClassHpa_ScalesByCpu_AndSaysSoEverywhere()
    {
        const string Annotations = """
            {"autoscaling.knative.dev/class": "hpa.autoscaling.knative.dev", "autoscaling.knative.dev/metric": "cpu", "autoscaling.knative.dev/target": "50",
             "autoscaling.knative.dev/max-scale": "2", "autoscaling.knative.dev/window": "6s"}
            """;
        await fixture.Kubectl.ApplyAsync(Manifests.Service("busy", Busy, annotations: Annotations.ReplaceLineEndings(""))
            .Replace("        envFrom: []", "        resources: {requests: {cpu: 20m}}", StringComparison.Ordinal));
        await fixture.ReadyAsync("busy");
        await fixture.AnswersAsync("busy", 200);
        await fixture.UntilAsync(
            "/apis/autoscaling.internal.knative.dev/v1alpha1/namespaces/default/podautoscalers?fieldSelector=metadata.name=busy-00001",
            o => (int?)o["status"]?["actualScale"] == 2 && (int?)o["status"]?["desiredScale"] == 2 && KubeHttp.ConditionOf(o, "Active") == "True", 90);
        await fixture.UntilAsync($"{Hpas}?fieldSelector=metadata.name=busy-00001", o => KubeHttp.ConditionOf(o, "ScalingLimited", "reason") == "TooManyReplicas"
            && (int?)o["status"]!["currentReplicas"] == 2 && KubeHttp.ConditionOf(o, "ScalingActive") == "True" && KubeHttp.ConditionOf(o, "AbleToScale") == "True", 60);
        Assert.Matches(@"busy-00001 +Deployment/busy-00001-deployment +cpu: \d+%/50% +1 +2 +2 ", await fixture.Kubectl.OkAsync("get", "hpa"));
        Assert.Contains("Min replicas:", await fixture.Kubectl.OkAsync("describe", "hpa", "busy-00001"), StringComparison.Ordinal);
        await fixture.Kubectl.OkAsync("delete", "ksvc", "busy");
        await fixture.Kubectl.OkAsync("wait", "--for=delete", "hpa/busy-00001", "--timeout=60s");
    }

    [Fact]
    public async Task Autoscaler_OfADeployment_KeepsItWithinItsBounds()
    {
        await fixture.Kubectl.ApplyAsync(Manifests.Deployment("plain"));
        await fixture.Kubectl.ApplyAsync("""
            {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "plain"},
             "spec": {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "plain"}, "minReplicas": 2, "maxReplicas": 3} }
            """);
        await fixture.Kubectl.OkAsync("wait", "--for=jsonpath={.spec.replicas}=2", "deployment/plain", "--timeout=60s");
        await fixture.UntilAsync($"{Hpas}?fieldSelector=metadata.name=plain", o => KubeHttp.ConditionOf(o, "ScalingActive", "reason") == "FailedGetResourceMetric", 60);
        Assert.Contains("plain", await fixture.Kubectl.OkAsync("get", "all"), StringComparison.Ordinal);
        await fixture.Kubectl.OkAsync("delete", "hpa/plain", "deployment/plain");
    }
}
