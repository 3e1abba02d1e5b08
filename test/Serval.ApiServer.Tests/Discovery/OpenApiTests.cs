using System.IO.Compression;
using System.Net;
using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Schema;

namespace Serval.ApiServer.Tests.Discovery;

public sealed class OpenApiTests : IAsyncLifetime
{
    private const string Protobuf = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf";
    private ApiServerFixture _server = null!;

    public async Task InitializeAsync() => _server = await ApiServerFixture.StartAsync();

    public async Task DisposeAsync() => await _server.DisposeAsync();

    /// <summary>kubectl finds a type by this extension alone, never by its name.</summary>
    [Fact]
    public async Task V2_HasEveryKind()
    {
        var definitions = (await _server.GetAsync("/openapi/v2"))["definitions"]!.AsObject();
        var kinds = definitions.SelectMany(d => d.Value!["x-kubernetes-group-version-kind"] as JsonArray ?? [])
            .Select(k => ((string?)k!["group"], (string?)k["version"], (string?)k["kind"])).ToHashSet();
        Assert.All(Kinds.All, k => Assert.Contains((k.Group, k.Version, k.Kind), kinds));
        // A definition's kind is described in place, as apiextensions does it.
        Assert.Equal("object", (string?)definitions["dev.knative.serving.v1.Service"]!["properties"]!["spec"]!["type"]);
        Assert.Equal("string", (string?)definitions["io.k8s.apimachinery.pkg.api.resource.Quantity"]!["type"]);
        Assert.True(definitions["io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions"]!["x-kubernetes-group-version-kind"]!.AsArray().Count > 5);
    }

    /// <summary>Every reference leads somewhere, and nothing is left of v3.</summary>
    [Fact]
    public async Task V2_IsWholeAndOfItsVersion()
    {
        using var response = await _server.Client.GetAsync("/openapi/v2");
        var text = await response.Content.ReadAsStringAsync();
        foreach (var foreign in (string[])["#/components", "requestBody", "\"allOf\":[", "\"oneOf\":[", "\"nullable\":true", "\"content\":{\"application"])
        {
            Assert.DoesNotContain(foreign, text, StringComparison.Ordinal);
        }
        var document = JsonNode.Parse(text)!;
        var definitions = document["definitions"]!.AsObject();
        foreach (var reference in text.Split("\"#/definitions/").Skip(1).Select(t => t[..t.IndexOf('"')]).Distinct())
        {
            Assert.True(definitions.ContainsKey(reference), reference);
        }
        var patch = document["paths"]!["/api/v1/namespaces/{namespace}/pods/{name}"]!["patch"]!;
        Assert.Contains("application/merge-patch+json", patch["consumes"]!.AsArray().Select(c => (string?)c));
        Assert.Equal(
            ["body", "dryRun", "fieldManager", "fieldValidation", "force"],
            patch["parameters"]!.AsArray().Select(p => (string?)Parameter(document, p!)["name"]).Order(StringComparer.Ordinal));
    }

    /// <summary>What Terraform's kubernetes_manifest reads: each kind by its group, version and name, once, with every field's type known or free.</summary>
    [Fact]
    public async Task V2_EveryKind_IsDefinedOnceAndTypedThroughout()
    {
        var definitions = (await _server.GetAsync("/openapi/v2"))["definitions"]!.AsObject();
        foreach (var kind in Kinds.All.Concat(AccessKinds.Reviews))
        {
            var found = definitions.Where(d => (d.Value!["x-kubernetes-group-version-kind"] as JsonArray ?? []).Any(k => Is(k!, kind.Group, kind.Version, kind.Kind)));
            AssertTyped(Assert.Single(found).Key, definitions, []);
        }
    }

