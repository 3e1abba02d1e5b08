using System.Text.Json.Nodes;

namespace Serval.FunctionalTests;

/// <summary>Several containers in a pod: who serves, who prepares, and who must be ready.</summary>
public sealed class ContainersTests(ServalFixture fixture) : IClassFixture<ServalFixture>
{
    /// <summary>The one with the port serves; it answers what its neighbour says.</summary>
    private const string Asking = """["nc", "-ll", "-p", "$(PORT)", "-e", "./busybox", "nc", "127.0.0.1", "18881"]""";

    private const string Neighbour = "mkdir -p /tmp/SIDE; echo NAME > /tmp/SIDE/index.html; exec ./busybox httpd -f -p 127.0.0.1:18881 -h /tmp/SIDE";

    /// <summary>TestMultiContainer and TestServiceCreateWithMultipleContainers; the revision says the digest of each image.</summary>
    [Fact]
    public async Task Sidecar_IsReachedByTheServingContainer()
    {
        await fixture.Kubectl.ApplyAsync(Containers("pair", Neighbour.Replace("NAME", "from the side", StringComparison.Ordinal)));
        await fixture.ReadyAsync("pair");
        await fixture.AnswersAsync("pair", 200);
        Assert.Contains("from the side", (await fixture.Serval.InvokeAsync("pair")).Text, StringComparison.Ordinal);
        Assert.Matches("^dev.local/bb@sha256:[0-9a-f]{64} dev.local/bb@sha256:[0-9a-f]{64}$", await fixture.Kubectl.OkAsync("get", "revision", "pair-00001", "-o", "jsonpath={.status.containerStatuses[*].imageDigest}"));
        await fixture.Kubectl.OkAsync("delete", "ksvc", "pair");
    }

    /// <summary>
    /// TestMultiContainerReadiness and TestMultiContainerProbeStartFailingAfterReady: the service is ready when the sidecar is, and has no endpoint when
    /// that is so no longer. The sidecar is ready while a mounted ConfigMap says so: its file follows.
    /// </summary>
    [Fact]
    public async Task Probe_OfASidecar_DecidesToo()
    {
        const string endpoints = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices?labelSelector=kubernetes.io/service-name=probed-00001-private";
        await fixture.ConfigureAsync("config-features", "multi-container-probing", "Enabled");
        await fixture.Kubectl.ApplyAsync(Manifests.ConfigMap("state", "{}"));
        await fixture.Kubectl.ApplyAsync(Containers(
            "probed",
            Neighbour,
            """, readinessProbe: {exec: {command: [./busybox, test, -e, /etc/state/ready]}, periodSeconds: 1, failureThreshold: 1}, volumeMounts: [{name: state, mountPath: /etc/state}]""",
            """{"autoscaling.knative.dev/min-scale": "1"}""") + "\n      volumes: [{name: state, configMap: {name: state}}]\n");
        await fixture.UntilAsync(
            "/api/v1/namespaces/default/pods?labelSelector=serving.knative.dev/service=probed",
            p => Ready(p, "front") && p["status"]?["containerStatuses"]?.AsArray().Any(c => (string?)c!["name"] == "side" && c["state"]?["running"] is not null && (bool?)c["ready"] == false) == true);
        Assert.NotEqual("True", KubeHttp.ConditionOf(await fixture.Serval.Api.GetAsync("/apis/serving.knative.dev/v1/namespaces/default/services/probed"), "Ready"));

        await fixture.Kubectl.ApplyAsync(Manifests.ConfigMap("state", """{"ready": "yes"}"""));
        await fixture.ReadyAsync("probed");
        await fixture.AnswersAsync("probed", 200);

        await fixture.Kubectl.ApplyAsync(Manifests.ConfigMap("state", "{}"));
        await fixture.UntilAsync(endpoints, s => s["endpoints"]?.AsArray().Any(e => (bool?)e!["conditions"]?["ready"] == true) != true);
        await fixture.Kubectl.OkAsync("delete", "ksvc", "probed");

        static bool Ready(JsonObject pod, string container) => pod["status"]?["containerStatuses"]?.AsArray().Any(c => (string?)c!["name"] == container && (bool?)c["ready"] == true) == true;
    }

