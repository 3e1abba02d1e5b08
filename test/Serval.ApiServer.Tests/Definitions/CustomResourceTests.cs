using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging.Abstractions;
using Serval.ApiServer.Pipeline;
using Serval.ApiServer.Store;

namespace Serval.ApiServer.Tests.Definitions;

/// <summary>CustomResourceDefinitions and their objects over HTTPS. The controller that accepts names is played by <see cref="EstablishAsync(ApiServerFixture, JsonObject)"/>.</summary>
public sealed class CustomResourceTests : IAsyncLifetime
{
    private const string Definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    private const string V1 = "/apis/example.com/v1/namespaces/default/widgets";
    private const string V2 = "/apis/example.com/v2/namespaces/default/widgets";
    private const string Table = "application/json;as=Table;v=v1;g=meta.k8s.io";

    private const string Definition = """
        {"metadata":{"name":"widgets.example.com"},"spec":{"group":"example.com","scope":"Namespaced",
         "names":{"plural":"widgets","kind":"Widget","shortNames":["wg"],"categories":["all"]},
         "versions":[
          {"name":"v1","served":true,"storage":true,"deprecated":true,"deprecationWarning":"use v2","schema":{"openAPIV3Schema":{"type":"object","properties":{
            "spec":{"type":"object","required":["size"],"properties":{"size":{"type":"integer","minimum":1},"color":{"type":"string","default":"red"}}}}}}},
          {"name":"v2","served":true,"storage":false,"selectableFields":[{"jsonPath":".spec.color"}],
           "subresources":{"status":{},"scale":{"specReplicasPath":".spec.size","statusReplicasPath":".status.ready","labelSelectorPath":".status.selector"}},
           "additionalPrinterColumns":[{"name":"Color","type":"string","jsonPath":".spec.color"},{"name":"Size","type":"integer","jsonPath":".spec.size","description":"How big"}],
           "schema":{"openAPIV3Schema":{"type":"object","description":"A thing.","properties":{
            "spec":{"type":"object","properties":{"size":{"type":"integer"},"color":{"type":"string"},"shape":{"type":"string","default":"round"},
             "parts":{"type":"array","x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["name"],"items":{"type":"object","required":["name"],"properties":{
              "name":{"type":"string"},"count":{"type":"integer"}}}}}},
            "status":{"type":"object","properties":{"ready":{"type":"integer"},"selector":{"type":"string"}}}}}}},
          {"name":"v3","served":false,"storage":false,"schema":{"openAPIV3Schema":{"type":"object"}}}]}}
        """;

    private SqliteStore _store = null!;
    private EmbeddedKubeClient _client = null!;
    private ApiServerFixture _server = null!;

    public async Task InitializeAsync()
    {
        _store = await SqliteStore.OpenAsync(new StoreOptions());
        _client = new EmbeddedKubeClient(_store, TimeProvider.System, NullLoggerFactory.Instance);
        _server = await ApiServerFixture.StartAsync(o => o with { Client = _client });
        await SendAsync(201, "POST", "/api/v1/namespaces", """{"metadata":{"name":"default"}}""");
    }

    public async Task DisposeAsync()
    {
        await _server.DisposeAsync();
        _client.Dispose();
        await _store.DisposeAsync();
    }

    [Fact]
    public async Task ADefinition_IsDefaulted_AndServedOnceEstablished()
    {
        var made = await SendAsync(201, "POST", Definitions, Definition);
        Assert.Equal(("widget", "WidgetList", "None"),
            ((string?)made["spec"]!["names"]!["singular"], (string?)made["spec"]!["names"]!["listKind"], (string?)made["spec"]!["conversion"]!["strategy"]));
        Assert.Equal("""{"acceptedNames":{"kind":"","plural":""},"conditions":[],"storedVersions":["v1"]}""", made["status"]!.ToJsonString());
        await SendAsync(404, "GET", V1);
        await EstablishAsync(made);
        Assert.Equal("""{"kind":"WidgetList","apiVersion":"example.com/v1","metadata":{"resourceVersion":"","continue":""},"items":[]}""", Unversioned(await SendAsync(200, "GET", V1)));
        var verbs = (await _server.GetAsync("/apis/example.com/v1"))["resources"]![0]!["verbs"]!.AsArray().Select(v => (string?)v);
        Assert.Equal(["delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"], verbs);
        await SendAsync(404, "GET", "/apis/example.com/v3/namespaces/default/widgets");
        await SendAsync(404, "GET", "/apis/example.com/v1/namespaces/default/gadgets");
    }