    /// <summary>What Argo CD reads: each operation on objects is about a kind that is defined.</summary>
    [Fact]
    public async Task V2_EveryOperation_SaysWhatItIsAbout()
    {
        var document = await _server.GetAsync("/openapi/v2");
        var kinds = document["definitions"]!.AsObject().SelectMany(d => d.Value!["x-kubernetes-group-version-kind"] as JsonArray ?? []).ToList();
        var about = new HashSet<(string, string)>();
        foreach (var (path, method, operation) in document["paths"]!.AsObject().SelectMany(p => p.Value!.AsObject().Where(o => o.Key != "parameters").Select(o => (p.Key, o.Key, o.Value!))))
        {
            var kind = operation["x-kubernetes-group-version-kind"];
            Assert.Equal(!path.EndsWith('/'), kind is not null); // discovery, and what is about no kind, ends so
            Assert.All(operation["parameters"] as JsonArray ?? [], p => Assert.NotNull((string?)Parameter(document, p!)["in"]));
            if (kind is not null && (string?)operation["x-kubernetes-action"] != "connect")
            {
                Assert.Contains(kinds, k => Is(k!, (string?)kind["group"], (string?)kind["version"], (string?)kind["kind"]));
                about.Add((method, $"{kind["group"]}/{kind["kind"]}"));
            }
        }
        Assert.All(Kinds.All, k => Assert.Contains(("patch", $"{k.Group}/{k.Kind}"), about));
        Assert.All(AccessKinds.Reviews, k => Assert.Contains(("post", $"{k.Group}/{k.Kind}"), about));
        Assert.Contains(("post", "policy/Eviction"), about);
        Assert.Contains(("post", "authentication.k8s.io/TokenRequest"), about);
    }

    /// <summary>A definition whose objects may have anything: a client that checks them itself must find nothing to check (apiextensions: builder.go, buildKubeNative).</summary>
    [Fact]
    public void V2_OfAFreeKind_SaysNothing()
    {
        const string free = """{"type":"object","x-kubernetes-preserve-unknown-fields":true,"properties":{"spec":{"type":"object"}},"x-kubernetes-group-version-kind":[{"group":"g","kind":"K","version":"v1"}]}""";
        var document = OpenApiV2.Of([System.Text.Encoding.UTF8.GetBytes($$$"""{"paths":{},"components":{"schemas":{"x":{{{free}}} } } }""")]);
        Assert.Equal("""{"type":"object","x-kubernetes-group-version-kind":[{"group":"g","kind":"K","version":"v1"}]}""", document["definitions"]!["x"]!.ToJsonString());
    }

    /// <summary>The message says what the text says: each definition's fields and their types, read by the numbers of OpenAPIv2.proto.</summary>
    [Fact]
    public async Task V2_AsProtobuf_SaysTheSame()
    {
        var definitions = (await _server.GetAsync("/openapi/v2"))["definitions"]!.AsObject();
        using var request = new HttpRequestMessage(HttpMethod.Get, "/openapi/v2");
        request.Headers.TryAddWithoutValidation("Accept", Protobuf);
        using var response = await _server.Client.SendAsync(request);
        Assert.Equal("application/com.github.proto-openapi.spec.v2.v1.0+protobuf", response.Content.Headers.ContentType!.ToString());
        var document = new WireMessage(await response.Content.ReadAsByteArrayAsync());
        Assert.Equal("2.0", document.Text(1));
        var read = document.Message(9).Messages(1).ToDictionary(d => d.Text(1), d => d.Message(2));
        Assert.Equal(definitions.Select(d => d.Key).Order(), read.Keys.Order());
        foreach (var (name, schema) in definitions)
        {
            AssertSame(name, schema!.AsObject(), read[name]);
        }
        var paths = document.Message(8).Messages(2).ToDictionary(p => p.Text(1), p => p.Message(2));
        var patch = paths["/api/v1/namespaces/{namespace}/pods/{name}"].Message(8);
        var shared = document.Message(10).Messages(1).ToDictionary(p => "#/parameters/" + p.Text(1), p => p.Message(2));
        var taken = patch.Messages(8).Select(p => p.Has(2) ? shared[p.Message(2).Text(1)] : p.Message(1));
        Assert.Contains("fieldValidation", taken.SelectMany(p => p.Messages(2)).SelectMany(n => n.Messages(3)).Select(q => q.Text(4)));
        Assert.Equal(["https"], patch.Texts(10));
        Assert.Equal("BearerToken", document.Message(12).Message(1).Text(1));
        Assert.Equal("apiKey", document.Message(13).Message(1).Message(2).Message(2).Text(1));
        var extension = patch.Messages(13).First(e => e.Text(1) == "x-kubernetes-group-version-kind").Message(2).Text(2);
        Assert.Equal("""{"group":"","kind":"Pod","version":"v1"}""", JsonNode.Parse(extension)!.ToJsonString());
    }

