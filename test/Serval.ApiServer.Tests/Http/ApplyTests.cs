using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging.Abstractions;
using Serval.ApiServer.Pipeline;
using Serval.ApiServer.Store;

namespace Serval.ApiServer.Tests.Http;

/// <summary>Server-side apply as clients send it: bodies in YAML and JSON, options, and every way to be refused.</summary>
public sealed class ApplyTests : IAsyncLifetime
{
    private const string Map = "/api/v1/namespaces/default/configmaps/m";
    private const string Deployment = "/apis/apps/v1/namespaces/default/deployments/d";
    private const string ApplyType = "application/apply-patch+yaml";

    private SqliteStore _store = null!;
    private EmbeddedKubeClient _client = null!;
    private ApiServerFixture _server = null!;

    public async Task InitializeAsync()
    {
        _store = await SqliteStore.OpenAsync(new StoreOptions());
        _client = new EmbeddedKubeClient(_store, TimeProvider.System, NullLoggerFactory.Instance);
        _server = await ApiServerFixture.StartAsync(o => o with { Client = _client });
        await _server.SendAsync(HttpMethod.Post, "/api/v1/namespaces", """{"metadata":{"name":"default"}}""");
    }

    public async Task DisposeAsync()
    {
        await _server.DisposeAsync();
        _client.Dispose();
        await _store.DisposeAsync();
    }

    [Fact]
    public async Task Apply_InYaml_CreatesThenChanges()
    {
        var (code, created) = await ApplyAsync(Map, "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: m\ndata:\n  a: '1'\n", "a");
        Assert.Equal((201, "1", "default"), (code, (string?)created["data"]!["a"], (string?)created["metadata"]!["namespace"]));
        var entry = Assert.Single(created["metadata"]!["managedFields"]!.AsArray())!;
        Assert.Equal(
            ("a", "Apply", "v1", "FieldsV1", """{"f:data":{"f:a":{}}}"""),
            ((string?)entry["manager"], (string?)entry["operation"], (string?)entry["apiVersion"], (string?)entry["fieldsType"], entry["fieldsV1"]!.ToJsonString()));
        Assert.Matches("^[0-9-]+T[0-9:]+Z$", (string?)entry["time"]);
        var (second, changed) = await ApplyAsync(Map, ConfigMap("""{"b":"2"}"""), "a");
        Assert.Equal((200, """{"b":"2"}"""), (second, changed["data"]!.ToJsonString()));
    }

    [Fact]
    public async Task Apply_OverWhatAnotherWrote_IsAConflictWithCauses()
    {
        await _server.SendAsync(HttpMethod.Post, "/api/v1/namespaces/default/configmaps?fieldManager=kubectl-create", ConfigMap("""{"a":"1","b":"1"}"""));
        var (code, body) = await ApplyAsync(Map, ConfigMap("""{"a":"2"}"""), "gitops");
        Assert.Equal((409, "Conflict", "Failure"), (code, (string?)body["reason"], (string?)body["status"]));
        Assert.Equal("Apply failed with 1 conflict: conflict with \"kubectl-create\" using v1: .data.a", (string?)body["message"]);
        Assert.True(JsonNode.DeepEquals(
            JsonNode.Parse("""{"causes":[{"reason":"FieldManagerConflict","message":"conflict with \"kubectl-create\" using v1","field":".data.a"}]}"""), body["details"]));
        var (forced, taken) = await ApplyAsync(Map, ConfigMap("""{"a":"2"}"""), "gitops", "&force=true");
        Assert.Equal((200, "2", "1"), (forced, (string?)taken["data"]!["a"], (string?)taken["data"]!["b"]));
    }

    [Theory]
    [InlineData("", 422, "Invalid", "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value: is required for apply patch")]
    [InlineData("?force=true", 422, "Invalid", "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value: is required for apply patch")]
    [InlineData("?fieldManager=a&dryRun=x", 422, "Invalid", "PatchOptions.meta.k8s.io \"\" is invalid: dryRun: Unsupported value: [\"x\"]: supported values: \"All\"")]
    public async Task Apply_WithWrongOptions_IsRefused(string query, int code, string reason, string message)
    {
        var (response, body) = await _server.SendAsync(HttpMethod.Patch, Map + query, ConfigMap("{}"), ApplyType);
        Assert.Equal((code, reason, message), ((int)response.StatusCode, (string?)body["reason"], (string?)body["message"]));
    }

    [Theory]
    [InlineData("""{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"m"},"foo":1}""", "failed to create typed patch object (/m; /v1, Kind=ConfigMap): .foo: field not declared in schema")]
    [InlineData("""{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"m","namespace":"default"},"data":{"a":1}}""", "failed to create typed patch object (default/m; /v1, Kind=ConfigMap): .data.a: expected string, got number")]
    [InlineData("""{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"m","managedFields":[]}}""", "metadata.managedFields must be nil")]
    [InlineData("""{"apiVersion":"v2","kind":"ConfigMap","metadata":{"name":"m"}}""", "invalid object type: /v2, Kind=ConfigMap")]
    [InlineData("""{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"m"}}""", "invalid object type: apps/v1, Kind=Deployment")]
    [InlineData("""{"apiVersion":"v1","metadata":{"name":"m"}}""", "invalid object type: /v1, Kind=")]
    [InlineData("""{"apiVersion":"v1","kind":"ConfigMap"}""", "the name of the object (m based on URL) was undeterminable: name must be provided")]
    [InlineData("""{"apiVersion":"v1","kind":"ConfigMap","metadata":{"generateName":"m"}}""", "the name of the object (m based on URL) was undeterminable: name must be provided")]
    [InlineData("""{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"n"}}""", "the name of the object (n) does not match the name on the URL (m)")]
    [InlineData("""{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"m","namespace":"other"}}""", "the namespace of the provided object does not match the namespace sent on the request")]
    [InlineData("""{"apiVersion":"v1","kind":"ConfigMap","metadata":"m"}""", "error decoding patch: metadata is no object")]
    [InlineData("""{"apiVersion":5,"kind":["ConfigMap"],"metadata":{"name":5}}""", "invalid object type: /, Kind=")]
    [InlineData("[]", "error decoding YAML: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal array into Go value of type map[string]interface {}")]
    [InlineData("", null)]
    [InlineData("{", null)]
    [InlineData("a: b: c", null)]
    [InlineData("a: 1\n---\nb: 2", null)]
    public async Task Apply_OfABadConfiguration_IsABadRequest(string config, string? message)
    {
        var (code, body) = await ApplyAsync(Map, config, "a");
        Assert.Equal((400, "BadRequest"), (code, (string?)body["reason"]));
        if (message is not null)
        {
            Assert.Equal(message, (string?)body["message"]);
        }
    }

