using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging.Abstractions;
using Serval.ApiServer.Pipeline;
using Serval.ApiServer.Store;

namespace Serval.ApiServer.Tests.Http;

/// <summary>What comes back for objects of built-in kinds, as kube-apiserver 1.36.2 answers the same requests.</summary>
public sealed class ObjectShapeTests : IAsyncLifetime
{
    private const string Core = "/api/v1/namespaces/default/";
    private const string Deployments = "/apis/apps/v1/namespaces/default/deployments";
    private const string Jobs = "/apis/batch/v1/namespaces/default/jobs";
    private const string Rbac = "/apis/rbac.authorization.k8s.io/v1/namespaces/default/";
    private const string Containers = """[{"name":"c","image":"busybox:1"}]""";
    private const string MergePatch = "application/merge-patch+json";

    private SqliteStore _store = null!;
    private EmbeddedKubeClient _client = null!;
    private ApiServerFixture _server = null!;

    public async Task InitializeAsync()
    {
        _store = await SqliteStore.OpenAsync(new StoreOptions());
        _client = new EmbeddedKubeClient(_store, TimeProvider.System, NullLoggerFactory.Instance);
        _server = await ApiServerFixture.StartAsync(o => o with { Client = _client });
        await CreateAsync("/api/v1/namespaces", """{"metadata":{"name":"default"}}""");
    }

    public async Task DisposeAsync()
    {
        await _server.DisposeAsync();
        _client.Dispose();
        await _store.DisposeAsync();
    }

    [Theory]
    [InlineData(Core + "services", """{"spec":{"ports":[{"port":80}]}}""", "status", """{"loadBalancer":{}}""")]
    [InlineData(Core + "resourcequotas", "{}", "status", "{}")]
    [InlineData(Core + "resourcequotas", "{}", "spec", "{}")]
    [InlineData(Core + "events", """{"involvedObject":{"namespace":"default"}}""", "source", "{}")]
    [InlineData(Core + "events", """{"involvedObject":{"namespace":"default"}}""", "eventTime", "null")]
    [InlineData(Core + "events", """{"involvedObject":{"namespace":"default"}}""", "reportingComponent", "\"\"")]
    [InlineData("/apis/policy/v1/namespaces/default/poddisruptionbudgets", """{"spec":{"minAvailable":1}}""", "status",
        """{"currentHealthy":0,"desiredHealthy":0,"disruptionsAllowed":0,"expectedPods":0}""")]
    [InlineData("/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers",
        """{"spec":{"maxReplicas":2,"scaleTargetRef":{"apiVersion":"apps/v1","kind":"Deployment","name":"d"}}}""", "status", """{"currentMetrics":null,"desiredReplicas":0}""")]
    [InlineData("/apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers",
        """{"spec":{"maxReplicas":2,"scaleTargetRef":{"apiVersion":"apps/v1","kind":"Deployment","name":"d"}}}""", "status", """{"currentReplicas":0,"desiredReplicas":0}""")]
    [InlineData(Rbac + "roles", "{}", "rules", "null")]
    [InlineData("/apis/scheduling.k8s.io/v1/priorityclasses", "{}", "value", "0")]
    [InlineData(Core + "limitranges", """{"spec":{"limits":[{"type":"Container","max":{"cpu":"1"}}]}}""", "spec",
        """{"limits":[{"default":{"cpu":"1"},"defaultRequest":{"cpu":"1"},"max":{"cpu":"1"},"type":"Container"}]}""")]
    public async Task Create_FieldsThatAreNeverLeftOut_AreThere(string path, string body, string field, string expected)
    {
        var tree = JsonNode.Parse(body)!.AsObject();
        tree["metadata"] = new JsonObject { ["name"] = "x" };
        var created = await CreateAsync(path, tree.ToJsonString());
        Assert.True(created.ContainsKey(field));
        Assert.Equal(expected, created[field]?.ToJsonString() ?? "null");
        var (_, updated) = await _server.SendAsync(HttpMethod.Patch, $"{path}/x", """{"metadata":{"labels":{"a":"b"}}}""", MergePatch);
        Assert.Equal(expected, updated[field]?.ToJsonString() ?? "null");
    }

