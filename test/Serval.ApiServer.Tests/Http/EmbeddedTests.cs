using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging.Abstractions;
using Serval.Api;
using Serval.Api.Schema;
using Serval.ApiServer.Pipeline;
using Serval.ApiServer.Store;
using Serval.Kube;

namespace Serval.ApiServer.Tests.Http;

/// <summary>The HTTPS face over the real store and pipeline.</summary>
public sealed class EmbeddedTests : IAsyncLifetime
{
    private const string Deployments = "/apis/apps/v1/namespaces/default/deployments";
    private SqliteStore _store = null!;
    private IKubeClient _client = null!;
    private ApiServerFixture _server = null!;

    public async Task InitializeAsync()
    {
        _store = await SqliteStore.OpenAsync(new StoreOptions());
        _client = new EmbeddedKubeClient(_store, TimeProvider.System, NullLoggerFactory.Instance);
        _server = await ApiServerFixture.StartAsync(o => o with { Client = _client });
        await PostAsync("/api/v1/namespaces", """{"metadata":{"name":"default"}}""", 201);
    }

    public async Task DisposeAsync()
    {
        await _server.DisposeAsync();
        (_client as IDisposable)?.Dispose();
        await _store.DisposeAsync();
    }

    [Fact]
    public async Task Scale_PutAndPatch_ChangeTheWorkload()
    {
        await PostAsync(Deployments, Deployment("web"), 201);
        var scale = await _server.GetAsync($"{Deployments}/web/scale");
        Assert.Equal(("Scale", 2), ((string?)scale["kind"], (int?)scale["spec"]!["replicas"]));
        scale["spec"]!["replicas"] = 5;
        var (put, body) = await _server.SendAsync(HttpMethod.Put, $"{Deployments}/web/scale", scale.ToJsonString());
        Assert.Equal((200, "Scale", 5), ((int)put.StatusCode, (string?)body["kind"], (int?)body["spec"]!["replicas"]));
        var (stale, _) = await _server.SendAsync(HttpMethod.Put, $"{Deployments}/web/scale", scale.ToJsonString());
        Assert.Equal(409, (int)stale.StatusCode);
        await _server.SendAsync(HttpMethod.Patch, $"{Deployments}/web/scale", """{"spec":{"replicas":1}}""", "application/merge-patch+json");
        Assert.Equal(1, (int?)(await _server.GetAsync($"{Deployments}/web"))["spec"]!["replicas"]);
    }

    [Fact]
    public async Task Create_UnknownField_WarnsOrFailsAsAsked()
    {
        const string maps = "/api/v1/namespaces/default/configmaps";
        const string odd = """{"metadata":{"name":"odd"},"dta":{}}""";
        var (strict, error) = await _server.SendAsync(HttpMethod.Post, maps + "?fieldValidation=Strict", odd);
        Assert.Equal(400, (int)strict.StatusCode);
        Assert.Contains("unknown field \"dta\"", (string?)error["message"], StringComparison.Ordinal);
        var (warned, _) = await _server.SendAsync(HttpMethod.Post, maps, odd);
        Assert.Equal(201, (int)warned.StatusCode);
        Assert.Equal("299 - \"unknown field \\\"dta\\\"\"", Assert.Single(warned.Headers.GetValues("Warning")));
    }

