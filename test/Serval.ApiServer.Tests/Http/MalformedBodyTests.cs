using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging.Abstractions;
using Serval.ApiServer.Pipeline;
using Serval.ApiServer.Store;

namespace Serval.ApiServer.Tests.Http;

/// <summary>
/// Nothing a client can put into a body is the server's fault: spoiled bodies over every way to write are refused with a 4xx (or taken, when what
/// was spoiled does not matter), and no error is logged. The fixture fails on any line at Error.
/// </summary>
public sealed class MalformedBodyTests : IAsyncLifetime
{
    private const string Merge = "application/merge-patch+json";
    private const string Strategic = "application/strategic-merge-patch+json";
    private const string JsonPatch = "application/json-patch+json";
    private const string Core = "/api/v1/namespaces/default/";
    private const string Apps = "/apis/apps/v1/namespaces/default/";
    private const string Knative = "/apis/serving.knative.dev/v1/namespaces/default/";

    private const string PodSpec = """
        {"containers":[{"name":"c","image":"example.com/app:1","ports":[{"containerPort":80,"name":"http1"}],"env":[{"name":"A","value":"b"}],
          "resources":{"limits":{"cpu":"1","memory":"1Gi"},"requests":{"cpu":"500m"}},"securityContext":{"runAsUser":1,"capabilities":{"drop":["ALL"]}},
          "readinessProbe":{"httpGet":{"port":80,"path":"/"},"periodSeconds":1},"volumeMounts":[{"name":"v","mountPath":"/v"}]}],
         "volumes":[{"name":"v","secret":{"secretName":"s","items":[{"key":"k","path":"p"}]}}]}
        """;

    private const string Meta = """
        {"name":"base","labels":{"a":"b"},"annotations":{"autoscaling.knative.dev/min-scale":"0"},"finalizers":["example.com/a"],
         "ownerReferences":[{"apiVersion":"v1","kind":"ConfigMap","name":"x","uid":"u","controller":true}]}
        """;

    private static readonly Dictionary<string, string> s_bodies = new(StringComparer.Ordinal)
    {
        [Core + "configmaps"] = $$"""{"metadata":{{Meta}},"data":{"k":"v"},"binaryData":{"b":"dg=="},"immutable":false}""",
        [Core + "secrets"] = $$"""{"metadata":{{Meta}},"type":"Opaque","data":{"k":"dg=="},"stringData":{"s":"t"} }""",
        [Core + "services"] = $$"""{"metadata":{{Meta}},"spec":{"selector":{"a":"b"},"ports":[{"port":80,"targetPort":"http","name":"http"}]},"status":{"loadBalancer":{"ingress":[{"ip":"10.0.0.1"}]} } }""",
        [Core + "pods"] = $$"""{"metadata":{{Meta}},"spec":{{PodSpec}},"status":{"phase":"Running","conditions":[{"type":"Ready","status":"True","lastTransitionTime":"2026-01-01T00:00:00Z"}]} }""",
        [Apps + "deployments"] = $$"""
            {"metadata":{{Meta}},"spec":{"replicas":1,"selector":{"matchLabels":{"a":"b"} },"strategy":{"type":"RollingUpdate","rollingUpdate":{"maxSurge":1,"maxUnavailable":"25%"} },
             "template":{"metadata":{"labels":{"a":"b"} },"spec":{{PodSpec}} } },"status":{"replicas":1,"conditions":[{"type":"Available","status":"True"}]} }
            """,
        [Apps + "replicasets"] = $$"""
            {"metadata":{{Meta}},"spec":{"replicas":1,"selector":{"matchLabels":{"a":"b"} },"template":{"metadata":{"labels":{"a":"b"} },"spec":{{PodSpec}} } },"status":{"replicas":1} }
            """,
        [Knative + "services"] = """
            {"metadata":{"name":"base","labels":{"a":"b"},"annotations":{"x":"y"}},"spec":{"template":{"metadata":{"annotations":{"autoscaling.knative.dev/target":"10"}},
             "spec":{"containerConcurrency":5,"timeoutSeconds":30,"containers":[{"image":"example.com/app:1","ports":[{"containerPort":80}],"env":[{"name":"A","value":"b"}],
              "resources":{"limits":{"cpu":"1"}},"readinessProbe":{"httpGet":{"path":"/"}}}]}},"traffic":[{"percent":100,"latestRevision":true,"tag":"t"}]},
             "status":{"conditions":[{"type":"Ready","status":"True"}],"observedGeneration":1}}
            """,
        ["/api/v1/namespaces"] = """{"metadata":{"name":"base","labels":{"a":"b"}},"spec":{"finalizers":["kubernetes"]},"status":{"phase":"Active"}}""",
        ["/apis/coordination.k8s.io/v1/namespaces/default/leases"] = $$"""
            {"metadata":{{Meta}},"spec":{"holderIdentity":"a","leaseDurationSeconds":10,"renewTime":"2026-01-01T00:00:00.000000Z"} }
            """,
    };

