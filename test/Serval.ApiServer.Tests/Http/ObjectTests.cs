using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Kube;

namespace Serval.ApiServer.Tests.Http;

public sealed class ObjectTests : IAsyncLifetime
{
    private const string Maps = "/api/v1/namespaces/default/configmaps";
    private ApiServerFixture _server = null!;

    public async Task InitializeAsync() => _server = await ApiServerFixture.StartAsync();

    public async Task DisposeAsync() => await _server.DisposeAsync();

    [Fact]
    public async Task Create_ThenGet_ReturnsTheStoredBytes()
    {
        var (created, body) = await _server.CreateConfigMapAsync("one");
        Assert.Equal(201, (int)created.StatusCode);
        Assert.Equal("default", (string?)body["metadata"]!["namespace"]);
        var stored = await _server.Objects.GetAsync(Kinds.ConfigMap, new ObjectKey("default", "one"));
        Assert.Equal(stored.Json.ToArray(), await _server.Client.GetByteArrayAsync($"{Maps}/one"));
    }

    [Fact]
    public async Task Create_Warning_IsAHeader()
    {
        var (created, _) = await _server.CreateConfigMapAsync("one");
        Assert.Equal("299 - \"a \\\"warning\\\" about one\"", Assert.Single(created.Headers.GetValues("Warning")));
    }

    [Fact]
    public async Task Create_QueryOptions_ReachTheClient()
    {
        await _server.SendAsync(HttpMethod.Post, Maps + "?fieldManager=me&fieldValidation=Strict&dryRun=All", ApiServerFixture.ConfigMap("one"));
        var options = _server.Objects.LastWrite!;
        Assert.Equal(("me", FieldValidation.Strict, true, "kubernetes-admin"), (options.FieldManager, options.FieldValidation, options.DryRun, options.User));
    }