    [Fact]
    public async Task Create_Pod_HasItsPriorityAndTolerations()
    {
        var pod = await CreateAsync(Core + "pods", """{"metadata":{"name":"p"},"spec":{"containers":$C}}""");
        Assert.Equal((0, "PreemptLowerPriority", 1), ((int?)pod["spec"]!["priority"], (string?)pod["spec"]!["preemptionPolicy"], (int?)pod["metadata"]!["generation"]));
        Assert.Equal(
            """[{"effect":"NoExecute","key":"node.kubernetes.io/not-ready","operator":"Exists","tolerationSeconds":300},{"effect":"NoExecute","key":"node.kubernetes.io/unreachable","operator":"Exists","tolerationSeconds":300}]""",
            pod["spec"]!["tolerations"]!.ToJsonString());
        var own = await CreateAsync(Core + "pods",
            """{"metadata":{"name":"q"},"spec":{"tolerations":[{"key":"node.kubernetes.io/not-ready","operator":"Exists"}],"containers":$C}}""");
        Assert.Equal(2, own["spec"]!["tolerations"]!.AsArray().Count);
        var every = await CreateAsync(Core + "pods", """{"metadata":{"name":"r"},"spec":{"tolerations":[{"operator":"Exists"}],"containers":$C}}""");
        Assert.Single(every["spec"]!["tolerations"]!.AsArray());

        var (answer, updated) = await _server.SendAsync(HttpMethod.Patch, Core + "pods/p", """{"spec":{"tolerations":[{"key":"k","operator":"Exists"}]}}""", MergePatch);
        Assert.Equal((200, 2), ((int)answer.StatusCode, (int?)updated["metadata"]!["generation"]));
        Assert.Equal(["k", "node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"], updated["spec"]!["tolerations"]!.AsArray().Select(t => (string?)t!["key"]));
    }

    /// <summary>What every object of the type has, and what the server adds, is nobody's.</summary>
    [Fact]
    public async Task Create_ManagedFields_HaveWhatTheWriterSaid()
    {
        var pod = Fields(await CreateAsync(Core + "pods", """{"metadata":{"name":"p"},"spec":{"containers":$C}}"""));
        Assert.Null(pod["f:spec"]!["f:serviceAccountName"]);
        Assert.Null(pod["f:spec"]!["f:volumes"]);
        Assert.Null(pod["f:spec"]!["f:tolerations"]);
        Assert.Equal(["k:{\"name\":\"c\"}"], pod["f:spec"]!["f:containers"]!.AsObject().Select(f => f.Key));
        var binding = Fields(await CreateAsync(Rbac + "rolebindings", """{"metadata":{"name":"b"},"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"Role","name":"r"}}"""));
        Assert.Equal("""{"f:roleRef":{}}""", binding.ToJsonString());
        var job = Fields(await CreateAsync(Jobs, """{"metadata":{"name":"j"},"spec":{"template":{"spec":{"restartPolicy":"Never","containers":$C}}}}"""));
        Assert.Null(job["f:metadata"]);
        Assert.Null(job["f:spec"]!["f:selector"]);
        Assert.Null(job["f:spec"]!["f:template"]!["f:metadata"]);
        var service = Fields(await CreateAsync(Core + "services", """{"metadata":{"name":"s"},"spec":{"ports":[{"port":80}]}}"""));
        Assert.Null(service["f:spec"]!["f:ipFamilies"]);
    }

    [Fact]
    public async Task List_OfABuiltInKind_SaysOnceWhatItsItemsAre()
    {
        await CreateAsync(Core + "configmaps", """{"metadata":{"name":"a"},"data":{"kind":"x"},"binaryData":{}}""");
        await CreateAsync(Rbac + "roles", """{"metadata":{"name":"a"}}""");
        foreach (var path in (string[])[Core + "configmaps", Core + "configmaps?pretty=1", Rbac + "roles"])
        {
            var item = (await _server.GetAsync(path))["items"]![0]!.AsObject();
            Assert.Equal((false, false, "a"), (item.ContainsKey("apiVersion"), item.ContainsKey("kind"), (string?)item["metadata"]!["name"]));
        }
        Assert.Equal("ConfigMap", (string?)(await _server.GetAsync(Core + "configmaps/a"))["kind"]);
    }

    [Fact]
    public async Task Put_WithoutName_Is400()
    {
        await _server.CreateConfigMapAsync("a");
        var (response, body) = await _server.SendAsync(HttpMethod.Put, Core + "configmaps/a", "{}");
        Assert.Equal((400, "the name of the object (a based on URL) was undeterminable: name must be provided"), ((int)response.StatusCode, (string?)body["message"]));
    }

    [Fact]
    public async Task Patch_OfAnotherUid_Is422AndOfNothing404()
    {
        await _server.CreateConfigMapAsync("a");
        var (response, body) = await _server.SendAsync(HttpMethod.Patch, Core + "configmaps/a", """{"metadata":{"uid":"else"}}""", MergePatch);
        Assert.Equal((422, "ConfigMap \"a\" is invalid: metadata.uid: Invalid value: \"else\": field is immutable"), ((int)response.StatusCode, (string?)body["message"]));
        (response, _) = await _server.SendAsync(HttpMethod.Patch, Core + "configmaps/none", "{", MergePatch);
        Assert.Equal(404, (int)response.StatusCode);
    }