    [Theory]
    [InlineData("Strict", 400)]
    [InlineData("Warn", 201)]
    [InlineData("Ignore", 201)]
    public async Task Apply_OfARepeatedKey_IsAsFieldValidationSays(string validation, int code)
    {
        var (response, body) = await _server.SendAsync(
            HttpMethod.Patch, $"{Map}?fieldManager=a&fieldValidation={validation}", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: m}\ndata: {a: '1', a: '2'}\n", ApplyType);
        Assert.Equal(code, (int)response.StatusCode);
        Assert.Equal(validation == "Warn", response.Headers.Contains("Warning"));
        if (code == 400)
        {
            Assert.StartsWith("error strict decoding YAML: error converting YAML to JSON: yaml: unmarshal errors:\n  line 4: ", (string?)body["message"], StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Apply_ToStatusAndScale_GoesThroughTheirDoors()
    {
        Assert.Equal(201, (await ApplyAsync(Deployment, s_deployment, "a")).Code);
        var (code, body) = await ApplyAsync($"{Deployment}/status", """{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"d"},"status":{"replicas":7}}""", "s");
        Assert.Equal((200, 7, 1), (code, (int?)body["status"]!["replicas"], (int?)body["spec"]!["replicas"]));
        (code, body) = await ApplyAsync($"{Deployment}/scale", """{"apiVersion":"autoscaling/v1","kind":"Scale","metadata":{"name":"d"},"spec":{"replicas":3}}""", "s");
        Assert.Equal((200, "Scale", 3), (code, (string?)body["kind"], (int?)body["spec"]!["replicas"]));
        (code, body) = await ApplyAsync($"{Deployment}/scale", """{"apiVersion":"autoscaling/v1","kind":"Scale","metadata":{"name":"d"},"spec":{"foo":3}}""", "s");
        Assert.Equal((400, "failed to create typed patch object (/d; autoscaling/v1, Kind=Scale): .spec.foo: field not declared in schema"), (code, (string?)body["message"]));
        Assert.Equal(404, (await ApplyAsync($"{Map}/status", ConfigMap("{}"), "s")).Code);
        Assert.Equal(404, (await ApplyAsync($"{Deployment.Replace("/d", "/none", StringComparison.Ordinal)}/scale", """{"apiVersion":"autoscaling/v1","kind":"Scale","metadata":{"name":"none"}}""", "s")).Code);
    }

    [Fact]
    public async Task Apply_ThatLeavesAnInvalidObject_IsInvalid()
    {
        var (code, body) = await ApplyAsync(Deployment, """{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"d"},"spec":{"replicas":-1}}""", "a");
        Assert.Equal((422, "Invalid"), (code, (string?)body["reason"]));
        Assert.Equal(404, (int)(await _server.SendAsync(HttpMethod.Get, Deployment)).Response.StatusCode);
    }

    [Fact]
    public async Task Apply_ByTheNameOfTheUserAgent_IsNotEnough_ButUpdatesTakeIt()
    {
        _server.Client.DefaultRequestHeaders.UserAgent.ParseAdd("my-tool/v1.2 (linux)");
        Assert.Equal(422, (int)(await _server.SendAsync(HttpMethod.Patch, Map, ConfigMap("{}"), ApplyType)).Response.StatusCode);
        var (_, body) = await _server.CreateConfigMapAsync("by-agent");
        Assert.Equal("my-tool", (string?)body["metadata"]!["managedFields"]![0]!["manager"]);
    }

    [Fact]
    public async Task Updates_OverHttp_AreTracked()
    {
        await _server.SendAsync(HttpMethod.Post, "/api/v1/namespaces/default/configmaps?fieldManager=one", ConfigMap("""{"a":"1"}"""));
        await _server.SendAsync(HttpMethod.Patch, Map + "?fieldManager=two", """{"data":{"b":"1"}}""", "application/merge-patch+json");
        var (_, body) = await _server.SendAsync(HttpMethod.Put, Map + "?fieldManager=three", ConfigMap("""{"a":"1","b":"2"}"""));
        Assert.Equal(["one", "three"], body["metadata"]!["managedFields"]!.AsArray().Select(e => (string?)e!["manager"]).Order());
    }

    private static readonly string s_deployment =
        """{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"d"},"spec":{"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i"}]}}}}""";

    private static string ConfigMap(string data) => $$"""{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"m"},"data":{{data}} }""";

    private async Task<(int Code, JsonObject Body)> ApplyAsync(string path, string config, string manager, string more = "")
    {
        var (response, body) = await _server.SendAsync(HttpMethod.Patch, $"{path}?fieldManager={manager}{more}", config, ApplyType);
        return ((int)response.StatusCode, body);
    }
}
