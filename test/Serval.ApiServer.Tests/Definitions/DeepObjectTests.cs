using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging.Abstractions;
using Serval.Api;
using Serval.ApiServer.Pipeline;
using Serval.ApiServer.Store;

namespace Serval.ApiServer.Tests.Definitions;

/// <summary>What nests as deep as it may is served in every form, and outlives a restart.</summary>
public sealed class DeepObjectTests : IAsyncLifetime
{
    private const string Definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    private const string Things = "/apis/example.com/v1/namespaces/default/things";

    private readonly string _directory = Directory.CreateTempSubdirectory("serval-deep-").FullName;
    private SqliteStore _store = null!;
    private EmbeddedKubeClient _client = null!;
    private ApiServerFixture _server = null!;

    public async Task InitializeAsync()
    {
        await StartAsync();
        await SendAsync(201, "POST", "/api/v1/namespaces", """{"metadata":{"name":"default"}}""");
    }

    public async Task DisposeAsync()
    {
        await StopAsync();
        Directory.Delete(_directory, recursive: true);
    }

    /// <summary>The deep member stands before the metadata in the bytes of the object.</summary>
    [Fact]
    public async Task AnObject_IsWrittenShownAndReadAgain()
    {
        const int depth = 120;
        await DefineAsync("""{"type":"object","x-kubernetes-preserve-unknown-fields":true}""");
        var made = await SendAsync(201, "POST", Things, Thing(depth, 1));
        var version = (string)made["metadata"]!["resourceVersion"]!;
        await SendAsync(200, "PUT", Things + "/a", Thing(depth, 2, version));
        await SendAsync(200, "PATCH", Things + "/a", """{"spec":{"size":3}}""");
        await SendAsync(200, "PATCH", Things + "/a/status", "{\"status\":" + Nested(depth - 1) + "}");
        await SendAsync(200, "PATCH", Things + "/a?fieldManager=other", """{"apiVersion":"example.com/v1","kind":"Thing","metadata":{"name":"a"},"spec":{"other":1}}""", "application/apply-patch+yaml");
        await ShowAsync(version);

        await StopAsync();
        await StartAsync();
        await ShowAsync(null);
        await SendAsync(200, "PATCH", Things + "/a", """{"metadata":{"labels":{"a":"b"}}}""");
        await SendAsync(200, "DELETE", Things + "/a");
    }

    [Fact]
    public async Task AFieldSet_OfABuiltInKind_MayBeAsDeep()
    {
        const string map = "/api/v1/namespaces/default/configmaps";
        var fields = string.Concat(Enumerable.Repeat("""{"f:a":""", 100)) + "{}" + new string('}', 100);
        var body = $$$"""
            {"metadata":{"name":"a","managedFields":[{"manager":"m","operation":"Update","apiVersion":"v1","time":"2026-01-01T00:00:00Z","fieldsType":"FieldsV1","fieldsV1":{{{fields}}}}]},"data":{"a":"1"}}
            """;
        await SendAsync(201, "POST", map, body);
        await SendAsync(200, "PATCH", map + "/a", """{"data":{"a":"2"}}""");
        await SendAsync(200, "GET", map + "?pretty=1");
        await SendAsync(200, "GET", map, accept: "application/json;as=Table;v=v1;g=meta.k8s.io");
    }

    [Fact]
    public async Task ADefinition_IsServedDescribedAndDeleted_AlsoAfterARestart()
    {
        var schema = string.Concat(Enumerable.Repeat("""{"type":"object","properties":{"a":""", 45)) + """{"type":"string"}""" + string.Concat(Enumerable.Repeat("}}", 45));
        await DefineAsync(schema);
        await SendAsync(201, "POST", Things, """{"apiVersion":"example.com/v1","kind":"Thing","metadata":{"name":"a"}}""");
        await StopAsync();
        await StartAsync();
        await SendAsync(200, "GET", Things + "/a");
        await SendAsync(200, "GET", Definitions + "?pretty=1");
        await SendAsync(200, "GET", Definitions, accept: "application/json;as=Table;v=v1;g=meta.k8s.io");
        Assert.NotNull((await SendAsync(200, "GET", "/openapi/v2"))["definitions"]!["com.example.v1.Thing"]);
        Assert.NotNull((await SendAsync(200, "GET", "/openapi/v3/apis/example.com/v1"))["components"]!["schemas"]!["com.example.v1.Thing"]);
        await SendAsync(200, "DELETE", Definitions + "/things.example.com");
        await SendAsync(200, "PATCH", Definitions + "/things.example.com", """{"metadata":{"finalizers":null}}""");
        await SendAsync(404, "GET", Things + "/a");
    }

    private static string Nested(int depth) => string.Concat(Enumerable.Repeat("""{"a":""", depth - 1)) + "{}" + new string('}', depth - 1);

    private static string Thing(int depth, int size, string version = "") => $$"""
        {"apiVersion":"example.com/v1","deep":{{Nested(depth - 1)}},"kind":"Thing","metadata":{"name":"a","resourceVersion":"{{version}}"},"spec":{"size":{{size}}},"zeep":{{Nested(depth - 1)}}}
        """;

    private async Task ShowAsync(string? after)
    {
        await SendAsync(200, "GET", Things + "/a?pretty=1");
        Assert.NotNull((await SendAsync(200, "GET", Things))["items"]![0]!["deep"]!["a"]);
        await SendAsync(200, "GET", Things + "?pretty=1");
        await SendAsync(200, "GET", Things + "?fieldSelector=metadata.name%3Da");
        foreach (var form in (string[])["Table", "PartialObjectMetadataList"])
        {
            foreach (var query in (string[])["", "?pretty=1", "?includeObject=Object&pretty=1"])
            {
                Assert.Equal(form, (string?)(await SendAsync(200, "GET", Things + query, accept: $"application/json;as={form};v=v1;g=meta.k8s.io"))["kind"]);
            }
        }
        if (after is not null)
        {
            using var stream = new StreamReader(await _server.Client.GetStreamAsync($"{Things}?watch=1&resourceVersion={after}"));
            Assert.NotNull(CanonicalJson.Parse((await stream.ReadLineAsync())!)!["object"]!["deep"]);
        }
    }

    private async Task DefineAsync(string schema)
    {
        var made = await SendAsync(201, "POST", Definitions, $$$"""
            {"metadata":{"name":"things.example.com"},"spec":{"group":"example.com","scope":"Namespaced","names":{"plural":"things","kind":"Thing"},
             "versions":[{"name":"v1","served":true,"storage":true,"subresources":{"status":{}},"schema":{"openAPIV3Schema":{{{schema}}}}}]}}
            """);
        await CustomResourceTests.EstablishAsync(_server, made);
    }

    private async Task StartAsync()
    {
        _store = await SqliteStore.OpenAsync(new StoreOptions { Directory = _directory });
        _client = new EmbeddedKubeClient(_store, TimeProvider.System, NullLoggerFactory.Instance);
        _server = await ApiServerFixture.StartAsync(o => o with { Client = _client });
    }

    private async Task StopAsync()
    {
        await _server.DisposeAsync();
        _client.Dispose();
        await _store.DisposeAsync();
    }

    private Task<JsonObject> SendAsync(int code, string method, string path, string? body = null, string? type = null, string accept = "application/json") =>
        CustomResourceTests.SendAsync(_server, code, method, path, body, type, accept);
}