    private SqliteStore _store = null!;
    private EmbeddedKubeClient _client = null!;
    private ApiServerFixture _server = null!;

    public async Task InitializeAsync()
    {
        _store = await SqliteStore.OpenAsync(new StoreOptions());
        _client = new EmbeddedKubeClient(_store, TimeProvider.System, NullLoggerFactory.Instance);
        _server = await ApiServerFixture.StartAsync(o => o with { Client = _client });
        await AcceptAsync("/api/v1/namespaces", """{"metadata":{"name":"default"}}""");
        foreach (var (path, body) in s_bodies)
        {
            await AcceptAsync(path, body);
        }
    }

    public async Task DisposeAsync()
    {
        await _server.DisposeAsync();
        _client.Dispose();
        await _store.DisposeAsync();
    }

    [Theory]
    [InlineData("create", 1)]
    [InlineData("create", 2)]
    [InlineData("update", 1)]
    [InlineData("update", 2)]
    [InlineData("merge", 1)]
    [InlineData("merge", 2)]
    [InlineData("strategic", 1)]
    [InlineData("strategic", 2)]
    [InlineData("json", 1)]
    [InlineData("json", 2)]
    [InlineData("scale", 1)]
    [InlineData("scale-patch", 1)]
    [InlineData("status", 1)]
    [InlineData("status-patch", 1)]
    [InlineData("finalize", 1)]
    [InlineData("delete", 1)]
    public async Task SpoiledBodies_AreTheClientsFault(string way, int seed)
    {
        var random = new Random(seed);
        var mutator = new BodyMutator(random);
        string[] validations = ["", "?fieldValidation=Ignore", "?fieldValidation=Strict"];
        var (sent, refused) = (0, 0);
        for (var round = 0; round < 20; round++)
        {
            foreach (var (path, body) in s_bodies)
            {
                if (Request(way, path, body) is not var (method, at, valid, type))
                {
                    continue;
                }
                var spoiled = mutator.Spoil(valid);
                using var request = new HttpRequestMessage(method, at + validations[random.Next(3)]) { Content = new ByteArrayContent(spoiled) };
                request.Content.Headers.TryAddWithoutValidation("Content-Type", type);
                using var response = await _server.Client.SendAsync(request);
                Assert.True((int)response.StatusCode < 500 && _server.Log.Errors.IsEmpty,
                    $"seed {seed}: {method} {request.RequestUri} {type} with {Encoding.UTF8.GetString(spoiled)} is answered with {response.StatusCode}");
                sent++;
                refused += response.StatusCode >= HttpStatusCode.BadRequest ? 1 : 0;
            }
        }
        Assert.True(refused > sent / 4, $"only {refused} of {sent} were refused: the bodies are not spoiled enough");
        Assert.Empty(_server.Log.Errors);
    }

