using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging.Abstractions;
using Serval.ApiServer.Pipeline;
using Serval.ApiServer.Store;

namespace Serval.ApiServer.Tests.Http;

/// <summary>Bad input at the door, word for word as kube-apiserver 1.36.2 answers it. Where that says 500, the words are its and the code is 400.</summary>
public sealed class BadInputTests : IAsyncLifetime
{
    private const string Maps = "/api/v1/namespaces/default/configmaps";
    private const string Deployments = "/apis/apps/v1/namespaces/default/deployments";
    private const string Json = "application/json";
    private const string Yaml = "application/yaml";
    private const string JsonPatch = "application/json-patch+json";
    private const string Merge = "application/merge-patch+json";
    private const string Strategic = "application/strategic-merge-patch+json";
    private const string Apply = "application/apply-patch+yaml";
    private const string Unread = "the object provided is unrecognized (must be of type ConfigMap): ";
    private const string NoJson = Unread + "couldn't get version/kind; json parse error: ";
    private const string Anonymous = "struct { APIVersion string \"json:\\\"apiVersion,omitempty\\\"\"; Kind string \"json:\\\"kind,omitempty\\\"\" }";

    private SqliteStore _store = null!;
    private EmbeddedKubeClient _client = null!;
    private ApiServerFixture _server = null!;

    public async Task InitializeAsync()
    {
        _store = await SqliteStore.OpenAsync(new StoreOptions());
        _client = new EmbeddedKubeClient(_store, TimeProvider.System, NullLoggerFactory.Instance);
        _server = await ApiServerFixture.StartAsync(o => o with { Client = _client });
        await _server.SendAsync(HttpMethod.Post, "/api/v1/namespaces", """{"metadata":{"name":"default"}}""");
        await _server.SendAsync(HttpMethod.Post, Maps, """{"metadata":{"name":"one"},"data":{"a":"1"}}""");
        await _server.SendAsync(HttpMethod.Post, Deployments, """
            {"metadata":{"name":"dep"},"spec":{"replicas":0,"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},
             "spec":{"containers":[{"name":"c","image":"i:1","env":[{"name":"A","value":"1"}]}]}}}}
            """);
    }

    public async Task DisposeAsync()
    {
        await _server.DisposeAsync();
        _client.Dispose();
        await _store.DisposeAsync();
    }

    [Theory]
    [InlineData("", NoJson + "unexpected end of JSON input (<empty>)")]
    [InlineData("{\"metadata\":{\"name\":\"t1\"}} x", NoJson + "invalid character 'x' after top-level value ({\"metadata\":{\"name\":\"t1\"}} x)")]
    [InlineData("{\"metadata\":{\"name\":\"aaaaaaaaaaaaaaaaaaaaaaaa\"}", NoJson + "unexpected end of JSON input ({\"metadata\":{\"name\":\"aaaaaaaaa ...)")]
    [InlineData("hello", NoJson + "invalid character 'h' looking for beginning of value (68656c6c6f)")]
    [InlineData("[]", NoJson + "json: cannot unmarshal array into Go value of type " + Anonymous + " (5b5d)")]
    [InlineData("{\"kind\":5}", NoJson + "json: cannot unmarshal number into Go struct field .kind of type string ({\"kind\":5})")]
    [InlineData("{\"apiVersion\":\"a/b/c\"}", Unread + "unexpected GroupVersion string: a/b/c ({\"apiVersion\":\"a/b/c\"})")]
    [InlineData("{\"kind\":\"Foo\"}", "Foo in version \"v1\" cannot be handled as a ConfigMap: no kind \"Foo\" is registered for version \"v1\" in scheme \"pkg/api/legacyscheme/scheme.go:30\"")]
    [InlineData("{\"kind\":\"Secret\"}", "Secret in version \"v1\" cannot be handled as a ConfigMap: converting (v1.Secret) to (core.ConfigMap): unknown conversion")]
    [InlineData("{\"metadata\":\"x\"}", "ConfigMap in version \"v1\" cannot be handled as a ConfigMap: json: cannot unmarshal string into Go struct field ConfigMap.metadata of type v1.ObjectMeta")]
    [InlineData("{\"metadata\":{\"name\":\"d\"},\"binaryData\":{\"a\":\"!\"}}", "ConfigMap in version \"v1\" cannot be handled as a ConfigMap: illegal base64 data at input byte 0")]
    public async Task Body_ThatIsNoObjectOfTheKind_IsToldAsUpstream(string body, string message) => await RefusedAsync(400, "POST", Maps, body, Json, message);