    /// <summary>As Go's decoder comes upon them (Kubernetes' own tests look at this: FieldValidation, unknown and duplicate fields of a typed object).</summary>
    [Theory]
    [InlineData("""{"metadata":{"name":"odd"},"z":1,"data":{"k":"1","k":"2"},"a":1}""", "unknown field \"z\", duplicate field \"data.k\", unknown field \"a\"")]
    [InlineData("""{"z":1,"metadata":{"y":1,"name":"odd","b":1}}""", "unknown field \"z\", unknown field \"metadata.y\", unknown field \"metadata.b\"")]
    public async Task Create_SeveralOddFields_AreToldInTheOrderOfTheBody(string body, string told)
    {
        var (response, error) = await _server.SendAsync(HttpMethod.Post, "/api/v1/namespaces/default/configmaps?fieldValidation=Strict", body);
        Assert.Equal(400, (int)response.StatusCode);
        Assert.EndsWith($"strict decoding error: {told}", (string?)error["message"], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Create_RepeatedField_IsTakenOnceAndReported()
    {
        var (response, body) = await _server.SendAsync(HttpMethod.Post, "/api/v1/namespaces/default/configmaps", """{"metadata":{"name":"a","name":"b"},"data":{"k":"1","k":"2"}}""");
        Assert.Equal((201, "b", "2"), ((int)response.StatusCode, (string?)body["metadata"]!["name"], (string?)body["data"]!["k"]));
        Assert.Contains(response.Headers.GetValues("Warning"), w => w.Contains("duplicate field", StringComparison.Ordinal));
    }

    /// <summary>apiserver: rest.EnsureObjectNamespaceMatchesRequestNamespace.</summary>
    [Fact]
    public async Task Create_ClusterScopedWithANamespace_DropsTheNamespace()
    {
        var (response, body) = await _server.SendAsync(HttpMethod.Post, "/api/v1/namespaces", """{"metadata":{"name":"wide","namespace":"default"}}""");
        Assert.Equal(201, (int)response.StatusCode);
        Assert.Null(body["metadata"]!["namespace"]);
        (response, body) = await _server.SendAsync(HttpMethod.Put, "/api/v1/namespaces/wide", """{"metadata":{"name":"wide","namespace":"default","labels":{"a":"b"}}}""");
        Assert.Equal((200, "wide", "b"), ((int)response.StatusCode, (string?)body["metadata"]!["name"], (string?)body["metadata"]!["labels"]!["a"]));
        Assert.Null(body["metadata"]!["namespace"]);
    }

    /// <summary>A Go client leaves out <c>replicas</c> when it is 0 (autoscaling/v1: omitempty).</summary>
    [Fact]
    public async Task Scale_WithoutReplicas_IsZero()
    {
        await PostAsync(Deployments, Deployment("web"), 201);
        var (put, body) = await _server.SendAsync(HttpMethod.Put, $"{Deployments}/web/scale", """{"metadata":{"name":"web"},"spec":{}}""");
        Assert.Equal((200, 0), ((int)put.StatusCode, (int?)body["spec"]!["replicas"] ?? 0));
    }

    [Fact]
    public async Task Create_InvalidObject_NamesTheField()
    {
        var (response, body) = await _server.SendAsync(HttpMethod.Post, Deployments, """{"metadata":{"name":"web"},"spec":{}}""");
        Assert.Equal((422, "Invalid"), ((int)response.StatusCode, (string?)body["reason"]));
        Assert.StartsWith("spec.", (string?)body["details"]!["causes"]![0]!["field"], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Watch_FromTheListsVersion_SeesTheDeletionOnce()
    {
        await PostAsync(Deployments, Deployment("web"), 201);
        var list = await _server.GetAsync(Deployments + "?fieldSelector=metadata.name%3Dweb");
        var path = $"{Deployments}?watch=true&fieldSelector=metadata.name%3Dweb&resourceVersion={list["metadata"]!["resourceVersion"]}";
        using var response = await _server.Client.GetAsync(path, HttpCompletionOption.ResponseHeadersRead);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync());
        await PostAsync(Deployments, Deployment("other"), 201);
        await _server.SendAsync(HttpMethod.Delete, Deployments + "/web", """{"propagationPolicy":"Background"}""");
        var frame = JsonNode.Parse((await reader.ReadLineAsync())!)!;
        Assert.Equal(("DELETED", "web"), ((string?)frame["type"], (string?)frame["object"]!["metadata"]!["name"]));
    }

    [Fact]
    public async Task Watch_WithoutInitialEvents_BeginsWithWhatComes_AndLeavesPagedListsAlone()
    {
        await PostAsync(Deployments, Deployment("a"), 201);
        await PostAsync(Deployments, Deployment("b"), 201);
        var page = await _server.GetAsync(Deployments + "?limit=1");
        for (var i = 0; i < 40; i++)
        {
            using var watch = await _server.Client.GetAsync(
                $"{Deployments}?watch=true&sendInitialEvents=false&resourceVersionMatch=NotOlderThan", HttpCompletionOption.ResponseHeadersRead);
            if (i == 39)
            {
                using var reader = new StreamReader(await watch.Content.ReadAsStreamAsync());
                await PostAsync(Deployments, Deployment("c"), 201);
                var frame = JsonNode.Parse((await reader.ReadLineAsync())!)!;
                Assert.Equal(("ADDED", "c"), ((string?)frame["type"], (string?)frame["object"]!["metadata"]!["name"]));
            }
        }
        var rest = await _server.GetAsync($"{Deployments}?limit=1&continue={page["metadata"]!["continue"]}");
        Assert.Equal("b", (string?)Assert.Single(rest["items"]!.AsArray())!["metadata"]!["name"]);
    }

    [Theory]
    [InlineData("999999")]
    public async Task Watch_UnknownVersion_IsAnErrorFrame(string version)
    {
        using var response = await _server.Client.GetAsync($"{Deployments}?watch=true&resourceVersion={version}");
        var frame = JsonNode.Parse(await response.Content.ReadAsStringAsync())!;
        Assert.Equal(("ERROR", 410), ((string?)frame["type"], (int?)frame["object"]!["code"]));
    }

    [Fact]
    public async Task Create_Protobuf_IsStoredAsJson()
    {
        var body = ProtobufTests.Wrap("v1", "ConfigMap", [.. ProtobufTests.Message(1, ProtobufTests.Text(1, "pb"))]);
        using var content = new ByteArrayContent(body);
        content.Headers.TryAddWithoutValidation("Content-Type", "application/vnd.kubernetes.protobuf");
        using var response = await _server.Client.PostAsync("/api/v1/namespaces/default/configmaps", content);
        Assert.Equal(201, (int)response.StatusCode);
        Assert.Equal("pb", (await _client.GetAsync(Kinds.ConfigMap, new ObjectKey("default", "pb"))).Metadata.Name);
    }

    [Fact]
    public async Task Namespace_Deleted_ReturnsItTerminating()
    {
        await PostAsync("/api/v1/namespaces", """{"metadata":{"name":"short"}}""", 201);
        var (_, body) = await _server.SendAsync(HttpMethod.Delete, "/api/v1/namespaces/short");
        Assert.Equal(("Namespace", true), ((string?)body["kind"], body["metadata"]!.AsObject().ContainsKey("deletionTimestamp")));
    }

    [Fact]
    public async Task OpenApi_Index_LeadsToTheDocuments()
    {
        var index = await _server.GetAsync("/openapi/v3");
        foreach (var (path, entry) in index["paths"]!.AsObject())
        {
            var (response, document) = await _server.SendAsync(HttpMethod.Get, (string?)entry!["serverRelativeURL"] ?? "");
            Assert.Contains("immutable", response.Headers.CacheControl!.ToString(), StringComparison.Ordinal);
            Assert.NotNull(document["components"]!["securitySchemes"]);
            Assert.Contains(document["paths"]!.AsObject(), p => p.Key.StartsWith("/" + path, StringComparison.Ordinal));
        }
    }

    /// <summary>Every operation and every kind of body that the OpenAPI documents offer is there.</summary>
    [Fact]
    public async Task OpenApi_OffersOnlyWhatIsServed()
    {
        var offered = 0;
        foreach (var group in OpenApiV3.Paths(Kinds.All))
        {
            var paths = JsonNode.Parse(OpenApiV3.Document(Kinds.All, group)!)!["paths"]!.AsObject();
            foreach (var (template, operations) in paths)
            {
                var path = template.Replace("{namespace}", "default", StringComparison.Ordinal).Replace("{name}", "absent", StringComparison.Ordinal).Replace("{path}", "a", StringComparison.Ordinal);
                foreach (var (method, operation) in operations!.AsObject().Where(o => o.Key != "parameters"))
                {
                    if (method == "head" || (string?)operation!["x-kubernetes-action"] is "watch" or "watchlist")
                    {
                        using var request = new HttpRequestMessage(new HttpMethod(method.ToUpperInvariant()), path);
                        using var bare = await _server.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
                        Assert.Equal(method == "head" ? 404 : 200, (int)bare.StatusCode);
                        continue;
                    }
                    foreach (var media in operation["requestBody"]?["content"]?.AsObject().Select(c => c.Key) ?? ["application/json"])
                    {
                        var type = media == "*/*" ? "application/json" : media;
                        var body = method is "get" or "options" ? null : type.Contains("json-patch", StringComparison.Ordinal) ? "[]" : "{}";
                        var (response, answer) = await _server.SendAsync(new HttpMethod(method.ToUpperInvariant()), path + "?dryRun=All", body, type);
                        Assert.False((int)response.StatusCode is 405 or 406 or 415 or >= 500, $"{method} {path} with {type}: {answer.ToJsonString()}");
                        offered++;
                    }
                }
            }
        }
        Assert.True(offered > 100, $"only {offered}");
    }

    [Theory]
    [InlineData("authorization.k8s.io", "selfsubjectaccessreviews", "allowed")]
    [InlineData("authentication.k8s.io", "selfsubjectreviews", "kubernetes-admin")]
    public async Task Review_OfOneself_Says(string group, string resource, string expected)
    {
        var (response, body) = await _server.SendAsync(HttpMethod.Post, $"/apis/{group}/v1/{resource}", """{"spec":{"nonResourceAttributes":{"path":"/","verb":"get"}}}""");
        Assert.Equal(201, (int)response.StatusCode);
        Assert.Contains(expected, body["status"]!.ToJsonString(), StringComparison.Ordinal);
    }

    private async Task PostAsync(string path, string body, int code)
    {
        var (response, answer) = await _server.SendAsync(HttpMethod.Post, path, body);
        Assert.True(code == (int)response.StatusCode, answer.ToJsonString());
    }

    private static string Deployment(string name) => """
        {"metadata":{"name":"NAME"},"spec":{"replicas":2,"selector":{"matchLabels":{"app":"web"}},
         "template":{"metadata":{"labels":{"app":"web"}},"spec":{"containers":[{"name":"c","image":"i"}]}}}}
        """.Replace("NAME", name, StringComparison.Ordinal);
}