    /// <summary>What once was answered with 500, word for word.</summary>
    [Theory]
    [InlineData("PATCH", Apps + "deployments/base", Merge, """{"metadata":{"resourceVersion":5}}""")]
    [InlineData("PATCH", Apps + "deployments/base", Merge, """{"metadata":"x"}""")]
    [InlineData("PUT", Apps + "deployments/base/scale", "application/json", """{"metadata":{"name":"base"},"spec":5}""")]
    [InlineData("PUT", Apps + "deployments/base/scale", "application/json", """{"metadata":{"name":"base"},"spec":{"replicas":"x"}}""")]
    [InlineData("PATCH", Apps + "deployments/base/scale", Merge, """{"metadata":5}""")]
    [InlineData("PATCH", Apps + "deployments/base", Strategic, """{"spec":{"$retainKeys":[5]}}""")]
    [InlineData("PATCH", Apps + "deployments/base/status?fieldValidation=Strict", Merge, """{"status":{"replicas":1},"status":{"replicas":2}}""")]
    [InlineData("PATCH", Apps + "deployments/base/status?fieldValidation=Strict", Merge, """{"status":{"replicas":1,"replicas":2}}""")]
    [InlineData("PUT", Apps + "deployments/base", "application/json", """{"metadata":{"name":"other"}}""")]
    public async Task KnownBodies_AreTheClientsFault(string method, string path, string type, string body)
    {
        var (response, answer) = await _server.SendAsync(new HttpMethod(method), path, body, type);
        Assert.True((int)response.StatusCode is >= 400 and < 500, answer.ToJsonString());
    }

    private static (HttpMethod Method, string Path, string Body, string Type)? Request(string way, string path, string body)
    {
        var json = JsonNode.Parse(body)!.AsObject();
        return way switch
        {
            "create" => (HttpMethod.Post, path, body, "application/json"),
            "update" => (HttpMethod.Put, path + "/base", body, "application/json"),
            "merge" => (HttpMethod.Patch, path + "/base", body, Merge),
            "strategic" => (HttpMethod.Patch, path + "/base", body, Strategic),
            "json" => (HttpMethod.Patch, path + "/base", """
                [{"op":"test","path":"/metadata/name","value":"base"},{"op":"add","path":"/metadata/annotations","value":{"a":"b"}},{"op":"copy","from":"/metadata/labels","path":"/metadata/annotations"},
                 {"op":"replace","path":"/metadata/labels","value":{"c":"d"}},{"op":"move","from":"/metadata/labels/c","path":"/metadata/labels/e"},{"op":"remove","path":"/metadata/annotations"}]
                """, JsonPatch),
            "scale" when path.StartsWith(Apps, StringComparison.Ordinal) =>
                (HttpMethod.Put, path + "/base/scale", """{"apiVersion":"autoscaling/v1","kind":"Scale","metadata":{"name":"base","namespace":"default"},"spec":{"replicas":2}}""", "application/json"),
            "scale-patch" when path.StartsWith(Apps, StringComparison.Ordinal) =>
                (HttpMethod.Patch, path + "/base/scale", """{"metadata":{"annotations":{"a":"b"}},"spec":{"replicas":2}}""", Merge),
            "status" when json["status"] is not null => (HttpMethod.Put, path + "/base/status", body, "application/json"),
            "status-patch" when json["status"] is { } status => (HttpMethod.Patch, path + "/base/status", $$"""{"status":{{status.ToJsonString()}}}""", Merge),
            "finalize" when path == "/api/v1/namespaces" => (HttpMethod.Put, path + "/base/finalize", body, "application/json"),
            "delete" => (HttpMethod.Delete, path + "/absent",
                """{"apiVersion":"v1","kind":"DeleteOptions","propagationPolicy":"Foreground","gracePeriodSeconds":5,"preconditions":{"uid":"u","resourceVersion":"1"},"dryRun":["All"]}""", "application/json"),
            _ => null,
        };
    }

    private async Task AcceptAsync(string path, string body)
    {
        var (response, answer) = await _server.SendAsync(HttpMethod.Post, path, body);
        Assert.True(response.IsSuccessStatusCode, $"{path}: {answer.ToJsonString()}");
    }
}