    [Theory]
    [InlineData("metadata: [\n", "yaml: line 1: did not find expected node content (6d657461646174613a205b0a)")]
    [InlineData("a: b: c\n", "yaml: mapping values are not allowed in this context (613a20623a20630a)")]
    [InlineData("a: [1, 2\nb: c\n", "yaml: line 1: did not find expected ',' or ']' (613a205b312c20320a623a20630a)")]
    [InlineData("x: 1\na: {b: c\nd: e\n", "yaml: line 2: did not find expected ',' or '}' (783a20310a613a207b623a20630a643a20650a)")]
    [InlineData("metadata:\n\tname: a\n", "yaml: line 2: found character that cannot start any token (6d657461646174613a0a096e616d653a20610a)")]
    [InlineData("a: b\nc:\n\td: e\n", "yaml: line 3: found character that cannot start any token (613a20620a633a0a09643a20650a)")]
    [InlineData("a:\n  b: c\n\td: e\n", "yaml: line 3: found a tab character that violates indentation (613a0a2020623a20630a09643a20650a)")]
    [InlineData("a:\n  - b:\n\tc\n", "yaml: line 3: found character that cannot start any token (613a0a20202d20623a0a09630a)")]
    [InlineData("a:\n\n\n\tb: c\n", "yaml: line 4: found character that cannot start any token (613a0a0a0a09623a20630a)")]
    [InlineData("a: >\n x\n\ty\n b", "yaml: line 3: found a tab character where an indentation space is expected (613a203e0a20780a09790a2062)")]
    [InlineData("a: |\n\tx\n", "yaml: line 2: found a tab character where an indentation space is expected (613a207c0a09780a)")]
    [InlineData("a: |-\n  x\n\n\ty\n", "yaml: line 4: found a tab character where an indentation space is expected (613a207c2d0a2020780a0a09790a)")]
    [InlineData("a: |\n  x\nb:\n\tc\n", "yaml: line 4: found character that cannot start any token (613a207c0a2020780a623a0a09630a)")]
    [InlineData("a: *x\n", "yaml: unknown anchor 'x' referenced (613a202a780a)")]
    public async Task Yaml_ThatIsNone_IsToldAsUpstream(string body, string message) => await RefusedAsync(400, "POST", Maps, body, Yaml, Unread + message);

    [Theory]
    [InlineData("""{"a":x}""", "couldn't get version/kind; json parse error: invalid character 'x' looking for beginning of value")]
    [InlineData("""{"gracePeriodSeconds":1.5}""", "json: cannot unmarshal number 1.5 into Go struct field DeleteOptions.gracePeriodSeconds of type int64")]
    public async Task DeleteOptions_ThatAreNone_AreToldAsUpstream(string body, string message) => await RefusedAsync(400, "DELETE", Maps + "/absent", body, Json, message);

