using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging.Abstractions;
using Serval.Api;
using Serval.ApiServer.Pipeline;
using Serval.ApiServer.Store;

namespace Serval.ApiServer.Tests.Http;

/// <summary>
/// One row for each small thing a client could tell this server apart by: code, reason and causes as Kubernetes answers them. The rows hold
/// against any conformant server.
/// </summary>
public sealed class DeviationTests : IAsyncLifetime
{
    private const string Maps = "/api/v1/namespaces/default/configmaps";
    private const string Leases = "/apis/coordination.k8s.io/v1/namespaces/default/leases";
    private const string Json = "application/json";
    private const string JsonPatch = "application/json-patch+json";
    private const string MergePatch = "application/merge-patch+json";
    private const string StrategicPatch = "application/strategic-merge-patch+json";

    private SqliteStore _store = null!;
    private EmbeddedKubeClient _client = null!;
    private ApiServerFixture _server = null!;

    public async Task InitializeAsync()
    {
        _store = await SqliteStore.OpenAsync(new StoreOptions());
        _client = new EmbeddedKubeClient(_store, TimeProvider.System, NullLoggerFactory.Instance);
        _server = await ApiServerFixture.StartAsync(o => o with { Client = _client });
        await _server.SendAsync(HttpMethod.Post, "/api/v1/namespaces", """{"metadata":{"name":"default"}}""");
        await _server.CreateConfigMapAsync("one");
    }

    public async Task DisposeAsync()
    {
        await _server.DisposeAsync();
        _client.Dispose();
        await _store.DisposeAsync();
    }