    /// <summary>A definition that was stored before its nulls were dropped.</summary>
    [Fact]
    public void V2_SkipsNulls()
    {
        var schema = """{"type":"array","items":{"properties":null,"required":null,"additionalProperties":{"properties":{"a":null},"type":null}}}""";
        var document = OpenApiV2.Of([System.Text.Encoding.UTF8.GetBytes($$$"""{"paths":{},"components":{"schemas":{"x":{{{schema}}} } } }""")]);
        Assert.Equal("""{"x":{"type":"array","items":{"additionalProperties":{"properties":{"a":{}}}}}}""", document["definitions"]!.ToJsonString());
    }

    [Theory]
    [InlineData("/openapi/v2", "", 200)]
    [InlineData("/openapi/v2", "text/html,*/*;q=0.1", 200)]
    [InlineData("/openapi/v2", "text/html", 406)]
    [InlineData("/openapi/v3/api/v1", "application/com.github.proto-openapi.spec.v3@v1.0+protobuf", 406)]
    [InlineData("/openapi/v4", "", 404)]
    [InlineData("/openapi/v3/apis/none.example/v1", "", 404)]
    public async Task Accept_IsHonoured(string path, string accept, int code)
    {
        var (response, _) = await _server.SendAsync(HttpMethod.Get, path, accept: accept);
        Assert.Equal(code, (int)response.StatusCode);
    }

    [Fact]
    public async Task V2_Known_Is304()
    {
        using var first = await _server.Client.GetAsync("/openapi/v2");
        using var again = new HttpRequestMessage(HttpMethod.Get, "/openapi/v2");
        again.Headers.TryAddWithoutValidation("If-None-Match", first.Headers.ETag!.ToString());
        using var response = await _server.Client.SendAsync(again);
        Assert.Equal(HttpStatusCode.NotModified, response.StatusCode);
    }

    /// <summary>kube-openapi handler3: a document is asked for by its hash, and for good; an old hash leads to the new one.</summary>
    [Fact]
    public async Task V3_IsFoundByItsHash()
    {
        const string path = "/openapi/v3/apis/apps/v1";
        using var now = await _server.Client.GetAsync(path);
        Assert.True(now.Headers.CacheControl!.NoCache);
        using var moved = await _server.Client.GetAsync(path + "?hash=OLD");
        Assert.Equal($"{path}?hash={OpenApiV3.Hash(Kinds.All, "apis/apps/v1")}", moved.RequestMessage!.RequestUri!.PathAndQuery);
        Assert.Contains("immutable", moved.Headers.CacheControl!.ToString(), StringComparison.Ordinal);
    }