    [Theory]
    [InlineData(JsonPatch, "", "{", "error decoding patch: unexpected end of JSON input")]
    [InlineData(JsonPatch, "Ignore", "{", "unexpected end of JSON input")]
    [InlineData(JsonPatch, "", "{}", "error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp")]
    [InlineData(JsonPatch, "Ignore", "{}", "json: cannot unmarshal object into Go value of type jsonpatch.Patch")]
    [InlineData(JsonPatch, "", "[1]", "error decoding patch: json: cannot unmarshal number into Go value of type handlers.jsonPatchOp")]
    [InlineData(JsonPatch, "", """[{"op":5}]""", "error decoding patch: json: cannot unmarshal number into Go struct field jsonPatchOp.op of type string")]
    [InlineData(Merge, "", "[]", "error decoding patch: json: cannot unmarshal array into Go value of type map[string]interface {}")]
    [InlineData(Merge, "", "null", "Invalid JSON Patch")]
    [InlineData(Merge, "Ignore", "{", "Invalid JSON Patch")]
    [InlineData(Merge, "", """{"foo":1e400}""", "error decoding patch: json: cannot unmarshal number 1e400 into Go value of type float64")]
    [InlineData(Merge, "", """{"metadata":null}""", "the name of the object (one based on URL) was undeterminable: name must be provided")]
    [InlineData(Merge, "", """{"metadata":{"namespace":"x"}}""", "the namespace of the provided object does not match the namespace sent on the request")]
    [InlineData(Strategic, "", "[]", "json: cannot unmarshal array into Go value of type map[string]interface {}")]
    [InlineData(Apply, "", "[]", "error decoding YAML: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal array into Go value of type map[string]interface {}")]
    [InlineData(Apply, "", "", "invalid object type: /, Kind=")]
    public async Task Patch_ThatIsNone_IsToldAsUpstream(string type, string validation, string body, string message) =>
        await RefusedAsync(400, "PATCH", $"{Maps}/one?fieldManager=m{(validation.Length == 0 ? "" : "&fieldValidation=" + validation)}", body, type, message);

    [Theory]
    [InlineData(400, """{"$patch":"turn"}""", "unknown patch type: turn in map: map[$patch:turn]")]
    [InlineData(400, """{"$patch":5}""", "unknown patch type: %!s(int64=5) in map: map[$patch:5]")]
    [InlineData(400, """{"spec":{"template":{"spec":{"containers":[{"image":"x"}]}}}}""", "map: map[image:x] does not contain declared merge key: name")]
    [InlineData(400, """{"spec":{"template":{"spec":{"containers":[{"$patch":"merge","name":"c"}]}}}}""", "merging lists cannot yet be specified in the patch")]
    [InlineData(400, """{"spec":{"template":{"spec":{"containers":[{"$patch":"delete"}]}}}}""", "map: map[$patch:delete] does not contain declared merge key: name")]
    [InlineData(400, """{"spec":{"strategy":{"$retainKeys":"x","type":"Recreate"}}}""", "invalid patch format of retainKeys")]
    [InlineData(400, """{"spec":{"strategy":{"$retainKeys":["rollingUpdate"],"type":"Recreate"}}}""", "invalid patch format of retainKeys")]
    [InlineData(400, """{"spec":{"template":{"spec":{"$setElementOrder/containers":"x"}}}}""", "expected a []interface {}, but received a string")]
    [InlineData(400, """{"spec":{"template":{"spec":{"$setElementOrder/containers":[{"name":"c"}],"containers":[{"name":"z","image":"i"}]}}}}""",
        "The order in patch list:\n[map[image:i name:z]]\n doesn't match $setElementOrder list:\n[map[name:c]]\n")]
    [InlineData(422, """{"spec":{"replicas":1.5}}""", " \"\" is invalid: patch: Invalid value: \"map[spec:map[replicas:1.5]]\": cannot convert float64 to int32")]
    [InlineData(422, """{"spec":{"paused":"x"}}""", " \"\" is invalid: patch: Invalid value: \"map[spec:map[paused:x]]\": unrecognized type: bool")]
    [InlineData(422, """{"spec":[]}""", " \"\" is invalid: patch: Invalid value: \"map[spec:[]]\": cannot restore struct from: slice")]
    public async Task StrategicPatch_ThatDoesNotFit_IsToldAsUpstream(int code, string body, string message) =>
        await RefusedAsync(code, "PATCH", Deployments + "/dep", body, Strategic, message);