    /// <summary>TestInitContainers, TestEmptyDir and TestServiceCreateWithEmptyDir: what one that ran before has left in a shared directory is served.</summary>
    [Fact]
    public async Task InitContainer_LeavesWhatIsServed()
    {
        await fixture.ConfigureAsync("config-features", "kubernetes.podspec-init-containers", "Enabled");
        await fixture.Kubectl.ApplyAsync("""
            apiVersion: serving.knative.dev/v1
            kind: Service
            metadata: {name: prepared}
            spec:
              template:
                spec:
                  initContainers:
                  - {name: setup, image: "dev.local/bb:1", args: [sh, -c, "echo prepared > /data/index.html"], volumeMounts: [{name: data, mountPath: /data}]}
                  containers:
                  - {image: "dev.local/bb:1", args: [httpd, -f, -p, "127.0.0.1:$(PORT)", -h, /data], volumeMounts: [{name: data, mountPath: /data}]}
                  volumes:
                  - {name: data, emptyDir: {medium: Memory, sizeLimit: 100M}}
            """);
        await fixture.ReadyAsync("prepared");
        await fixture.AnswersAsync("prepared", 200);
        Assert.EndsWith("\r\n\r\nprepared\n", (await fixture.Serval.InvokeAsync("prepared")).Text, StringComparison.Ordinal);
        Assert.Matches("^setup dev.local/bb@sha256:", await fixture.Kubectl.OkAsync("get", "revision", "prepared-00001", "-o", "jsonpath={.status.initContainerStatuses[0].name} {.status.initContainerStatuses[0].imageDigest}"));
        await fixture.Kubectl.OkAsync("delete", "ksvc", "prepared");
    }

    /// <summary>TestSecureDefaults and TestUnsafePermitted: with the feature a container gets what is safe where it says nothing, and keeps what it says.</summary>
    [Fact]
    public async Task SecureDefaults_AreGivenWhereNothingIsSaid()
    {
        await fixture.ConfigureAsync("config-features", "secure-pod-defaults", "Enabled");
        try
        {
            var careful = await SecurityAsync(Manifests.Service("careful"), "careful");
            Assert.Equal("False ALL RuntimeDefault", $"{(bool)careful["allowPrivilegeEscalation"]!} {Assert.Single(careful["capabilities"]!["drop"]!.AsArray())} {careful["seccompProfile"]!["type"]}");
            const string unsafely = """{allowPrivilegeEscalation: true, capabilities: {drop: []}, runAsNonRoot: false, seccompProfile: {type: Unconfined}}""";
            var kept = await SecurityAsync(Manifests.Service("careless").Replace("        envFrom: []", "        securityContext: " + unsafely, StringComparison.Ordinal), "careless");
            Assert.Equal("True False Unconfined", $"{(bool)kept["allowPrivilegeEscalation"]!} {(bool)kept["runAsNonRoot"]!} {kept["seccompProfile"]!["type"]}");
            Assert.Empty(kept["capabilities"]?["drop"]?.AsArray() ?? []);
        }
        finally
        {
            await fixture.ConfigureAsync("config-features", "secure-pod-defaults", "Disabled");
        }
    }

    private async Task<JsonObject> SecurityAsync(string manifest, string name)
    {
        await fixture.Kubectl.ApplyAsync(manifest);
        JsonObject? context = null;
        await fixture.UntilAsync(
            $"/apis/serving.knative.dev/v1/namespaces/default/revisions?fieldSelector=metadata.name={name}-00001",
            r => (context = r["spec"]!["containers"]![0]!["securityContext"]?.AsObject()) is not null);
        return context!;
    }

    private static string Containers(string name, string script, string probe = "", string annotations = "{}") => $$"""
        apiVersion: serving.knative.dev/v1
        kind: Service
        metadata: {name: {{name}}}
        spec:
          template:
            metadata:
              annotations: {{annotations}}
            spec:
              containers:
              - {name: front, image: "dev.local/bb:1", args: {{Asking}}, ports: [{containerPort: 8080}]}
              - {name: side, image: "dev.local/bb:1", args: [sh, -c, "{{script}}"]{{probe}}}
        """.Replace("SIDE", name, StringComparison.Ordinal);
}