    /// <summary>apimachinery meta/v1/validation and meta/internalversion/validation: options are refused as objects.</summary>
    [Theory]
    [InlineData("POST", Maps + "?dryRun=x", "CreateOptions", "FieldValueNotSupported dryRun")]
    [InlineData("POST", Maps + "?dryRun=All&dryRun=x", "CreateOptions", "FieldValueNotSupported dryRun")]
    [InlineData("POST", Maps + "?fieldValidation=strict", "CreateOptions", "FieldValueNotSupported fieldValidation")]
    [InlineData("POST", Maps + "?fieldManager=a%09b", "CreateOptions", "FieldValueInvalid fieldManager")]
    [InlineData("PUT", Maps + "/one?dryRun=&fieldValidation=x", "UpdateOptions", "FieldValueNotSupported dryRun, FieldValueNotSupported fieldValidation")]
    [InlineData("PATCH", Maps + "/one?force=true", "PatchOptions", "FieldValueForbidden force")]
    [InlineData("DELETE", Maps + "/one?propagationPolicy=Now", "DeleteOptions", "FieldValueNotSupported propagationPolicy")]
    [InlineData("DELETE", Maps + "/one?propagationPolicy=Orphan&orphanDependents=true", "DeleteOptions", "FieldValueInvalid propagationPolicy")]
    [InlineData("DELETE", Maps + "?sendInitialEvents=true", "ListOptions", "FieldValueForbidden sendInitialEvents")]
    [InlineData("GET", Maps + "?resourceVersionMatch=Exact", "ListOptions", "FieldValueForbidden resourceVersionMatch")]
    [InlineData("GET", Maps + "?resourceVersionMatch=Newest&resourceVersion=1", "ListOptions", "FieldValueNotSupported resourceVersionMatch")]
    [InlineData("GET", Maps + "?resourceVersionMatch=Exact&resourceVersion=0", "ListOptions", "FieldValueForbidden resourceVersionMatch")]
    [InlineData("GET", Maps + "?resourceVersionMatch=Exact&resourceVersion=1&continue=x", "ListOptions", "FieldValueForbidden resourceVersionMatch")]
    [InlineData("GET", Maps + "?watch=1&sendInitialEvents=true", "ListOptions", "FieldValueForbidden resourceVersionMatch")]
    [InlineData("GET", Maps + "?watch=1&resourceVersionMatch=NotOlderThan", "ListOptions", "FieldValueForbidden resourceVersionMatch")]
    [InlineData("GET", Maps + "?watch=1&sendInitialEvents=true&resourceVersionMatch=Exact", "ListOptions",
        "FieldValueForbidden resourceVersionMatch, FieldValueNotSupported resourceVersionMatch")]
    [InlineData("GET", Maps + "?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&continue=x", "ListOptions", "FieldValueForbidden resourceVersionMatch")]
    public async Task Options_ThatAreWrong_AreAnInvalidObject(string method, string path, string kind, string causes)
    {
        var (response, body) = await SendAsync(method, path, method is "GET" or "DELETE" ? null : ApiServerFixture.ConfigMap("one"), method == "PATCH" ? MergePatch : Json);
        Assert.Equal((422, "Invalid", causes), ((int)response.StatusCode, (string?)body["reason"], Causes(body)));
        Assert.Equal((kind, "meta.k8s.io"), ((string?)body["details"]!["kind"], (string?)body["details"]!["group"]));
        Assert.StartsWith($"{kind}.meta.k8s.io \"\" is invalid: ", (string?)body["message"], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("?dryRun=x", "dryRun: Unsupported value: [\"x\"]: supported values: \"All\"")]
    [InlineData("?fieldValidation=x", "fieldValidation: Unsupported value: \"x\": supported values: \"\", \"Ignore\", \"Strict\", \"Warn\"")]
    [InlineData("?fieldManager=%C3%A9%09", "fieldManager: Invalid value: \"é\\t\": invalid character U+0009 (at position 2)")]
    public async Task Options_ThatAreWrong_AreSaidAsUpstream(string query, string message)
    {
        var (_, body) = await SendAsync("POST", Maps + query, ApiServerFixture.ConfigMap("two"));
        Assert.EndsWith("is invalid: " + message, (string?)body["message"], StringComparison.Ordinal);
    }

    [Fact]
    public async Task FieldManager_AboveItsLength_IsTooLong()
    {
        var (response, body) = await SendAsync("POST", $"{Maps}?fieldManager={new string('m', 129)}", ApiServerFixture.ConfigMap("two"));
        Assert.Equal((422, "FieldValueTooLong fieldManager"), ((int)response.StatusCode, Causes(body)));
    }

    [Theory]
    [InlineData("GET", Maps + "?limit=x", null, Json, 400, "BadRequest")]
    [InlineData("GET", Maps + "?resourceVersion=abc", null, Json, 400, "BadRequest")]
    [InlineData("DELETE", Maps + "/one", """{"kind":"Pod","apiVersion":"v1"}""", Json, 400, "BadRequest")]
    [InlineData("DELETE", Maps + "/one", """{"propagationPolicy":"Soon"}""", Json, 422, "Invalid")]
    [InlineData("POST", Maps + "/one", "{}", Json, 405, "MethodNotAllowed")]
    [InlineData("PUT", Maps, "{}", Json, 405, "MethodNotAllowed")]
    [InlineData("POST", Maps, "x", "text/plain", 415, "UnsupportedMediaType")]
    [InlineData("PATCH", Maps + "/one", "x", Json, 415, "UnsupportedMediaType")]
    [InlineData("PUT", Maps + "/absent", """{"metadata":{"name":"absent"}}""", Json, 404, "NotFound")]
    [InlineData("PUT", Leases + "/born", """{"metadata":{"name":"born"},"spec":{"holderIdentity":"me"}}""", Json, 201, "")]
    public async Task Request_IsAnsweredAsUpstream(string method, string path, string? sent, string type, int code, string reason)
    {
        var (response, body) = await SendAsync(method, path, sent, type);
        Assert.Equal((code, reason), ((int)response.StatusCode, (string?)body["reason"] ?? ""));
    }

    /// <summary>A body silences the query (apiserver: DeleteResource).</summary>
    [Fact]
    public async Task Delete_WithABody_DoesNotReadTheQuery()
    {
        var (response, _) = await SendAsync("DELETE", Maps + "/one?dryRun=All&propagationPolicy=nonsense", "{}");
        Assert.Equal(200, (int)response.StatusCode);
        Assert.Equal(404, (int)(await SendAsync("GET", Maps + "/one")).Response.StatusCode);
    }

    [Theory]
    [InlineData("""{"orphanDependents":false}""", 202)]
    [InlineData("{}", 200)]
    public async Task Delete_HeldByAFinalizer_IsAcceptedForOldClientsOnly(string options, int code)
    {
        await _server.CreateConfigMapAsync("held", ",\"finalizers\":[\"a.example/b\"]");
        Assert.Equal(code, (int)(await SendAsync("DELETE", Maps + "/held", options)).Response.StatusCode);
    }

    /// <summary>apimachinery api/errors: only errors about an object have details.</summary>
    [Theory]
    [InlineData("GET", Maps + "?limit=x", false)]
    [InlineData("GET", Maps + "/absent", true)]
    [InlineData("GET", "/api/v1/nothing", true)]
    public async Task Status_HasDetails_WhereItIsAboutAnObject(string method, string path, bool details)
    {
        var (_, body) = await SendAsync(method, path);
        Assert.Equal(details, body.ContainsKey("details"));
        Assert.Empty(body["metadata"]!.AsObject());
    }

    [Theory]
    [InlineData(Maps)]
    [InlineData(Maps + "/absent")]
    [InlineData("/livez")]
    public async Task Answers_AreNotCached(string path)
    {
        using var response = await _server.Client.GetAsync(path);
        Assert.Equal(["no-cache", "private"], response.Headers.GetValues("Cache-Control").SelectMany(v => v.Split(", ")));
    }

    [Theory]
    [InlineData("curl/8.1", "", true)]
    [InlineData("curl/8.1", "?pretty=false", false)]
    [InlineData("kubectl/v1.36.0", "", false)]
    [InlineData("kubectl/v1.36.0", "?pretty=1", true)]
    public async Task Pretty_IsForPeople(string agent, string query, bool pretty)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, Maps + "/one" + query);
        request.Headers.TryAddWithoutValidation("User-Agent", agent);
        using var response = await _server.Client.SendAsync(request);
        Assert.Equal(pretty, (await response.Content.ReadAsStringAsync()).Contains("\n  \"kind\"", StringComparison.Ordinal));
    }

    /// <summary>apiserver handlers/patch.go: no patch is 400, a patch that leads to no object of the kind is 422.</summary>
    [Theory]
    [InlineData(JsonPatch, "{", 400, "BadRequest", "")]
    [InlineData(JsonPatch, "{}", 400, "BadRequest", "")]
    [InlineData(JsonPatch, "[1]", 400, "BadRequest", "")]
    [InlineData(MergePatch, "[]", 400, "BadRequest", "")]
    [InlineData(StrategicPatch, """{"$patch":"turn"}""", 400, "BadRequest", "")]
    [InlineData(JsonPatch, """[{"op":"test","path":"/data/a","value":"2"}]""", 422, "Invalid", "")]
    [InlineData(JsonPatch, """[{"op":"remove","path":"/data/none"}]""", 422, "Invalid", "")]
    [InlineData(JsonPatch, """[{"op":"turn","path":"/data"}]""", 422, "Invalid", "")]
    [InlineData(JsonPatch, """[{"op":"replace","path":"","value":1}]""", 422, "Invalid", "")]
    [InlineData(JsonPatch, """[{"op":"replace","path":"","value":[1]}]""", 422, "Invalid", "FieldValueInvalid patch")]
    [InlineData(MergePatch, """{"data":5}""", 422, "Invalid", "FieldValueInvalid patch")]
    [InlineData(StrategicPatch, """{"data":5}""", 422, "Invalid", "FieldValueInvalid patch")]
    [InlineData(MergePatch, """{"dta":{}}""", 422, "Invalid", "FieldValueInvalid patch")]
    [InlineData(MergePatch, """{"data":{"a":"1","a":"2"}}""", 422, "Invalid", "FieldValueInvalid patch")]
    [InlineData(JsonPatch, """[{"op":"remove","op":"test","path":"/data/a","value":"1"}]""", 422, "Invalid", "FieldValueInvalid patch")]
    public async Task Patch_ThatDoesNotFit_IsAnsweredAsUpstream(string type, string patch, int code, string reason, string causes)
    {
        var (response, body) = await SendAsync("PATCH", Maps + "/one?fieldValidation=Strict", patch, type);
        Assert.Equal((code, reason, causes), ((int)response.StatusCode, (string?)body["reason"], Causes(body)));
    }

    [Theory]
    [InlineData(MergePatch, """{"data":{"a":"1","a":"2"}}""", "duplicate field \\\"data.a\\\"")]
    [InlineData(JsonPatch, """[{"op":"test","op":"replace","path":"/data/a","value":"2"}]""", "json patch duplicate field \\\"[0].op\\\"")]
    public async Task Patch_WithARepeatedKey_IsWarnedOf(string type, string patch, string warning)
    {
        var (response, body) = await SendAsync("PATCH", Maps + "/one", patch, type);
        Assert.Equal((200, "2"), ((int)response.StatusCode, (string?)body["data"]!["a"]));
        Assert.Equal($"299 - \"{warning}\"", Assert.Single(response.Headers.GetValues("Warning")));
        (response, _) = await SendAsync("PATCH", Maps + "/one?fieldValidation=Ignore", patch, type);
        Assert.False(response.Headers.Contains("Warning"));
    }

    [Fact]
    public async Task Patch_WithTooManyOperations_IsTooLarge()
    {
        var patch = $"[{string.Join(',', Enumerable.Repeat("""{"op":"test","path":"/data/a","value":"1"}""", 10_001))}]";
        var (response, body) = await SendAsync("PATCH", Maps + "/one", patch, JsonPatch);
        Assert.Equal((413, "RequestEntityTooLarge"), ((int)response.StatusCode, (string?)body["reason"]));
        Assert.Equal("Request entity too large: The allowed maximum operations in a JSON patch is 10000, got 10001", (string?)body["message"]);
    }

    /// <summary>kubernetes pkg/apis/core/v1/conversion.go, apimachinery runtime/conversion.go.</summary>
    [Theory]
    [InlineData("/api/v1/pods", "spec.nodeName=a,status.phase!=Failed,spec.host=a,spec.hostNetwork=false", 200)]
    [InlineData("/api/v1/pods", "spec.containers=a", 400)]
    [InlineData("/api/v1/nodes", "spec.unschedulable=false", 200)]
    [InlineData("/api/v1/nodes", "metadata.namespace=a", 400)]
    [InlineData("/api/v1/namespaces", "status.phase=Active", 200)]
    [InlineData("/api/v1/secrets", "type=Opaque", 200)]
    [InlineData("/api/v1/services", "spec.clusterIP=None", 200)]
    [InlineData("/api/v1/events", "involvedObject.uid=a,type=Warning,source=b", 200)]
    [InlineData("/api/v1/configmaps", "data.a=1", 400)]
    [InlineData("/apis/apps/v1/deployments", "spec.replicas=1", 400)]
    [InlineData("/apis/serving.knative.dev/v1/services", "metadata.name=a,metadata.namespace=b", 200)]
    [InlineData("/apis/serving.knative.dev/v1/services", "status.url=a", 400)]
    public async Task FieldSelector_NamesOnlyWhatTheKindIsSelectedBy(string path, string selector, int code)
    {
        var query = "?fieldSelector=" + Uri.EscapeDataString(selector);
        Assert.Equal(code, (int)(await SendAsync("GET", path + query)).Response.StatusCode);
        using var watch = await _server.Client.GetAsync(path + query + "&watch=1&timeoutSeconds=1", HttpCompletionOption.ResponseHeadersRead);
        Assert.Equal(code, (int)watch.StatusCode);
    }

    /// <summary>A field that is left out when it is false is selected as false.</summary>
    [Fact]
    public async Task FieldSelector_OfABoolean_MatchesWhereItIsAbsent()
    {
        await SendAsync("POST", "/api/v1/nodes", """{"metadata":{"name":"n"}}""");
        var shown = await _server.GetAsync("/api/v1/nodes?fieldSelector=spec.unschedulable%3Dfalse");
        Assert.Equal("n", (string?)Assert.Single(shown["items"]!.AsArray())!["metadata"]!["name"]);
        Assert.Empty((await _server.GetAsync("/api/v1/nodes?fieldSelector=spec.unschedulable%3Dtrue"))["items"]!.AsArray());
    }

    [Fact]
    public async Task Watch_OfOneObject_WithTheNameOfAnother_IsRefused()
    {
        var (response, body) = await SendAsync("GET", Maps.Replace("/v1/", "/v1/watch/", StringComparison.Ordinal) + "/one?fieldSelector=metadata.name%3Dtwo");
        Assert.Equal((400, "fieldSelector metadata.name doesn't match requested name"), ((int)response.StatusCode, (string?)body["message"]));
    }

    /// <summary>apimachinery meta/internalversion/defaults.go: a watch from no version, or from 0, is one that asked for the initial events.</summary>
    [Theory]
    [InlineData("", 2)]
    [InlineData("&resourceVersion=0", 2)]
    [InlineData("&sendInitialEvents=true&resourceVersionMatch=NotOlderThan", 2)]
    public async Task Watch_FromNoVersion_EndsItsInitialEventsWithAMark(string query, int frames)
    {
        var last = (await FramesAsync(Maps + "?watch=1&allowWatchBookmarks=true" + query, frames))[^1];
        Assert.Equal(("BOOKMARK", "true"), ((string?)last["type"], (string?)last["object"]!["metadata"]!["annotations"]!["k8s.io/initial-events-end"]));
    }

    /// <summary>apiserver handlers/response.go: the mark stands on the object of a row, whatever rows are asked to include.</summary>
    [Theory]
    [MemberData(nameof(Collections))]
    public async Task Watch_AsTable_CarriesTheMarkInARow(string path)
    {
        const string table = "application/json;as=Table;v=v1;g=meta.k8s.io";
        var last = (await FramesAsync($"{path}?watch=1&allowWatchBookmarks=true&includeObject=None&fieldSelector=metadata.name%3Dnone", 1, table))[^1];
        Assert.Equal(("BOOKMARK", "Table"), ((string?)last["type"], (string?)last["object"]!["kind"]));
        var row = Assert.Single(last["object"]!["rows"]!.AsArray())!;
        Assert.Equal("true", (string?)row["object"]!["metadata"]!["annotations"]!["k8s.io/initial-events-end"]);
    }

    public static TheoryData<string> Collections() =>
        [.. Kinds.All.Select(k => k.Group.Length == 0 ? $"/api/{k.Version}/{k.Plural}" : $"/apis/{k.Group}/{k.Version}/{k.Plural}")];

    /// <summary>A list that is no longer kept goes on from the present state when it is asked to (storage/etcd3/errors.go).</summary>
    [Fact]
    public async Task List_WithATokenThatExpired_GivesOneForTheRest()
    {
        await _server.CreateConfigMapAsync("two");
        await _server.CreateConfigMapAsync("zero");
        var page = await _server.GetAsync(Maps + "?limit=1");
        for (var i = 0; i < 32; i++)
        {
            await _server.GetAsync(Maps + "?limit=1"); // as many as are kept
        }
        var (response, gone) = await SendAsync("GET", $"{Maps}?limit=1&continue={page["metadata"]!["continue"]}");
        Assert.Equal((410, "Expired"), ((int)response.StatusCode, (string?)gone["reason"]));
        await SendAsync("DELETE", Maps + "/two");
        var rest = await _server.GetAsync($"{Maps}?limit=5&continue={gone["metadata"]!["continue"]}");
        Assert.Equal("zero", (string?)Assert.Single(rest["items"]!.AsArray())!["metadata"]!["name"]);
        (response, _) = await SendAsync("GET", $"/api/v1/namespaces/default/secrets?continue={gone["metadata"]!["continue"]}");
        Assert.Equal(400, (int)response.StatusCode);
    }

    [Theory]
    [InlineData("", true)]
    [InlineData("&labelSelector=!a", false)]
    public async Task List_TellsHowManyRemain_OnlyWithoutSelectors(string query, bool tells)
    {
        await _server.CreateConfigMapAsync("two");
        var page = await _server.GetAsync($"{Maps}?limit=1{query}");
        Assert.Equal(tells, page["metadata"]!.AsObject().ContainsKey("remainingItemCount"));
    }

    private async Task<List<JsonNode>> FramesAsync(string path, int count, string accept = Json)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.TryAddWithoutValidation("Accept", accept);
        using var response = await _server.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync());
        var frames = new List<JsonNode>();
        while (frames.Count < count)
        {
            frames.Add(JsonNode.Parse((await reader.ReadLineAsync())!)!);
        }
        return frames;
    }

    private async Task<(HttpResponseMessage Response, JsonObject Body)> SendAsync(string method, string path, string? body = null, string type = Json) =>
        await _server.SendAsync(new HttpMethod(method), path, body, type);

    private static string Causes(JsonObject status) =>
        string.Join(", ", (status["details"]?["causes"] as JsonArray ?? []).Select(c => $"{c!["reason"]} {c["field"]}"));
}