    private static string Unversioned(JsonNode list)
    {
        list["metadata"]!["resourceVersion"] = "";
        return list.ToJsonString();
    }

    /// <summary>Of a definition a write of the status changes the metadata too; upstream means to keep it, and does not.</summary>
    [Fact]
    public async Task ADefinition_IsLabelledThroughItsStatus()
    {
        await EstablishAsync(await SendAsync(201, "POST", Definitions, Definition));
        var labelled = await SendAsync(200, "PATCH", Definitions + "/widgets.example.com/status", """{"metadata":{"labels":{"a":"b"}},"spec":{"scope":"Cluster"}}""");
        Assert.Equal(("b", "Namespaced"), ((string?)labelled["metadata"]!["labels"]!["a"], (string?)labelled["spec"]!["scope"]));
    }

    [Fact]
    public async Task AnObject_WithFinalizersThatOthersMayUse_IsWarnedOf()
    {
        await EstablishAsync(await SendAsync(201, "POST", Definitions, Definition));
        const string start = "299 - \"metadata.finalizers: ";
        const string end = "to avoid accidental conflicts with other finalizer writers\"";
        var made = """{"apiVersion":"example.com/v2","kind":"Widget","metadata":{"name":"a","finalizers":["foo","x.y","x.y/z","orphan"]}}""";
        var (response, _) = await _server.SendAsync(HttpMethod.Post, V2, made);
        Assert.Equal(
            [$"{start}\\\"foo\\\": prefer a domain-qualified finalizer name {end}", $"{start}\\\"x.y\\\": prefer a domain-qualified finalizer name including a path (/) {end}"],
            response.Headers.GetValues("Warning"));
        (response, _) = await _server.SendAsync(HttpMethod.Patch, V2 + "/a", """{"metadata":{"finalizers":["foo","bar"]}}""", "application/merge-patch+json");
        Assert.Equal([$"{start}\\\"bar\\\": prefer a domain-qualified finalizer name {end}"], response.Headers.GetValues("Warning"));
    }

    [Fact]
    public async Task ADefinition_ThatBreaksTheRules_IsRefusedNamingThem()
    {
        var refused = await SendAsync(422, "POST", Definitions, Definition.Replace("widgets.example.com", "other.example.com", StringComparison.Ordinal));
        Assert.Equal("metadata.name", (string?)refused["details"]!["causes"]![0]!["field"]);
        await EstablishAsync(await SendAsync(201, "POST", Definitions, Definition));
        refused = await SendAsync(422, "PUT", Definitions + "/widgets.example.com", Definition);
        Assert.Equal("metadata.resourceVersion", (string?)refused["details"]!["causes"]![0]!["field"]);
        refused = await SendAsync(422, "PATCH", Definitions + "/widgets.example.com", """{"spec":{"scope":"Cluster"}}""");
        Assert.Equal("spec.scope", (string?)refused["details"]!["causes"]![0]!["field"]);
    }