    [Theory]
    [InlineData("{", 400, "BadRequest")]
    [InlineData("", 400, "BadRequest")]
    [InlineData("[]", 400, "BadRequest")]
    [InlineData("""{"kind":"Secret","metadata":{"name":"x"}}""", 400, "BadRequest")]
    [InlineData("""{"apiVersion":"v2","metadata":{"name":"x"}}""", 400, "BadRequest")]
    [InlineData("""{"metadata":{"name":"x","namespace":"other"}}""", 400, "BadRequest")]
    [InlineData("""{"metadata":{"name":1}}""", 400, "BadRequest")]
    public async Task Create_UnfitBody_IsRefusedWithAStatus(string json, int code, string reason)
    {
        var (response, body) = await _server.SendAsync(HttpMethod.Post, Maps, json);
        Assert.Equal(code, (int)response.StatusCode);
        Assert.Equal(("Status", "Failure", reason), ((string?)body["kind"], (string?)body["status"], (string?)body["reason"]));
        Assert.DoesNotContain("   at ", (string?)body["message"], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("text/plain", "application/yaml")]
    [InlineData("application/cbor", "application/json")]
    public async Task Create_ForeignBody_Is415(string type, string advice)
    {
        var (response, body) = await _server.SendAsync(HttpMethod.Post, Maps, "x", type);
        Assert.Equal(415, (int)response.StatusCode);
        Assert.Contains(advice, (string?)body["message"], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Create_BodyAboveTheLimit_Is413()
    {
        var (response, body) = await _server.SendAsync(HttpMethod.Post, Maps, new string(' ', (3 * 1024 * 1024) + 1));
        Assert.Equal(413, (int)response.StatusCode);
        Assert.Equal("RequestEntityTooLarge", (string?)body["reason"]);
    }

    [Fact]
    public async Task Get_Absent_IsNotFoundWithDetails()
    {
        var (response, body) = await _server.SendAsync(HttpMethod.Get, "/apis/serving.knative.dev/v1/namespaces/default/services/nope");
        Assert.Equal(404, (int)response.StatusCode);
        Assert.Equal("services.serving.knative.dev \"nope\" not found", (string?)body["message"]);
        Assert.Equal("serving.knative.dev", (string?)body["details"]!["group"]);
    }

    [Theory]
    [InlineData("/api/v1/gadgets", 404)]
    [InlineData("/api/v1/namespaces/default/pods/x/nothing", 404)]
    [InlineData("/api/v1/namespaces/default/configmaps/x/status", 404)]
    [InlineData("/api/v1/pods/x", 404)]
    public async Task Get_UnknownPath_Is404(string path, int code)
    {
        var (response, body) = await _server.SendAsync(HttpMethod.Get, path);
        Assert.Equal(code, (int)response.StatusCode);
        Assert.Equal("the server could not find the requested resource", (string?)body["message"]);
    }

    [Theory]
    [InlineData("POST", Maps + "/x")]
    [InlineData("PUT", Maps)]
    [InlineData("POST", "/api/v1/configmaps")]
    [InlineData("POST", "/api")]
    public async Task Request_WrongMethod_Is405(string method, string path)
    {
        var (response, body) = await _server.SendAsync(new HttpMethod(method), path, "{}");
        Assert.Equal(405, (int)response.StatusCode);
        Assert.Equal("MethodNotAllowed", (string?)body["reason"]);
    }

    [Fact]
    public async Task List_Limit_PagesWithContinue()
    {
        foreach (var name in (string[])["a", "b", "c"])
        {
            await _server.CreateConfigMapAsync(name);
        }
        var first = await _server.GetAsync(Maps + "?limit=2");
        Assert.Equal("ConfigMapList", (string?)first["kind"]);
        Assert.Equal(2, first["items"]!.AsArray().Count);
        Assert.Equal(1, (int?)first["metadata"]!["remainingItemCount"]);
        var rest = await _server.GetAsync($"{Maps}?limit=2&continue={first["metadata"]!["continue"]}");
        Assert.Equal("c", (string?)Assert.Single(rest["items"]!.AsArray())!["metadata"]!["name"]);
    }

    [Fact]
    public async Task List_VersionAheadOfTheStore_IsATimeoutToRetry()
    {
        var (response, body) = await _server.SendAsync(HttpMethod.Get, Maps + "?resourceVersion=99");
        Assert.Equal(504, (int)response.StatusCode);
        Assert.Equal("ResourceVersionTooLarge", (string?)body["details"]!["causes"]![0]!["reason"]);
        Assert.Equal("1", Assert.Single(response.Headers.GetValues("Retry-After")));
    }

    [Fact]
    public async Task Update_StaleVersion_IsAConflict()
    {
        await _server.CreateConfigMapAsync("one");
        var (response, body) = await _server.SendAsync(HttpMethod.Put, Maps + "/one", ApiServerFixture.ConfigMap("one", ",\"resourceVersion\":\"77\""));
        Assert.Equal(409, (int)response.StatusCode);
        Assert.Equal("Conflict", (string?)body["reason"]);
    }

    [Theory]
    [InlineData("application/json-patch+json", PatchType.Json)]
    [InlineData("application/merge-patch+json; charset=utf-8", PatchType.Merge)]
    [InlineData("application/strategic-merge-patch+json", PatchType.StrategicMerge)]
    public async Task Patch_ContentType_ChoosesThePatch(string type, PatchType expected)
    {
        await _server.CreateConfigMapAsync("one");
        var (response, _) = await _server.SendAsync(HttpMethod.Patch, Maps + "/one", """{"data":{"b":"2"}}""", type);
        Assert.Equal(200, (int)response.StatusCode);
        Assert.Equal(expected, _server.Objects.LastPatch!.Type);
    }

    /// <summary>go-restful's words: it has looked at the type before any handler does.</summary>
    [Fact]
    public async Task Patch_OfNoTypeThatIsRead_IsToldAsUpstream()
    {
        var (response, body) = await _server.SendAsync(HttpMethod.Patch, Maps + "/one", "{}", "application/json");
        Assert.Equal(415, (int)response.StatusCode);
        Assert.Equal(("415: Unsupported Media Type", "UnsupportedMediaType"), ((string?)body["message"], (string?)body["reason"]));
    }

    [Fact]
    public async Task Delete_Finished_IsAStatusWithTheUid()
    {
        var (_, made) = await _server.CreateConfigMapAsync("one");
        var options = """{"propagationPolicy":"Foreground","gracePeriodSeconds":3,"preconditions":{"uid":"u"}}""";
        var (response, body) = await _server.SendAsync(HttpMethod.Delete, Maps + "/one", options);
        Assert.Equal(200, (int)response.StatusCode);
        Assert.Equal(("Success", (string?)made["metadata"]!["uid"]), ((string?)body["status"], (string?)body["details"]!["uid"]));
        Assert.Equal(new DeleteOptions { PropagationPolicy = "Foreground", GracePeriodSeconds = 3, Uid = "u" }, _server.Objects.LastDelete);
    }

    [Fact]
    public async Task Delete_HeldByAFinalizer_ReturnsTheObject()
    {
        await _server.CreateConfigMapAsync("one", ",\"finalizers\":[\"a.example/b\"]");
        var (_, body) = await _server.SendAsync(HttpMethod.Delete, Maps + "/one");
        Assert.Equal("ConfigMap", (string?)body["kind"]);
        Assert.NotNull(body["metadata"]!["deletionTimestamp"]);
    }

    [Fact]
    public async Task DeleteCollection_ReturnsWhatWasThere()
    {
        await _server.CreateConfigMapAsync("one");
        await _server.CreateConfigMapAsync("two");
        var (_, body) = await _server.SendAsync(HttpMethod.Delete, Maps);
        Assert.Equal(2, body["items"]!.AsArray().Count);
        Assert.Empty((await _server.GetAsync(Maps))["items"]!.AsArray());
    }

    [Fact]
    public async Task Scale_GetAndPut_SpeakOfReplicasOnly()
    {
        const string path = "/apis/apps/v1/namespaces/default/deployments";
        await _server.SendAsync(HttpMethod.Post, path, """
            {"metadata":{"name":"web"},"spec":{"replicas":2,"selector":{"matchLabels":{"app":"web"}}},"status":{"replicas":1}}
            """);
        var scale = await _server.GetAsync(path + "/web/scale");
        Assert.Equal(("Scale", 2, 1, "app=web"), (
            (string?)scale["kind"], (int?)scale["spec"]!["replicas"], (int?)scale["status"]!["replicas"], (string?)scale["status"]!["selector"]));
        scale["spec"]!["replicas"] = 5;
        var (_, changed) = await _server.SendAsync(HttpMethod.Put, path + "/web/scale", scale.ToJsonString());
        Assert.Equal(5, (int?)changed["spec"]!["replicas"]);
        Assert.Equal("scale", _server.Objects.LastWrite!.Subresource);
    }

    [Fact]
    public async Task Failure_Unexpected_Is500WithoutDetails()
    {
        _server.Objects.Fails = new InvalidOperationException("secret detail");
        var (response, body) = await _server.SendAsync(HttpMethod.Get, Maps);
        Assert.Equal(500, (int)response.StatusCode);
        Assert.Equal("InternalError", (string?)body["reason"]);
        Assert.DoesNotContain("secret", body.ToJsonString(), StringComparison.Ordinal);
        Assert.Contains("secret detail", Assert.Single(_server.Log.Errors), StringComparison.Ordinal);
        _server.Log.Errors.Clear();
    }

    [Theory]
    [InlineData("application/vnd.kubernetes.protobuf,application/json", 200)]
    [InlineData("*/*", 200)]
    [InlineData("application/vnd.kubernetes.protobuf", 406)]
    public async Task Accept_WithoutJson_Is406(string accept, int code)
    {
        var (response, _) = await _server.SendAsync(HttpMethod.Get, Maps, accept: accept);
        Assert.Equal(code, (int)response.StatusCode);
    }

    [Fact]
    public async Task Pretty_Indents()
    {
        await _server.CreateConfigMapAsync("one");
        Assert.Contains("\n  \"data\": {", await _server.Client.GetStringAsync(Maps + "/one?pretty=true"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task PartialMetadata_HasNoData()
    {
        await _server.CreateConfigMapAsync("one");
        var list = await _server.GetAsync(Maps, "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1");
        Assert.Equal("PartialObjectMetadataList", (string?)list["kind"]);
        var item = Assert.Single(list["items"]!.AsArray())!.AsObject();
        Assert.Equal("one", (string?)item["metadata"]!["name"]);
        Assert.False(item.ContainsKey("data"));
    }

    [Fact]
    public async Task Namespace_OwnPathAndContents_AreToldApart()
    {
        await _server.SendAsync(HttpMethod.Post, "/api/v1/namespaces", """{"metadata":{"name":"team"},"status":{"phase":"Active"}}""");
        Assert.Equal("Active", (string?)(await _server.GetAsync("/api/v1/namespaces/team/status"))["status"]!["phase"]);
        Assert.Equal("PodList", (string?)(await _server.GetAsync("/api/v1/namespaces/team/pods"))["kind"]);
        Assert.IsType<JsonArray>((await _server.GetAsync("/api/v1/namespaces"))["items"]);
    }
}
