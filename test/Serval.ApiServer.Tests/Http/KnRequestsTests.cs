using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging.Abstractions;
using Serval.Api;
using Serval.ApiServer.Pipeline;
using Serval.ApiServer.Store;
using Serval.Kube;

namespace Serval.ApiServer.Tests.Http;

/// <summary>
/// What kn sends (knative.dev/client: pkg/serving/v1, pkg/wait, pkg/dynamic), as Go's client writes it, and what of the answers kn looks at. The rows of
/// a table are one conversation: in <c>{rv}</c> and <c>{uid}</c> stands what the last answer with them said.
/// </summary>
public sealed class KnRequestsTests : IAsyncLifetime
{
    private const string Agent = "kn/v1.19.0 (linux/amd64) kubernetes/$Format";
    private const string Serving = "/apis/serving.knative.dev/v1/namespaces/default";
    private const string Domains = "/apis/serving.knative.dev/v1beta1/namespaces/default/domainmappings";
    private const string Merge = "application/merge-patch+json";
    private const string NotFound = """{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"NotFound","code":404}""";
    private const string Kept = """,  "annotations":{"serving.knative.dev/creator":"kubernetes-admin","serving.knative.dev/lastModifier":"kubernetes-admin"}""";
    private const string Conflict = """{"kind":"Status","status":"Failure","reason":"Conflict","code":409}""";

    private SqliteStore _store = null!;
    private EmbeddedKubeClient _client = null!;
    private ApiServerFixture _server = null!;

    public async Task InitializeAsync()
    {
        _store = await SqliteStore.OpenAsync(new StoreOptions());
        _client = new EmbeddedKubeClient(_store, TimeProvider.System, NullLoggerFactory.Instance);
        _server = await ApiServerFixture.StartAsync(o => o with { Client = _client });
        await _client.CreateAsync(Kinds.Namespace, KubeObject.Parse("""{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"default"}}"""u8.ToArray()), WriteOptions.By("test"));
    }

    public async Task DisposeAsync()
    {
        await _server.DisposeAsync();
        _client.Dispose();
        await _store.DisposeAsync();
    }

    private sealed record Row(string Command, string Request, int Code, string Expected, string Body = "", string Type = "application/json");

    private static string Service(string image, string metadata = "") => $$$"""
        {"kind":"Service","apiVersion":"serving.knative.dev/v1","metadata":{"name":"hello","namespace":"default","creationTimestamp":null{{{metadata}}} },"spec":{"template":{"metadata":{"creationTimestamp":null,"annotations":{"client.knative.dev/updateTimestamp":"2026-11-21T20:00:00Z","client.knative.dev/user-image":"{{{image}}}"} },"spec":{"containers":[{"name":"","image":"{{{image}}}","resources":{}}]} } },"status":{}}

        """;