    [Theory]
    [InlineData("""{"preconditions":{"uid":"u"}}""", "the UID in the precondition (u) does not match the UID in record (")]
    [InlineData("""{"preconditions":{"resourceVersion":"1"}}""", "the ResourceVersion in the precondition (1) does not match the ResourceVersion in record (")]
    public async Task Delete_OfAnother_NamesTheKind(string options, string why)
    {
        await _server.CreateConfigMapAsync("a");
        var (response, body) = await _server.SendAsync(HttpMethod.Delete, Core + "configmaps/a", options);
        Assert.Equal((409, "ConfigMap"), ((int)response.StatusCode, (string?)body["details"]!["kind"]));
        Assert.StartsWith("Operation cannot be fulfilled on ConfigMap \"a\": " + why, (string?)body["message"], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Delete_WithoutPolicy_OrphansTheDependentsOfAJobAlone()
    {
        await CreateAsync(Jobs, """{"metadata":{"name":"j"},"spec":{"template":{"spec":{"restartPolicy":"Never","containers":$C}}}}""");
        var (response, body) = await _server.SendAsync(HttpMethod.Delete, Jobs + "/j");
        Assert.Contains("child pods are preserved by default", Assert.Single(response.Headers.Warning).Text, StringComparison.Ordinal);
        Assert.Equal("""["orphan"]""", body["metadata"]!["finalizers"]!.ToJsonString());
        await CreateAsync(Core + "services", """{"metadata":{"name":"s"},"spec":{"ports":[{"port":80}]}}""");
        (response, body) = await _server.SendAsync(HttpMethod.Delete, Core + "services/s");
        Assert.Equal((0, "Service"), (response.Headers.Warning.Count, (string?)body["kind"])); // the object, not a Status
        await CreateAsync(Core + "events", """{"metadata":{"name":"e"},"involvedObject":{"namespace":"default"}}""");
        (_, body) = await _server.SendAsync(HttpMethod.Delete, Core + "events/e?propagationPolicy=Foreground");
        Assert.Equal("Success", (string?)body["status"]);
    }

    [Fact]
    public async Task Status_LetsMetadataThrough()
    {
        const string Both = """{"metadata":{"annotations":{"a":"b"},"labels":{"c":"d"}},"status":{}}""";
        await CreateAsync(Core + "services", """{"metadata":{"name":"s"},"spec":{"ports":[{"port":80}]}}""");
        var (_, service) = await _server.SendAsync(HttpMethod.Patch, Core + "services/s/status", Both, MergePatch);
        Assert.Equal(("b", "d"), ((string?)service["metadata"]!["annotations"]?["a"], (string?)service["metadata"]!["labels"]?["c"]));
        await CreateAsync(Deployments, """{"metadata":{"name":"d"},"spec":{"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":$C}}}}""");
        var (_, deployment) = await _server.SendAsync(HttpMethod.Patch, Deployments + "/d/status", Both, MergePatch);
        Assert.Equal(("b", null), ((string?)deployment["metadata"]!["annotations"]?["a"], (string?)deployment["metadata"]!["labels"]?["c"]));
        (_, deployment) = await _server.SendAsync(HttpMethod.Patch, Deployments + "/d", """{"metadata":{"annotations":{"a":"c"}}}""", MergePatch);
        Assert.Equal(2, (int?)deployment["metadata"]!["generation"]); // its annotations count
    }

    [Fact]
    public async Task Forbidden_IsNotToBeSniffed()
    {
        using var jane = _server.ConnectAs("jane");
        using var refused = await jane.GetAsync(Core + "pods");
        Assert.Equal(403, (int)refused.StatusCode);
        Assert.Equal(["nosniff"], refused.Headers.GetValues("X-Content-Type-Options"));
        using var listed = await _server.Client.GetAsync(Core + "pods");
        Assert.False(listed.Headers.Contains("X-Content-Type-Options"));
    }

    private async Task<JsonObject> CreateAsync(string path, string body)
    {
        var (response, created) = await _server.SendAsync(HttpMethod.Post, path, body.Replace("$C", Containers, StringComparison.Ordinal));
        Assert.True(response.IsSuccessStatusCode, created.ToJsonString());
        return created;
    }

    private static JsonObject Fields(JsonObject created) => Assert.Single(created["metadata"]!["managedFields"]!.AsArray())!["fieldsV1"]!.AsObject();
}