    /// <summary>apiserver handlers/responsewriters/writers.go.</summary>
    [Theory]
    [InlineData("gzip", true)]
    [InlineData("deflate, gzip", true)]
    [InlineData("gzip;q=0", false)]
    [InlineData("", false)]
    public async Task BigAnswers_AreCompressedForWhoTakesThat(string accepted, bool compressed)
    {
        await _server.CreateConfigMapAsync("big", $$""","annotations":{"a":"{{new string('a', 200_000)}}"}""");
        foreach (var path in (string[])["/openapi/v2", "/api/v1/namespaces/default/configmaps", "/api/v1/namespaces/default/configmaps/big"])
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, path);
            request.Headers.TryAddWithoutValidation("Accept-Encoding", accepted);
            using var response = await _server.Client.SendAsync(request);
            Assert.Equal(compressed ? ["gzip"] : [], response.Content.Headers.ContentEncoding);
            await using var body = await response.Content.ReadAsStreamAsync();
            await using var plain = compressed ? new GZipStream(body, CompressionMode.Decompress) : body;
            Assert.NotNull(await JsonNode.ParseAsync(plain));
        }
        using var small = new HttpRequestMessage(HttpMethod.Get, "/version");
        small.Headers.TryAddWithoutValidation("Accept-Encoding", "gzip");
        Assert.Empty((await _server.Client.SendAsync(small)).Content.Headers.ContentEncoding);
    }

    private static JsonNode Parameter(JsonNode document, JsonNode parameter) =>
        (string?)parameter["$ref"] is { } place ? document["parameters"]![place["#/parameters/".Length..]]! : parameter;

    private static bool Is(JsonNode kind, string? group, string? version, string? name) =>
        (string?)kind["group"] == group && (string?)kind["version"] == version && (string?)kind["kind"] == name;

    private static void AssertTyped(string name, JsonObject definitions, HashSet<string> seen)
    {
        if (seen.Add(name))
        {
            Walk(name, definitions[name]!.AsObject());
        }

        void Walk(string at, JsonObject schema)
        {
            if ((string?)schema["$ref"] is { } reference)
            {
                AssertTyped(reference["#/definitions/".Length..], definitions, seen);
                return;
            }
            var isFree = schema.ContainsKey("x-kubernetes-preserve-unknown-fields") || schema.ContainsKey("x-kubernetes-int-or-string") || at.Contains(".JSON", StringComparison.Ordinal);
            Assert.True(isFree || schema["type"] is not null, at);
            Assert.True((string?)schema["type"] != "array" || schema["items"] is JsonObject, at);
            foreach (var (field, value) in schema["properties"] as JsonObject ?? [])
            {
                Walk($"{at}.{field}", value!.AsObject());
            }
            foreach (var nested in new[] { schema["items"], schema["additionalProperties"] }.OfType<JsonObject>())
            {
                Walk(at + "[]", nested);
            }
        }
    }

    private static void AssertSame(string at, JsonObject schema, WireMessage read)
    {
        Assert.Equal((at, (string?)schema["$ref"] ?? "", (string?)schema["description"] ?? ""), (at, read.Text(1), read.Text(4)));
        Assert.Equal((at, (string?)schema["type"] ?? "", (string?)schema["format"] ?? ""), (at, read.Has(22) ? read.Message(22).Text(1) : "", read.Text(2)));
        Assert.Equal(schema["required"] is JsonArray required ? required.Select(r => (string?)r) : [], read.Texts(19));
        Assert.Equal(schema.Where(m => m.Key.StartsWith("x-", StringComparison.Ordinal)).Select(m => m.Key).Order(), read.Messages(31).Select(e => e.Text(1)).Order());
        if (schema["items"] is JsonObject items)
        {
            AssertSame(at + "[]", items, read.Message(23).Message(1));
        }
        if (schema["additionalProperties"] is JsonObject values)
        {
            AssertSame(at + "{}", values, read.Message(21).Message(1));
        }
        var fields = read.Has(25) ? read.Message(25).Messages(1).ToDictionary(f => f.Text(1), f => f.Message(2)) : [];
        Assert.Equal((schema["properties"] as JsonObject ?? []).Select(p => p.Key).Order(), fields.Keys.Order());
        foreach (var (name, value) in schema["properties"] as JsonObject ?? [])
        {
            AssertSame($"{at}.{name}", value!.AsObject(), fields[name]);
        }
    }
}