    private static readonly Row[] s_services =
    [
        new("service list", $"GET {Serving}/services", 200, """{"kind":"ServiceList","apiVersion":"serving.knative.dev/v1","items":[]}"""),
        new("service list -A", "GET /apis/serving.knative.dev/v1/services", 200, """{"kind":"ServiceList","items":[]}"""),
        new("service create", $"GET {Serving}/services/hello", 404, NotFound),
        new("service create", $"POST {Serving}/services", 201,
            """{"kind":"Service","apiVersion":"serving.knative.dev/v1","metadata":{"name":"hello","generation":1},"spec":{"template":{"spec":{"containers":[{"image":"example.com/a"}]}}}}""", Service("example.com/a")),
        new("service create, exists", $"GET {Serving}/services/hello", 200, """{"metadata":{"name":"hello"}}"""),
        new("service create, a race", $"POST {Serving}/services", 409, """{"kind":"Status","reason":"AlreadyExists","code":409}""", Service("example.com/a")),
        new("service create --force", $"PUT {Serving}/services/hello", 200, """{"metadata":{"generation":2}}""", Service("example.com/b", Kept + ",\"resourceVersion\":\"{rv}\"")),
        new("service update, another was first", $"PUT {Serving}/services/hello", 409, Conflict, Service("example.com/c", Kept + ",\"resourceVersion\":\"1\"")),
        new("service update, again", $"GET {Serving}/services/hello", 200, """{"metadata":{"generation":2}}"""),
        new("service update, again", $"PUT {Serving}/services/hello", 200, """{"metadata":{"generation":3}}""", Service("example.com/c", Kept + ",\"uid\":\"{uid}\",\"resourceVersion\":\"{rv}\"")),
        new("service apply", $"PATCH {Serving}/services/hello", 200, """{"metadata":{"generation":4},"spec":{"template":{"spec":{"containers":[{"image":"example.com/d"}]}}}}""",
            """{"metadata":{"annotations":{"kubectl.kubernetes.io/last-applied-configuration":"{}"}},"spec":{"template":{"spec":{"containers":[{"image":"example.com/d","name":"","resources":{}}]}}}}""", Merge),
        new("service apply, nothing new", $"PATCH {Serving}/services/hello", 200, """{"metadata":{"generation":4,"resourceVersion":"{rv}"}}""",
            """{"spec":{"template":{"spec":{"containers":[{"image":"example.com/d","name":"","resources":{}}]}}}}""", Merge),
        new("service describe", $"GET {Serving}/revisions?labelSelector=serving.knative.dev%2Fservice%3Dhello", 200, """{"kind":"RevisionList","items":[]}"""),
        new("service describe", $"GET {Serving}/routes/hello", 404, NotFound),
        new("service describe", $"GET {Serving}/configurations/hello", 404, NotFound),
        new("revision list", $"GET {Serving}/revisions?fieldSelector=metadata.name%3Dhello-00001", 200, """{"kind":"RevisionList","items":[]}"""),
        new("revision delete", $"DELETE {Serving}/revisions/hello-00001", 404, NotFound, Delete("Background")),
        new("route list", $"GET {Serving}/routes", 200, """{"kind":"RouteList","apiVersion":"serving.knative.dev/v1","items":[]}"""),
        new("service import", $"POST {Serving}/services", 409, """{"reason":"AlreadyExists"}""", Service("example.com/a")),
        new("service delete", $"DELETE {Serving}/services/hello", 200, """{"kind":"Status","apiVersion":"v1","status":"Success","details":{"name":"hello","group":"serving.knative.dev","kind":"services","uid":"{uid}"}}""", Delete("Background")),
        new("service update, gone meanwhile", $"PUT {Serving}/services/hello", 404, NotFound, Service("example.com/e", Kept + ",\"uid\":\"{uid}\",\"resourceVersion\":\"{rv}\"")),
        new("service update, gone", $"GET {Serving}/services/hello", 404, NotFound),
        new("service delete --wait", $"DELETE {Serving}/services/hello", 404, NotFound, Delete("Foreground")),
    ];

    private static readonly Row[] s_domains =
    [
        new("domain list", $"GET {Domains}", 200, """{"kind":"DomainMappingList","apiVersion":"serving.knative.dev/v1beta1","items":[]}"""),
        new("domain create", $"POST {Domains}", 201, """{"kind":"DomainMapping","metadata":{"name":"a.example.com"},"spec":{"ref":{"kind":"Service","name":"hello"}}}""",
            """{"kind":"DomainMapping","apiVersion":"serving.knative.dev/v1beta1","metadata":{"name":"a.example.com","namespace":"default","creationTimestamp":null},"spec":{"ref":{"kind":"Service","name":"hello","apiVersion":"serving.knative.dev/v1"}},"status":{}}"""),
        new("domain update", $"PUT {Domains}/a.example.com", 200, """{"spec":{"ref":{"name":"other"}}}""",
            """{"kind":"DomainMapping","apiVersion":"serving.knative.dev/v1beta1","metadata":{"name":"a.example.com","namespace":"default","resourceVersion":"{rv}","creationTimestamp":null""" + Kept + """},"spec":{"ref":{"kind":"Service","name":"other","apiVersion":"serving.knative.dev/v1"}},"status":{}}"""),
        new("domain delete", $"DELETE {Domains}/a.example.com", 200, """{"kind":"Status","status":"Success"}""", Delete("Background")),
    ];

    private static readonly Row[] s_discovery =
    [
        new("source list-types", "GET /apis/apiextensions.k8s.io/v1/customresourcedefinitions?labelSelector=duck.knative.dev%2Fsource%3Dtrue", 200,
            """{"kind":"CustomResourceDefinitionList","apiVersion":"apiextensions.k8s.io/v1","items":[]}"""),
        new("broker list", "GET /apis/eventing.knative.dev/v1/namespaces/default/brokers", 404, "\"404 page not found\\n\""),
        new("version checks", "GET /apis", 200, """{"kind":"APIGroupList"}"""),
        new("version checks", "GET /apis/serving.knative.dev", 200, """{"kind":"APIGroup","name":"serving.knative.dev"}"""),
    ];

    [Fact]
    public Task Services_AsKnAsks() => ReplayAsync(s_services);

    [Fact]
    public Task Domains_AsKnAsks() => ReplayAsync(s_domains);