    [Fact]
    public async Task AnObject_IsPrunedDefaultedAndValidated_ByTheVersionItComesIn()
    {
        await EstablishAsync(await SendAsync(201, "POST", Definitions, Definition));
        var refused = await SendAsync(422, "POST", V1, Widget("a", """{"size":0}""", "v1"));
        Assert.Equal("spec.size in body should be greater than or equal to 1", ((string?)refused["details"]!["causes"]![0]!["message"])!.Split(": ")[^1]);
        refused = await SendAsync(422, "POST", V1, Widget("a", """{"color":"blue"}""", "v1"));
        Assert.Equal(("FieldValueRequired", "spec.size"), ((string?)refused["details"]!["causes"]![0]!["reason"], (string?)refused["details"]!["causes"]![0]!["field"]));
        refused = await SendAsync(400, "POST", V1 + "?fieldValidation=Strict", Widget("a", """{"size":1,"sise":2}""", "v1"));
        Assert.Equal("Widget in version \"v1\" cannot be handled as a Widget: strict decoding error: unknown field \"spec.sise\"", (string?)refused["message"]);

        var (response, made) = await _server.SendAsync(HttpMethod.Post, V1, Widget("a", """{"size":1,"sise":2}""", "v1"));
        Assert.Equal("""{"color":"red","size":1}""", made["spec"]!.ToJsonString());
        Assert.Equal(["299 - \"unknown field \\\"spec.sise\\\"\"", "299 - \"use v2\""], response.Headers.GetValues("Warning").Order());
        var other = await SendAsync(200, "GET", V2 + "/a");
        Assert.Equal(("example.com/v2", """{"color":"red","shape":"round","size":1}"""), ((string?)other["apiVersion"], other["spec"]!.ToJsonString()));
        refused = await SendAsync(415, "PATCH", V1 + "/a", "{}", "application/strategic-merge-patch+json");
        Assert.Equal(
            ("UnsupportedMediaType", "the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, "
                + "application/apply-patch+yaml"),
            ((string?)refused["reason"], (string?)refused["message"]));
    }

    /// <summary>A value that was stored under milder rules does not stand in the way of other changes.</summary>
    [Fact]
    public async Task AStricterSchema_LeavesOldValuesAlone_AndItsDefaultsShowAtOnce()
    {
        await EstablishAsync(await SendAsync(201, "POST", Definitions, Definition));
        await SendAsync(201, "POST", V1, Widget("a", """{"size":1}""", "v1"));
        await SendAsync(200, "PATCH", Definitions + "/widgets.example.com", """
            [{"op":"replace","path":"/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/size/minimum","value":5},
             {"op":"add","path":"/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/form","value":{"type":"string","default":"flat"}}]
            """, "application/json-patch+json");
        Assert.Equal("flat", (string?)(await SendAsync(200, "GET", V1 + "/a"))["spec"]!["form"]);
        await SendAsync(200, "PATCH", V1 + "/a", """{"spec":{"color":"blue"}}""");
        await SendAsync(422, "PATCH", V1 + "/a", """{"spec":{"size":2}}""");
    }

    [Fact]
    public async Task StatusAndGeneration_FollowTheSubresourcesOfTheVersion()
    {
        await EstablishAsync(await SendAsync(201, "POST", Definitions, Definition));
        var made = await SendAsync(201, "POST", V2, """{"apiVersion":"example.com/v2","kind":"Widget","metadata":{"name":"a"},"spec":{"size":1},"status":{"ready":9}}""");
        Assert.Null(made["status"]);
        Assert.Equal(1, (int?)made["metadata"]!["generation"]);
        made = await SendAsync(200, "PATCH", V2 + "/a", """{"spec":{"size":2},"status":{"ready":9}}""");
        Assert.Equal((2, null), ((int?)made["metadata"]!["generation"], made["status"]));
        made = await SendAsync(200, "PATCH", V2 + "/a/status", """{"spec":{"size":3},"status":{"ready":1,"selector":"a=b","other":1}}""");
        Assert.Equal((2, 2), ((int?)made["metadata"]!["generation"], (int?)made["spec"]!["size"]));
        Assert.Equal("""{"ready":1,"selector":"a=b"}""", made["status"]!.ToJsonString());
        await SendAsync(422, "PATCH", V2 + "/a/status", """{"status":{"ready":"many"}}""");
        await SendAsync(404, "GET", V1 + "/a/status");
    }

    /// <summary>An object of a custom kind says what it is: nothing is filled in.</summary>
    [Theory]
    [InlineData("", "the API version in the data () does not match the expected API version (example.com/v2)")]
    [InlineData("\"apiVersion\":\"example.com/v1\",", "the API version in the data (example.com/v1) does not match the expected API version (example.com/v2)")]
    [InlineData("\"apiVersion\":\"a/b/c\",", "the object provided is unrecognized (must be of type Widget): unexpected GroupVersion string: a/b/c ({ \"apiVersion\":\"a/b/c\",\"kind\": ...)")]
    public async Task AnObject_OfAnotherVersion_IsRefused(string version, string message)
    {
        await EstablishAsync(await SendAsync(201, "POST", Definitions, Definition));
        Assert.Equal(message, (string?)(await SendAsync(400, "POST", V2, $$"""{ {{version}}"kind":"Widget","metadata":{"name":"a"} }"""))["message"]);
    }

