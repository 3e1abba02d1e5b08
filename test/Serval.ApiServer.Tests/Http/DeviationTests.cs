using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging.Abstractions;
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
    [InlineData("?fieldManager=%C3%A9%09", "fieldManager: Invalid value: \"é\t\": invalid character U+0009 (at position 2)")]
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

    private async Task<(HttpResponseMessage Response, JsonObject Body)> SendAsync(string method, string path, string? body = null, string type = Json) =>
        await _server.SendAsync(new HttpMethod(method), path, body, type);

    private static string Causes(JsonObject status) =>
        string.Join(", ", (status["details"]?["causes"] as JsonArray ?? []).Select(c => $"{c!["reason"]} {c["field"]}"));
}