    [Fact]
    public Task Discovery_AsKnAsks() => ReplayAsync(s_discovery);

    /// <summary>kn waits for Ready by a watch of one name from the version of its write (pkg/wait/wait_for_ready.go).</summary>
    [Fact]
    public async Task WaitForReady_IsAWatchFromTheWrite()
    {
        var created = await SendAsync(new Row("service create", $"POST {Serving}/services", 201, "{}", Service("example.com/a")));
        var version = (string?)created["metadata"]!["resourceVersion"];
        using var request = Request(HttpMethod.Get, $"{Serving}/services?fieldSelector=metadata.name%3Dhello&resourceVersion={version}&timeoutSeconds=630&watch=true");
        using var response = await _server.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        using var frames = new StreamReader(await response.Content.ReadAsStreamAsync());
        foreach (var status in (string[])["Unknown", "True"])
        {
            var patch = new KubePatch(PatchType.Merge, Encoding.UTF8.GetBytes($$$"""{"status":{"observedGeneration":1,"conditions":[{"type":"Ready","status":"{{{status}}}"}]} }"""));
            await _client.PatchAsync(Kinds.KService, new ObjectKey("default", "hello"), patch, WriteOptions.By("test", "status"));
            var frame = JsonNode.Parse((await frames.ReadLineAsync())!)!;
            AssertHolds(frame, JsonNode.Parse($$$"""{"type":"MODIFIED","object":{"metadata":{"name":"hello","generation":1},"status":{"observedGeneration":1,"conditions":[{"type":"Ready","status":"{{{status}}}"}]} } }"""), "wait");
        }
    }

    private static string Delete(string policy) => $$"""{"kind":"DeleteOptions","apiVersion":"serving.knative.dev/v1","propagationPolicy":"{{policy}}"}""" + "\n";

    private async Task ReplayAsync(Row[] rows)
    {
        var (version, uid) = ("", "");
        foreach (var row in rows)
        {
            string Filled(string text) => text.Replace("{rv}", version, StringComparison.Ordinal).Replace("{uid}", uid, StringComparison.Ordinal);
            var answer = await SendAsync(row with { Body = Filled(row.Body), Expected = Filled(row.Expected) });
            version = row.Code < 300 && (string?)answer["metadata"]?["resourceVersion"] is { Length: > 0 } next ? next : version;
            uid = (string?)answer["metadata"]?["uid"] ?? uid;
        }
    }

    private async Task<JsonObject> SendAsync(Row row)
    {
        var (method, path) = row.Request.Split(' ') is [var m, var p] ? (m, p) : throw new ArgumentException(row.Request, nameof(row));
        using var request = Request(new HttpMethod(method), path);
        if (row.Body.Length > 0)
        {
            request.Content = new StringContent(row.Body, Encoding.UTF8);
            request.Content.Headers.Remove("Content-Type");
            request.Content.Headers.TryAddWithoutValidation("Content-Type", row.Type);
        }
        using var response = await _server.Client.SendAsync(request);
        var text = await response.Content.ReadAsStringAsync();
        Assert.True(row.Code == (int)response.StatusCode, $"{row.Command}: {row.Request} is answered with {(int)response.StatusCode} {text}");
        var answer = response.Content.Headers.ContentType?.MediaType == "text/plain" ? JsonValue.Create(text) : JsonNode.Parse(text);
        AssertHolds(answer, JsonNode.Parse(row.Expected), row.Command);
        return answer as JsonObject ?? [];
    }

    private static HttpRequestMessage Request(HttpMethod method, string path)
    {
        var request = new HttpRequestMessage(method, path);
        request.Headers.TryAddWithoutValidation("Accept", "application/json, */*");
        request.Headers.TryAddWithoutValidation("User-Agent", Agent);
        return request;
    }

    // All that is expected is there; more may be.
    private static void AssertHolds(JsonNode? actual, JsonNode? expected, string where)
    {
        switch (expected)
        {
            case JsonObject members:
                foreach (var (name, value) in members)
                {
                    AssertHolds((actual as JsonObject)?[name], value, $"{where} {name}");
                }
                break;
            case JsonArray items:
                Assert.True(actual is JsonArray found && found.Count == items.Count, $"{where}: {actual?.ToJsonString()} is not {items.ToJsonString()}");
                for (var i = 0; i < items.Count; i++)
                {
                    AssertHolds(actual![i], items[i], $"{where}[{i}]");
                }
                break;
            default:
                Assert.True(JsonNode.DeepEquals(actual, expected), $"{where}: {actual?.ToJsonString()} is not {expected?.ToJsonString()}");
                break;
        }
    }
}