    [Fact]
    public async Task AnObject_OfAnotherKind_IsRefused()
    {
        await EstablishAsync(await SendAsync(201, "POST", Definitions, Definition));
        const string none = """{"apiVersion":"example.com/v2","metadata":{"name":"a"}}""";
        Assert.Equal(
            $"the object provided is unrecognized (must be of type Widget): Object 'Kind' is missing in '{none}' ({none[..30]} ...)",
            (string?)(await SendAsync(400, "POST", V2, none))["message"]);
        var other = await SendAsync(422, "POST", V2, """{"apiVersion":"example.com/v2","kind":"Gadget","metadata":{"name":"a"}}""");
        Assert.Equal("Gadget.example.com \"a\" is invalid: kind: Invalid value: \"Gadget\": must be Widget", (string?)other["message"]);
        Assert.Equal("Gadget", (string?)other["details"]!["kind"]);
        await SendAsync(201, "POST", V2, Widget("a", "{}"));
        other = await SendAsync(422, "PATCH", V2 + "/a", """{"kind":"Gadget"}""");
        Assert.Equal("Gadget.example.com \"a\" is invalid: kind: Invalid value: \"Gadget\": must be Widget", (string?)other["message"]);
        other = await SendAsync(422, "PATCH", V2 + "/a", """{"apiVersion":"example.com/v1"}""");
        Assert.Equal("Widget.example.com \"a\" is invalid: apiVersion: Invalid value: \"example.com/v1\": must be example.com/v2", (string?)other["message"]);
        other = await SendAsync(422, "PATCH", V2 + "/a", """{"kind":null}""");
        Assert.Contains(": Object 'Kind' is missing in '{\"apiVersion\":\"example.com/v2\",", (string?)other["message"], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Scale_ReadsAndWritesTheDeclaredPaths()
    {
        await EstablishAsync(await SendAsync(201, "POST", Definitions, Definition));
        await SendAsync(201, "POST", V2, Widget("a", """{"color":"red"}"""));
        var none = await SendAsync(404, "GET", V2 + "/a/scale");
        Assert.Equal("the spec replicas field \".spec.size\" does not exist", (string?)none["message"]);
        await SendAsync(200, "PATCH", V2 + "/a/status", """{"status":{"ready":1,"selector":"a=b"}}""");
        var unnamed = await SendAsync(400, "PATCH", V2 + "/a/scale", """{"metadata":{"labels":{"x":"y"}}}""");
        Assert.Equal("the spec replicas field \".spec.size\" cannot be empty", (string?)unnamed["message"]);
        Assert.Null((await SendAsync(200, "GET", V2 + "/a"))["spec"]!["size"]);
        var negative = await SendAsync(422, "PUT", V2 + "/a/scale", """{"metadata":{"name":"a"},"spec":{"replicas":-1}}""");
        Assert.Equal("Widget.example.com \"a\" is invalid: .spec.size: Invalid value: -1: should be a non-negative integer", (string?)negative["message"]);
        var scale = await SendAsync(200, "PUT", V2 + "/a/scale", """{"metadata":{"name":"a"},"spec":{"replicas":3}}""");
        Assert.Equal(("""{"replicas":3}""", """{"replicas":1,"selector":"a=b"}"""), (scale["spec"]!.ToJsonString(), scale["status"]!.ToJsonString()));
        Assert.Equal(3, (int?)(await SendAsync(200, "GET", V2 + "/a"))["spec"]!["size"]);
        await SendAsync(404, "GET", V1 + "/a/scale");
        // Who replaces it may say whose it is; of a patch upstream does not look.
        await SendAsync(409, "PUT", V2 + "/a/scale", """{"metadata":{"name":"a","uid":"other"},"spec":{"replicas":4}}""");
        await SendAsync(409, "PUT", V2 + "/a/scale", """{"metadata":{"name":"a","resourceVersion":"1"},"spec":{"replicas":4}}""");
        await SendAsync(409, "PATCH", V2 + "/a/scale", """{"metadata":{"resourceVersion":"1"},"spec":{"replicas":4}}""");
        Assert.Equal(3, (int?)(await SendAsync(200, "PATCH", V2 + "/a/scale", """{"metadata":{"uid":"other"}}"""))["spec"]!["replicas"]);
    }

    [Fact]
    public async Task ColumnsAndSelectors_AreTheVersions()
    {
        await EstablishAsync(await SendAsync(201, "POST", Definitions, Definition));
        await SendAsync(201, "POST", V2, Widget("a", """{"size":1,"color":"blue"}"""));
        await SendAsync(201, "POST", V2, Widget("b", """{"size":2}"""));
        var table = await _server.GetAsync(V2, Table);
        Assert.Equal(["Name", "Color", "Size"], table["columnDefinitions"]!.AsArray().Select(c => (string?)c!["name"]));
        Assert.Equal("How big", (string?)table["columnDefinitions"]![2]!["description"]);
        Assert.Equal("""["b",null,2]""", table["rows"]![1]!["cells"]!.ToJsonString());
        table = await _server.GetAsync(V1, Table);
        Assert.Equal(["Name", "Age"], table["columnDefinitions"]!.AsArray().Select(c => (string?)c!["name"]));
        var blue = await SendAsync(200, "GET", V2 + "?fieldSelector=spec.color%3Dblue");
        Assert.Equal("a", (string?)Assert.Single(blue["items"]!.AsArray())!["metadata"]!["name"]);
        Assert.Equal("field label not supported: spec.size", (string?)(await SendAsync(400, "GET", V2 + "?fieldSelector=spec.size%3D1"))["message"]);
        Assert.Equal("field label not supported: spec.color", (string?)(await SendAsync(400, "GET", V1 + "?fieldSelector=spec.color%3Dblue"))["message"]);
    }

    [Fact]
    public async Task OpenApi_ShowsTheSchema_UnderAHashThatFollowsIt()
    {
        await EstablishAsync(await SendAsync(201, "POST", Definitions, Definition));
        var first = (string?)(await _server.GetAsync("/openapi/v3"))["paths"]!["apis/example.com/v2"]!["serverRelativeURL"];
        var document = await _server.GetAsync(first!);
        var schema = document["components"]!["schemas"]!["com.example.v2.Widget"]!;
        Assert.Equal("A thing.", (string?)schema["description"]);
        Assert.Equal("round", (string?)schema["properties"]!["spec"]!["properties"]!["shape"]!["default"]);
        Assert.EndsWith("v1.ObjectMeta", (string?)schema["properties"]!["metadata"]!["allOf"]![0]!["$ref"], StringComparison.Ordinal);
        Assert.Equal("""[{"fieldPath":"spec.color"}]""", schema["x-kubernetes-selectable-fields"]!.ToJsonString());
        Assert.Contains(document["paths"]!.AsObject(), p => p.Key == "/apis/example.com/v2/namespaces/{namespace}/widgets/{name}/scale");
        await SendAsync(200, "PATCH", Definitions + "/widgets.example.com", """
            [{"op":"replace","path":"/spec/versions/1/schema/openAPIV3Schema/description","value":"Another thing."}]
            """, "application/json-patch+json");
        var second = (string?)(await _server.GetAsync("/openapi/v3"))["paths"]!["apis/example.com/v2"]!["serverRelativeURL"];
        Assert.NotEqual(first, second);
        Assert.Equal("Another thing.", (string?)(await _server.GetAsync(second!))["components"]!["schemas"]!["com.example.v2.Widget"]!["description"]);
    }

    /// <summary>The schema says which lists are merged: two managers each own their items.</summary>
    [Fact]
    public async Task ServerSideApply_MergesBySchema_AndTellsConflicts()
    {
        const string apply = "application/apply-patch+yaml";
        await EstablishAsync(await SendAsync(201, "POST", Definitions, Definition));
        await SendAsync(201, "PATCH", V2 + "/a?fieldManager=one", Applied("""{"size":1,"parts":[{"name":"x","count":1}]}"""), apply);
        var both = await SendAsync(200, "PATCH", V2 + "/a?fieldManager=two", Applied("""{"parts":[{"name":"y","count":2}]}"""), apply);
        Assert.Equal("""[{"count":1,"name":"x"},{"count":2,"name":"y"}]""", both["spec"]!["parts"]!.ToJsonString());
        var refused = await SendAsync(409, "PATCH", V2 + "/a?fieldManager=two", Applied("""{"parts":[{"name":"x","count":5}]}"""), apply);
        Assert.Equal(".spec.parts[name=\"x\"].count", (string?)refused["details"]!["causes"]![0]!["field"]);
        var gone = await SendAsync(200, "PATCH", V2 + "/a?fieldManager=two", Applied("{}"), apply);
        Assert.Equal("""[{"count":1,"name":"x"}]""", gone["spec"]!["parts"]!.ToJsonString());
    }

    [Fact]
    public async Task ADefinitionOnItsWayOut_TakesNothingNew()
    {
        await EstablishAsync(await SendAsync(201, "POST", Definitions, Definition));
        await SendAsync(201, "POST", V1, Widget("a", """{"size":1}""", "v1"));
        var going = await SendAsync(200, "DELETE", Definitions + "/widgets.example.com");
        Assert.Equal("customresourcecleanup.apiextensions.k8s.io", (string?)going["metadata"]!["finalizers"]![0]);
        Assert.Equal(1, (int?)going["metadata"]!["generation"]); // a deletion is none of its changes (registry/customresourcedefinition: etcd.go)
        Assert.Equal("InstanceDeletionPending", (string?)going["status"]!["conditions"]!.AsArray().Single(c => (string?)c!["type"] == "Terminating")!["reason"]);
        var refused = await SendAsync(403, "POST", V1, Widget("b", """{"size":1}""", "v1"));
        Assert.Contains("create not allowed while custom resource definition is terminating", (string?)refused["message"], StringComparison.Ordinal);
        var verbs = (await _server.GetAsync("/apis/example.com/v1"))["resources"]![0]!["verbs"]!.AsArray().Select(v => (string?)v);
        Assert.Equal(["delete", "deletecollection", "get", "list", "watch"], verbs);
        await SendAsync(200, "GET", V1 + "/a");
        await SendAsync(200, "PATCH", Definitions + "/widgets.example.com", """{"metadata":{"finalizers":null}}""");
        await SendAsync(404, "GET", V1 + "/a");
    }

    [Fact]
    public async Task OurOwnDefinitions_KeepTheirSpec_AndStay()
    {
        const string ours = Definitions + "/services.serving.knative.dev";
        var made = await SendAsync(201, "POST", Definitions, """{"metadata":{"name":"services.serving.knative.dev"},"spec":{"group":"serving.knative.dev"}}""");
        Assert.Contains("Established", made["status"]!["conditions"]!.AsArray().Select(c => (string?)c!["type"]));
        Assert.Equal("Service", (string?)(await SendAsync(200, "GET", ours))["spec"]!["names"]!["kind"]);
        var (response, patched) = await _server.SendAsync(
            HttpMethod.Patch, ours, """{"metadata":{"labels":{"a":"b"}},"spec":{"scope":"Cluster"}}""", "application/merge-patch+json");
        Assert.Equal(("b", "Namespaced"), ((string?)patched["metadata"]!["labels"]!["a"], (string?)patched["spec"]!["scope"]));
        Assert.Contains("built into Serval", Assert.Single(response.Headers.GetValues("Warning")), StringComparison.Ordinal);
        Assert.Equal("Created At", (string?)(await _server.GetAsync(Definitions, Table))["columnDefinitions"]![1]!["name"]);
        await SendAsync(403, "DELETE", ours);
    }

    /// <summary>What a column asks that cannot be done costs its cell, not the table; a number too large for a whole one is the largest.</summary>
    [Fact]
    public async Task AColumn_ThatCannotBeShown_IsEmpty()
    {
        var columns = """{"name":"Odd","type":"string","jsonPath":".a..b"},{"name":"Far","type":"number","jsonPath":".spec.far"},{"name":"Whole","type":"integer","jsonPath":".spec.far"},{"name":"Color",""";
        await EstablishAsync(await SendAsync(201, "POST", Definitions, Definition.Replace("""{"name":"Color",""", columns, StringComparison.Ordinal)
            .Replace("\"size\":{", "\"far\":{\"type\":\"number\"},\"size\":{", StringComparison.Ordinal)));
        await SendAsync(201, "POST", V2, Widget("a", """{"far":1e300,"color":"red"}"""));
        var cells = (await _server.GetAsync(V2, Table))["rows"]![0]!["cells"]!.AsArray();
        Assert.Equal("a, , 1E+300, 9223372036854775807, red", string.Join(", ", cells.Take(5).Select(c => c?.ToString())));
    }

    /// <summary>A column whose path gives nothing, or something of another type, has an empty cell in its row (customresource/tableconvertor).</summary>
    [Theory]
    [InlineData("string", "{}", null)]
    [InlineData("string", """{"v":""}""", "")]
    [InlineData("string", """{"v":true}""", "true")]
    [InlineData("string", """{"v":5}""", "5")]
    [InlineData("integer", "{}", null)]
    [InlineData("integer", """{"v":7}""", "7")]
    [InlineData("integer", """{"v":7.9}""", "7")]
    [InlineData("integer", """{"v":"7"}""", null)]
    [InlineData("number", """{"v":7.5}""", "7.5")]
    [InlineData("number", """{"v":"7.5"}""", null)]
    [InlineData("boolean", "{}", null)]
    [InlineData("boolean", """{"v":false}""", "false")]
    [InlineData("boolean", """{"v":"false"}""", null)]
    [InlineData("date", "{}", null)]
    [InlineData("date", """{"v":""}""", "<unknown>")]
    [InlineData("date", """{"v":"2020-01-01"}""", "<invalid>")]
    [InlineData("date", """{"v":5}""", null)]
    public async Task AColumn_OfAValue(string type, string spec, string? shown)
    {
        var column = $$"""{"name":"V","type":"{{type}}","jsonPath":".spec.v"},{"name":"Color",""";
        await EstablishAsync(await SendAsync(201, "POST", Definitions, Definition.Replace("""{"name":"Color",""", column, StringComparison.Ordinal)
            .Replace("\"properties\":{\"size\":{\"type\":\"integer\"},\"color\":{\"type\":\"string\"},\"shape\"", "\"properties\":{\"v\":{\"x-kubernetes-preserve-unknown-fields\":true},\"size\":{\"type\":\"integer\"},\"color\":{\"type\":\"string\"},\"shape\"", StringComparison.Ordinal)));
        await SendAsync(201, "POST", V2, Widget("a", spec));
        var table = await _server.GetAsync(V2, Table);
        Assert.Equal(["Name", "V", "Color", "Size"], table["columnDefinitions"]!.AsArray().Select(c => (string?)c!["name"])); // a column without values stays
        Assert.Equal(shown, table["rows"]![0]!["cells"]![1]?.ToString());
    }

    [Fact]
    public async Task AVersionWithoutColumns_ShowsAges()
    {
        await EstablishAsync(await SendAsync(201, "POST", Definitions, Definition));
        await SendAsync(201, "POST", V1, Widget("a", """{"size":1}""", "v1"));
        var table = await _server.GetAsync(V1, Table);
        Assert.Equal("string name 0, date  0", string.Join(", ", table["columnDefinitions"]!.AsArray().Select(c => $"{c!["type"]} {c["format"]} {c["priority"]}")));
        Assert.Equal(2, table["rows"]![0]!["cells"]!.AsArray().Count);
    }

    /// <summary>Patches of <c>/scale</c>: of a custom kind three types, of a Deployment four.</summary>
    [Theory]
    [InlineData(true, "application/merge-patch+json", """{"spec":{"replicas":4}}""", 200, "4")]
    [InlineData(true, "application/json-patch+json", """[{"op":"replace","path":"/spec/replicas","value":5}]""", 200, "5")]
    [InlineData(true, "application/json-patch+json", """[{"op":"test","path":"/spec/replicas","value":9}]""", 422, "the server rejected our request due to an error in our request")]
    [InlineData(true, "application/strategic-merge-patch+json", """{"spec":{"replicas":4}}""", 415, "the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml")]
    [InlineData(true, "application/json", "{}", 415, "the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml")]
    [InlineData(true, "application/merge-patch+json", """{"spec":{"replicas":-1}}""", 422, "Widget.example.com \"a\" is invalid: .spec.size: Invalid value: -1: should be a non-negative integer")]
    [InlineData(false, "application/merge-patch+json", """{"spec":{"replicas":4}}""", 200, "4")]
    [InlineData(false, "application/json-patch+json", """[{"op":"replace","path":"/spec/replicas","value":5}]""", 200, "5")]
    [InlineData(false, "application/strategic-merge-patch+json", """{"spec":{"replicas":6}}""", 200, "6")]
    [InlineData(false, "application/merge-patch+json", """{"spec":{"replicas":-1}}""", 422, "Scale.autoscaling \"a\" is invalid: spec.replicas: Invalid value: -1: must be greater than or equal to 0")]
    public async Task Scale_IsPatched(bool isCustom, string type, string patch, int code, string expected)
    {
        const string deployments = "/apis/apps/v1/namespaces/default/deployments";
        await EstablishAsync(await SendAsync(201, "POST", Definitions, Definition));
        await SendAsync(201, "POST", V2, Widget("a", """{"size":1}"""));
        await SendAsync(201, "POST", deployments, """
            {"metadata":{"name":"a"},"spec":{"replicas":1,"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i"}]}}}}
            """);
        var answer = await SendAsync(code, "PATCH", (isCustom ? V2 : deployments) + "/a/scale", patch, type);
        Assert.Equal(expected, code == 200 ? answer["spec"]!["replicas"]!.ToJsonString() : (string?)answer["message"]);
    }

    /// <summary>One definition does not take the documents from everybody else.</summary>
    [Theory]
    [InlineData("""{"type":"array","items":{"type":"object","properties":null,"required":null,"nullable":null,"minProperties":5.0}}""")]
    [InlineData("""{"type":"object","additionalProperties":{"type":"string","description":null,"enum":null,"minLength":5.0,"maximum":1e999}}""")]
    public async Task Documents_AreServed_WhateverASchemaLeavesOut(string field)
    {
        var crd = Definition.Replace("\"shape\":{", $"\"odd\":{field},\"shape\":{{", StringComparison.Ordinal);
        var made = await SendAsync(201, "POST", Definitions, crd);
        Assert.DoesNotContain("null", made["spec"]!.ToJsonString(), StringComparison.Ordinal);
        await EstablishAsync(made);
        const string binary = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf";
        foreach (var (path, accept) in ((string, string)[])[("/openapi/v2", ""), ("/openapi/v2", binary), ("/openapi/v3/apis/example.com/v2", "")])
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, path);
            request.Headers.TryAddWithoutValidation("Accept", accept);
            using var response = await _server.Client.SendAsync(request);
            Assert.Equal((path, accept, 200), (path, accept, (int)response.StatusCode));
        }
    }

