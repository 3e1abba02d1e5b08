namespace Serval.FunctionalTests;

/// <summary>The verbs of an unmodified kubectl.</summary>
public sealed class KubectlTests(ServalFixture fixture) : IClassFixture<ServalFixture>
{
    private Testing.Kubectl Kubectl => fixture.Kubectl;

    [Fact]
    public async Task Apply_Twice_SecondPrintsUnchanged()
    {
        // Spelled out as it is stored: what defaulting adds to a list of a custom resource is a difference to kubectl, as with any Knative.
        const string service = """
            apiVersion: serving.knative.dev/v1
            kind: Service
            metadata: {name: full}
            spec:
              template:
                spec:
                  containerConcurrency: 0
                  containers:
                  - name: user-container
                    image: dev.local/bb:1
                    args: ["httpd", "-f", "-p", "127.0.0.1:$(PORT)", "-h", "www"]
                    readinessProbe: {successThreshold: 1, tcpSocket: {port: 0}}
                    resources: {}
            """;
        foreach (var manifest in new[] { Manifests.ConfigMap("twice"), Manifests.Deployment("twice"), service })
        {
            Assert.Contains("created", await Kubectl.ApplyAsync(manifest), StringComparison.Ordinal);
            Assert.Contains("unchanged", await Kubectl.ApplyAsync(manifest), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Objects_CreatedReadPatched_ShowEveryChange()
    {
        var (code, _, errors) = await Kubectl.RunAsync(Manifests.ConfigMap("c1"), "create", "-f", "-");
        Assert.True(code == 0, errors);
        Assert.Contains("AlreadyExists", await Kubectl.RefusedAsync(Manifests.ConfigMap("c1"), "create", "-f", "-"), StringComparison.Ordinal);
        Assert.Equal("configmap/c1\n", await Kubectl.OkAsync("get", "cm", "c1", "-o", "name"));
        Assert.Contains("name: c1", await Kubectl.OkAsync("get", "cm", "c1", "-o", "yaml"), StringComparison.Ordinal);
        Assert.Contains("\"name\": \"c1\"", await Kubectl.OkAsync("get", "cm", "c1", "-o", "json"), StringComparison.Ordinal);

        await Kubectl.OkAsync("patch", "cm", "c1", "--type=json", "-p", """[{"op":"add","path":"/data/b","value":"2"}]""");
        await Kubectl.OkAsync("patch", "cm", "c1", "--type=merge", "-p", """{"data":{"c":"3","a":null}}""");
        await Kubectl.OkAsync("label", "cm", "c1", "k=v");
        await Kubectl.OkAsync("annotate", "cm", "c1", "n=m");
        Assert.Equal("{\"b\":\"2\",\"c\":\"3\"} v m", await Kubectl.OkAsync("get", "cm", "c1", "-o", "jsonpath={.data} {.metadata.labels.k} {.metadata.annotations.n}"));
        await Kubectl.OkAsync("delete", "cm", "c1");
        Assert.Contains("NotFound", await Kubectl.RefusedAsync(null, "get", "cm", "c1"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Get_Watching_SeesTheChange()
    {
        await Kubectl.ApplyAsync(Manifests.ConfigMap("watched"));
        await Kubectl.FollowUntilAsync(
            "after",
            () => Kubectl.OkAsync("patch", "cm", "watched", "--type=merge", "-p", """{"data":{"a":"after"}}"""),
            "get", "cm", "watched", "-w", "-o", "jsonpath={.data.a}{'\\n'}");
    }

    [Fact]
    public async Task Deployment_RolledScaledRead_Follows()
    {
        await Kubectl.ApplyAsync(Manifests.Deployment("d1"));
        await Kubectl.OkAsync("rollout", "status", "deployment/d1", "--timeout=30s");
        await Kubectl.OkAsync("scale", "deployment", "d1", "--replicas=2");
        await Kubectl.OkAsync("rollout", "status", "deployment/d1", "--timeout=30s");
        Assert.Equal("2", await Kubectl.OkAsync("get", "deployment", "d1", "-o", "jsonpath={.status.readyReplicas}"));
        await Kubectl.OkAsync(
            "patch", "deployment", "d1", "--type=strategic", "-p", """{"spec":{"template":{"spec":{"containers":[{"name":"main","env":[{"name":"Z","value":"1"}]}]}}}}""");
        Assert.Equal(
            "dev.local/bb:1 1",
            await Kubectl.OkAsync("get", "deployment", "d1", "-o", "jsonpath={.spec.template.spec.containers[0].image} {.spec.template.spec.containers[0].env[0].value}"));
        await Kubectl.OkAsync("rollout", "status", "deployment/d1", "--timeout=30s");
        Assert.Contains("NewReplicaSet", await Kubectl.OkAsync("describe", "deployment", "d1"), StringComparison.Ordinal);
        Assert.Contains("first line", await Kubectl.OkAsync("logs", "deployment/d1"), StringComparison.Ordinal);
        await Kubectl.FollowUntilAsync("tick", () => Task.CompletedTask, "logs", "-f", "deployment/d1");
        await Kubectl.OkAsync("delete", "deployment", "d1");
        await Kubectl.OkAsync("wait", "--for=delete", "pods", "-l", "app=d1", "--timeout=60s");
    }

    [Fact]
    public async Task Deployment_Undone_TakesItsEarlierReplicaSetAgain()
    {
        await Kubectl.ApplyAsync(Manifests.Deployment("undone"));
        await Kubectl.OkAsync("rollout", "status", "deployment/undone", "--timeout=30s");
        await Kubectl.OkAsync("set", "env", "deployment/undone", "STEP=2");
        await Kubectl.OkAsync("rollout", "status", "deployment/undone", "--timeout=30s");
        Assert.Equal(["1", "2"], await RevisionsAsync("undone"));

        await Kubectl.OkAsync("rollout", "undo", "deployment/undone");
        await Kubectl.OkAsync("rollout", "status", "deployment/undone", "--timeout=30s");
        Assert.Equal(["2", "3"], await RevisionsAsync("undone"));

        await Kubectl.OkAsync("rollout", "pause", "deployment/undone");
        await Kubectl.OkAsync("set", "env", "deployment/undone", "STEP=4");
        Assert.Equal(["2", "3"], await RevisionsAsync("undone"));
        await Kubectl.OkAsync("rollout", "resume", "deployment/undone");
        await Kubectl.OkAsync("rollout", "status", "deployment/undone", "--timeout=30s");
        Assert.Equal(["2", "3", "4"], await RevisionsAsync("undone"));
        await Kubectl.OkAsync("delete", "deployment", "undone", "--cascade=foreground", "--timeout=60s");
    }

    /// <summary>The numbers of <c>kubectl rollout history</c>.</summary>
    private async Task<IEnumerable<string>> RevisionsAsync(string name) =>
        (await Kubectl.OkAsync("rollout", "history", "deployment/" + name)).Split('\n').Select(l => l.Split(' ')[0]).Where(w => int.TryParse(w, out _));

    [Fact]
    public async Task Discovery_Asked_KnowsKnative()
    {
        Assert.Contains("kservice,ksvc", await Kubectl.OkAsync("api-resources"), StringComparison.Ordinal);
        Assert.Contains("services.serving.knative.dev", await Kubectl.OkAsync("get", "crd"), StringComparison.Ordinal);
        Assert.Contains("template <Object>", await Kubectl.OkAsync("explain", "ksvc.spec.template"), StringComparison.Ordinal);
        Assert.Contains("knative-serving", await Kubectl.OkAsync("get", "ns"), StringComparison.Ordinal);
    }

    /// <summary>OpenAPI v2 as protobuf is what clients read that know no v3: <c>explain</c> and the check of manifests of kubectl before 1.27, Argo CD.</summary>
    [Fact]
    public async Task OpenApiV2_Asked_ExplainsEveryField()
    {
        var ports = await Kubectl.OkAsync("explain", "pod.spec.containers.ports", "--output", "plaintext-openapiv2");
        Assert.Matches("containerPort\t<integer> -required-", ports);
        Assert.Contains("latestReadyRevisionName", await Kubectl.OkAsync("explain", "ksvc.status", "--output", "plaintext-openapiv2"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Server_Asked_TellsOfItsHealth()
    {
        Assert.Equal("[+]ping ok\n[+]store ok\nreadyz check passed\n", (await Kubectl.OkAsync("get", "--raw", "/readyz?verbose")).ReplaceLineEndings("\n"));
        Assert.Contains("v1.36.0+serval", await Kubectl.OkAsync("version"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Selectors_AndOptionsThatAreWrong_AreExplained()
    {
        Assert.Contains("field label not supported: spec.containers", await Kubectl.RefusedAsync(null, "get", "pods", "--field-selector=spec.containers=a"), StringComparison.Ordinal);
        Assert.Contains("field label not supported: status.url", await Kubectl.RefusedAsync(null, "get", "ksvc", "--field-selector=status.url=a"), StringComparison.Ordinal);
        await Kubectl.ApplyAsync(Manifests.ConfigMap("optional"));
        Assert.Contains("The request is invalid: patch: Invalid value", await Kubectl.RefusedAsync(null, "patch", "cm", "optional", "--type=merge", "-p", """{"data":5}"""), StringComparison.Ordinal);
        Assert.Contains("may not be more than 128 bytes",
            await Kubectl.RefusedAsync(Manifests.ConfigMap("optional"), "create", "-f", "-", "--field-manager=" + new string('m', 129)), StringComparison.Ordinal);
        Assert.Contains("no matches for kind \"Gadget\" in version \"example.com/v1\"", await Kubectl.RefusedAsync(
            """{"apiVersion": "example.com/v1", "kind": "Gadget", "metadata": {"name": "g"}}""", "apply", "-f", "-"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Describe_OfAService_ShowsItsStatus()
    {
        await fixture.ServiceAsync("described");
        var text = await Kubectl.OkAsync("describe", "ksvc", "described");
        Assert.Matches("Latest Ready Revision Name: +described-00001", text);
    }

    [Fact]
    public async Task Manifest_WithMistakes_IsRefusedNamingTheField()
    {
        var unknown = Manifests.Service("bad").Replace("      containers:", "      containerz: []\n      containers:", StringComparison.Ordinal);
        Assert.Contains("unknown field \"spec.template.spec.containerz\"", await Kubectl.RefusedAsync(unknown, "apply", "-f", "-"), StringComparison.Ordinal);
        Assert.Contains("data", await Kubectl.RefusedAsync(Manifests.ConfigMap("bad", """{"a": 1}"""), "apply", "-f", "-"), StringComparison.Ordinal);
        Assert.Contains("NotFound", await Kubectl.RefusedAsync(null, "get", "cm", "bad"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Namespace_Deleted_TakesWhatIsInIt()
    {
        await Kubectl.ApplyAsync("""{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "n1"}}""");
        await Kubectl.ApplyAsync(Manifests.ConfigMap("inside", @namespace: "n1"));
        await Kubectl.ApplyAsync(Manifests.Deployment("inside", "n1"));
        await Kubectl.OkAsync("rollout", "status", "deployment/inside", "-n", "n1", "--timeout=30s");
        await Kubectl.OkAsync("delete", "ns", "n1", "--timeout=60s");
        Assert.Empty(await Kubectl.OkAsync("get", "cm,deploy,rs,pods", "-n", "n1", "-o", "name"));
        Assert.Contains("NotFound", await Kubectl.RefusedAsync(null, "get", "ns", "n1"), StringComparison.Ordinal);
        Assert.DoesNotContain("is being terminated", fixture.Serval.Errors, StringComparison.Ordinal); // no controller tried to put back what went
    }
}