    [Fact]
    public async Task MergePatch_ThatIsDeep_IsShownAll()
    {
        var deep = string.Concat(Enumerable.Repeat("{\"x\":", 100)) + "1" + new string('}', 100);
        var (code, answer) = await SendAsync("PATCH", Maps + "/one?dryRun=All&fieldValidation=Strict", $$"""{"deep":{{deep}},"data":{"a":5} }""", "application/merge-patch+json");
        Assert.Equal((422, "Invalid"), ((int)code, (string?)answer!["reason"]));
    }

    [Theory]
    [InlineData("""{"kind":"Pod"}""", "converting (v1.Pod) to (core.ConfigMap): unknown conversion")]
    [InlineData("""{"apiVersion":"apps/v1","kind":"Deployment"}""", "converting (v1.Deployment) to (core.ConfigMap): unknown conversion")]
    [InlineData("""{"kind":"Foo"}""", "no kind \"Foo\" is registered for version \"v1\" in scheme \"pkg/api/legacyscheme/scheme.go:30\"")]
    public async Task MergePatch_ToAnotherKind_IsNoObjectOfThisOne(string body, string end)
    {
        var (code, answer) = await SendAsync("PATCH", Maps + "/one?dryRun=All", body, "application/merge-patch+json");
        Assert.Equal((422, "Invalid"), ((int)code, (string?)answer!["reason"]));
        Assert.EndsWith(end, (string?)answer["message"], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""[{"op":"replace","path":"/data/none","value":"v"}]""", 200)]
    [InlineData("""[{"op":"test","path":"/data/none","value":null}]""", 200)]
    [InlineData("""[{"op":"add","path":"/metadata/finalizers","value":["a/b","c/d"]},{"op":"remove","path":"/metadata/finalizers/-1"},{"op":"remove","path":"/metadata/finalizers/0"}]""", 200)]
    [InlineData("""[null]""", 422)]
    [InlineData("""[{"op":"add","path":"","value":{}}]""", 422)]
    [InlineData("""[{"op":"remove","path":""}]""", 422)]
    [InlineData("""[{"op":"move","from":"/data/none","path":"/data/b"}]""", 422)]
    public async Task JsonPatch_IsAppliedAsUpstreamDoes(string patch, int code) =>
        Assert.Equal(code, (int)(await SendAsync("PATCH", Maps + "/one?dryRun=All", patch, JsonPatch)).Code);

    [Theory]
    [InlineData("labelSelector=a%20b", "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt")]
    [InlineData("labelSelector=a%3Db%3Dc", "found '=', expected: ',' or 'end of string'")]
    [InlineData("labelSelector=!", "unable to parse requirement: found '', expected: identifier")]
    [InlineData("labelSelector=a,", "found '', expected: identifier after ','")]
    [InlineData("labelSelector=,a", "found ',', expected: !, identifier, or 'end of string'")]
    [InlineData("labelSelector=a%20in", "unable to parse requirement: found '' expected: '('")]
    [InlineData("labelSelector=a%20in%20(b", "unable to parse requirement: found '', expected: ',' or ')'")]
    [InlineData("labelSelector=a%20in%20((b))", "unable to parse requirement: found '(', expected: ',', ')' or identifier")]
    [InlineData("labelSelector=a%3Ex", "unable to parse requirement: values[0]: Invalid value: \"x\": for 'Gt', 'Lt' operators, the value must be an integer")]
    [InlineData("labelSelector=%2Fb%3Dc", "unable to parse requirement: <nil>: Invalid value: \"/b\": prefix part must be non-empty")]
    [InlineData("fieldSelector=metadata.name", "invalid selector: 'metadata.name'; can't understand 'metadata.name'")]
    [InlineData("fieldSelector=metadata.name%3Da%3Db", "invalid field selector: unescaped character in value: 61")]
    [InlineData("fieldSelector=metadata.name%3Da%5Cx", "invalid field selector: invalid escape sequence: \\x")]
    [InlineData("fieldSelector=metadata..name%3Dx", "\"metadata..name\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\"")]
    [InlineData("limit=99999999999999999999", "strconv.ParseInt: parsing \"99999999999999999999\": value out of range")]
    [InlineData("limit=", "strconv.ParseInt: parsing \"\": invalid syntax")]
    [InlineData("timeoutSeconds=x", "strconv.ParseInt: parsing \"x\": invalid syntax")]
    [InlineData("resourceVersion=x", "invalid resource version: resourceVersion: Invalid value: \"x\": strconv.ParseUint: parsing \"x\": invalid syntax")]
    [InlineData("timeout=1", "invalid timeout specified in the request URL - time: missing unit in duration \"1\"")]
    public async Task Option_ThatIsNone_IsToldAsUpstream(string query, string message) => await RefusedAsync(400, "GET", $"{Maps}?{query}", null, Json, message);

    [Theory]
    [InlineData("labelSelector=%20a%20%3D%20b%20", 200)]
    [InlineData("labelSelector=in%20in%20(in),x%20notin%20(),!y", 200)]
    [InlineData("labelSelector=a%20in%20(,b)", 200)]
    [InlineData("fieldSelector=%3D%3D", 200)]
    [InlineData("fieldSelector=metadata.name%3Done,,metadata.namespace!%3Dx", 200)]
    public async Task Selector_ThatIsOdd_IsTaken(string query, int code) => Assert.Equal(code, (await SendAsync("GET", $"{Maps}?{query}", null, Json)).Code);

    /// <summary>What a client does not take is found out before anything is looked for or done.</summary>
    [Theory]
    [InlineData("GET", Maps + "/absent", "text/plain", 406, "406: Not Acceptable\n\nAvailable representations: application/json")]
    [InlineData("DELETE", Maps + "/one", "text/plain", 406, "406: Not Acceptable\n\nAvailable representations: application/json")]
    [InlineData("GET", Maps + "/absent", "application/json;as=Table;v=v2;g=meta.k8s.io", 406, "only the following media types are accepted: application/json")]
    [InlineData("GET", "/api//v1/namespaces", Json, 404, "the server could not find the requested resource")]
    public async Task Request_ThatCannotBeAnswered_IsNotBegun(string method, string path, string accept, int code, string message)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        request.Headers.TryAddWithoutValidation("Accept", accept);
        using var response = await _server.Client.SendAsync(request);
        Assert.Equal((code, message), ((int)response.StatusCode, (string?)JsonNode.Parse(await response.Content.ReadAsStringAsync())!["message"]));
        Assert.Equal(200, (await SendAsync("GET", Maps + "/one", null, Json)).Code);
    }

    [Theory]
    [InlineData(Maps + "/one", "Table")]
    [InlineData(Maps, "Table")]
    [InlineData(Maps + "/one", "PartialObjectMetadata")]
    [InlineData(Maps, "PartialObjectMetadataList")]
    public async Task Form_OfTheOlderVersion_IsServed(string path, string form)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.TryAddWithoutValidation("Accept", $"application/json;as={form};v=v1beta1;g=meta.k8s.io");
        using var response = await _server.Client.SendAsync(request);
        var body = JsonNode.Parse(await response.Content.ReadAsStringAsync())!;
        Assert.Equal(("meta.k8s.io/v1beta1", form), ((string?)body["apiVersion"], (string?)body["kind"]));
    }

    /// <summary>Whatever is done to YAML, to directives and to selectors, it is the client's fault, and nothing is logged as an error.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task SpoiledTexts_AreTheClientsFault(int seed)
    {
        const string Block = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: one\n  labels: &l {a: b, c: 'd'}\n  annotations: *l\ndata:\n  k: |\n    text\n  m: \"x\\n\"\n";
        const string Directives = """
            {"spec":{"strategy":{"$retainKeys":["type"],"type":"Recreate"},"template":{"spec":{"$setElementOrder/containers":[{"name":"c"}],
             "containers":[{"name":"c","$patch":"merge","env":[{"name":"A","$patch":"delete"}]}]}}},"metadata":{"$deleteFromPrimitiveList/finalizers":["a/b"]}}
            """;
        const string Odd = "{}[]:,\"'\\ \t\n-?|>&*!%@#$pdm5\u0001\u0085\ufeffé";
        var random = new Random(seed);
        var refused = 0;
        for (var round = 0; round < 150; round++)
        {
            var (method, path, text, type) = (round % 4) switch
            {
                0 => ("POST", Maps + "?dryRun=All", Block, Yaml),
                1 => ("PATCH", Maps + "/one?dryRun=All&fieldManager=f", Block, Apply),
                2 => ("PATCH", Deployments + "/dep?dryRun=All", Directives, Strategic),
                _ => ("GET", Maps, "a in (b,c),!d,e!=f,g notin (),h>5", ""),
            };
            var spoiled = new StringBuilder(text);
            for (var i = random.Next(1, 4); i > 0; i--)
            {
                var at = random.Next(spoiled.Length);
                _ = random.Next(3) switch
                {
                    0 => spoiled.Remove(at, Math.Min(random.Next(1, 12), spoiled.Length - at - 1)),
                    1 => spoiled.Insert(at, Odd[random.Next(Odd.Length)]),
                    _ => spoiled.Insert(at, spoiled.ToString(at, Math.Min(random.Next(1, 20), spoiled.Length - at))),
                };
            }
            var query = type.Length == 0 ? $"?labelSelector={Uri.EscapeDataString(spoiled.ToString())}&fieldSelector={Uri.EscapeDataString(spoiled.ToString())}" : "";
            var (code, body) = await SendAsync(method, path + query, type.Length == 0 ? null : spoiled.ToString(), type.Length == 0 ? Json : type);
            Assert.True(code < 500 && _server.Log.Errors.IsEmpty, $"seed {seed}: {method} {path}{query} with {spoiled} is answered with {code}: {body.ToJsonString()}");
            refused += code >= 400 ? 1 : 0;
        }
        Assert.True(refused > 50, $"seed {seed}: only {refused} of 150 were refused: the texts are not spoiled enough");
    }

    [Theory]
    [InlineData("a: &a [x, x]\nb: [{0}]\n", "*a", 100_000)]
    [InlineData("a: &a {1}\nb: [{0}]\n", "*a", 100)]
    public async Task Yaml_WithTooManyAliases_IsToldAsUpstream(string text, string alias, int count)
    {
        var body = text.Replace("{0}", string.Join(',', Enumerable.Repeat(alias, count)), StringComparison.Ordinal).Replace("{1}", new string('x', 50_000), StringComparison.Ordinal);
        var (code, status) = await SendAsync("POST", Maps, body, Yaml);
        Assert.Equal(400, code);
        Assert.StartsWith(Unread + "yaml: document contains excessive aliasing (", (string?)status["message"], StringComparison.Ordinal);
    }

    /// <summary>Each of many errors has its path: a long key above them is not told with each.</summary>
    [Theory]
    [InlineData("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", Json, """{"status":{"userInfo":{"extra":{"LONG":[MANY]}}}}""", "0")]
    [InlineData("PATCH", Maps + "/one?fieldValidation=Strict", Merge, """{"LONG":{MANY}}""", "\"a#\":1,\"a#\":2")]
    [InlineData("PATCH", Maps + "/one?fieldValidation=Strict", Merge, """{"LONG":[MANY]}""", "{\"a\":1,\"a\":2}")]
    [InlineData("PATCH", Maps + "/one?fieldValidation=Strict", JsonPatch, """[{"op":"test","path":"/data/a","value":"1","LONG":1},MANY]""", "{\"op\":\"test\",\"path\":\"/data/a\",\"value\":\"1\",\"x\":1}")]
    [InlineData("PUT", Maps + "/one?fieldValidation=Strict", Json, """{"metadata":{"name":"one"},"data":{"LONG":"x",MANY}}""", "\"a#\":\"1\",\"a#\":\"2\"")]
    [InlineData("PUT", Maps + "/one?fieldValidation=Strict", Yaml, "metadata: {name: one}\ndata: {? LONG : x, MANY}\n", "? LONG : x")]
    public async Task ManyErrorsBelowALongKey_AreToldInLittle(string method, string path, string type, string body, string one)
    {
        var many = string.Join(',', Enumerable.Range(0, 2_000).Select(i => one.Replace("#", $"{i}", StringComparison.Ordinal)));
        var (code, status) = await SendAsync(
            method, path, body.Replace("MANY", many, StringComparison.Ordinal).Replace("LONG", new string('k', type == Yaml ? 1_000 : 100_000), StringComparison.Ordinal), type);
        Assert.InRange(code, 400, 499);
        Assert.InRange(status.ToJsonString().Length, 100, 250_000);
    }

    [Fact]
    public async Task Errors_OfOneObject_AreAThousandAtMost()
    {
        var (code, status) = await SendAsync("POST", Maps, """{"metadata":{"name":"many"},"data":{MANY}}""".Replace(
            "MANY", string.Join(',', Enumerable.Range(0, 5_000).Select(i => $"\"a b{i}\":\"\"")), StringComparison.Ordinal), Json);
        Assert.Equal((422, 1000), (code, status["details"]!["causes"]!.AsArray().Count));
    }

    /// <summary>What is cut is cut between characters: the halves of one cannot be written.</summary>
    [Theory]
    [InlineData("")]
    [InlineData("x")]
    public async Task Text_ThatIsCut_KeepsItsCharactersWhole(string first)
    {
        var face = first + string.Concat(Enumerable.Repeat("\U0001F600", 3_000));
        foreach (var (method, path, body, type) in new[]
        {
            ("PATCH", Maps + "/one?fieldValidation=Strict", $$$"""{"data":{"a":"{{{face}}}"},"x":1}""", Merge),
            ("PATCH", Maps + "/one?fieldValidation=Strict", $$$"""{"data":{"a":"{{{face}}}"},"x":1}""", Strategic),
            ("PATCH", Maps + "/one?fieldValidation=Strict", $$$"""{"{{{face}}}":1,"{{{face}}}":1}""", Merge),
            ("POST", Maps, $$$"""{"metadata":{"generateName":"{{{face}}}"}}""", Json),
        })
        {
            Assert.Equal(422, (await SendAsync(method, path, body, type)).Code);
        }
    }

    [Fact]
    public async Task Text_ThatIsNoUnicode_IsReplaced()
    {
        var (code, body) = await SendAsync("POST", Maps, "{\"metadata\":{\"name\":\"half\"},\"data\":{\"a\":\"x\\ud800y\"}}", Json);
        Assert.Equal((201, "x\ufffdy"), (code, (string?)body["data"]!["a"]));
        using var request = new HttpRequestMessage(HttpMethod.Post, Maps)
        {
            Content = new ByteArrayContent([.. "{\"metadata\":{\"name\":\"bytes\"},\"data\":{\"a\":\""u8, 0xff, 0xfe, .. "A\"}}"u8]) { Headers = { { "Content-Type", Json } } },
        };
        using var response = await _server.Client.SendAsync(request);
        Assert.Equal(HttpStatusCode.Created, response.StatusCode);
        Assert.Contains("\ufffd\ufffdA", Encoding.UTF8.GetString(await response.Content.ReadAsByteArrayAsync()), StringComparison.Ordinal);
    }

    private async Task RefusedAsync(int code, string method, string path, string? body, string type, string message)
    {
        var (answered, status) = await SendAsync(method, path, body, type);
        Assert.Equal((code, message), (answered, (string?)status["message"]));
    }

    private async Task<(int Code, JsonObject Body)> SendAsync(string method, string path, string? body, string type)
    {
        var (response, answer) = await _server.SendAsync(new HttpMethod(method), path, body, type);
        return ((int)response.StatusCode, answer);
    }
}