    private static string Widget(string name, string spec, string version = "v2") => $$"""{"apiVersion":"example.com/{{version}}","kind":"Widget","metadata":{"name":"{{name}}"},"spec":{{spec}} }""";

    private static string Applied(string spec) => $$"""{"apiVersion":"example.com/v2","kind":"Widget","metadata":{"name":"a"},"spec":{{spec}} }""";

    /// <summary>Does what the controller does that accepts names.</summary>
    internal static Task EstablishAsync(ApiServerFixture server, JsonObject definition)
    {
        var status = new JsonObject
        {
            ["acceptedNames"] = definition["spec"]!["names"]!.DeepClone(),
            ["conditions"] = new JsonArray(new JsonObject { ["type"] = "Established", ["status"] = "True" }),
        };
        return SendAsync(server, 200, "PATCH", $"{Definitions}/{definition["metadata"]!["name"]}/status", new JsonObject { ["status"] = status }.ToJsonString());
    }

    internal static async Task<JsonObject> SendAsync(
        ApiServerFixture server, int code, string method, string path, string? body = null, string? type = null, string accept = "application/json")
    {
        var (response, answer) = await server.SendAsync(
            new HttpMethod(method), path, body, type ?? (method == "PATCH" ? "application/merge-patch+json" : "application/json"), accept);
        Assert.True(code == (int)response.StatusCode, $"{method} {path}: {answer.ToJsonString()}");
        return answer;
    }

    private Task EstablishAsync(JsonObject definition) => EstablishAsync(_server, definition);

    private Task<JsonObject> SendAsync(int code, string method, string path, string? body = null, string? type = null) =>
        SendAsync(_server, code, method, path, body, type);
}
