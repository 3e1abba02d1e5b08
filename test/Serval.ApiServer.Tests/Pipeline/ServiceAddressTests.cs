using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging.Abstractions;
using Serval.Api;
using Serval.Api.Networking;
using Serval.ApiServer.Pipeline;
using Serval.ApiServer.Store;
using Serval.Kube;

namespace Serval.ApiServer.Tests.Pipeline;

/// <summary>Addresses of Services. What is expected was answered by a kube-apiserver 1.36.2 to the same requests.</summary>
public sealed class ServiceAddressTests : IAsyncLifetime
{
    private const string Services = "/api/v1/namespaces/default/services";
    private const string Merge = "application/merge-patch+json";

    private static readonly WriteOptions s_options = WriteOptions.By("test");

    private SqliteStore _store = null!;
    private EmbeddedKubeClient _client = null!;
    private ApiServerFixture _server = null!;

    /// <summary>A spec without its braces, the field and the cause.</summary>
    public static TheoryData<string, string, string> Refused => new()
    {
        { "clusterIP:'10.9.9.9'", "spec.clusterIPs", "Invalid value: ['10.9.9.9']: failed to allocate IP 10.9.9.9: the provided network does not match the current range" },
        { "clusterIP:'10.0.0.0'", "spec.clusterIPs", "Invalid value: ['10.0.0.0']: failed to allocate IP 10.0.0.0: the provided network does not match the current range" },
        { "clusterIP:'10.0.0.1'", "spec.clusterIPs", "Invalid value: ['10.0.0.1']: failed to allocate IP 10.0.0.1: provided IP is already allocated" },
        { "clusterIP:'nope'", "spec.clusterIPs[0]", "Invalid value: 'nope': must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)" },
        { "clusterIP:'10.0.0.8',clusterIPs:['10.0.0.7']", "spec.clusterIPs", "Invalid value: ['10.0.0.7']: first value must match `clusterIP`" },
        { "clusterIPs:['10.0.0.7']", "spec.clusterIPs", "Invalid value: ['10.0.0.7']: must be empty when `clusterIP` is not specified" },
        { "clusterIP:'fd00::1'", "spec.clusterIPs[0]", "Invalid value: ['fd00::1']: IPv6 is not configured on this cluster" },
        { "ipFamilies:['IPv6']", "spec.ipFamilies[0]", "Invalid value: 'IPv6': not configured on this cluster" },
        { "ipFamilies:['IPvX']", "spec.ipFamilies[0]", "Unsupported value: 'IPvX': supported values: 'IPv4', 'IPv6'" },
        { "ipFamilyPolicy:'RequireDualStack'", "spec.ipFamilyPolicy", "Invalid value: 'RequireDualStack': this cluster is not configured for dual-stack services" },
        { "clusterIP:'10.0.0.5',clusterIPs:['10.0.0.5','fd00::5']", "spec.ipFamilyPolicy", "Invalid value: 'SingleStack': must be 'RequireDualStack' or 'PreferDualStack' when multiple cluster IPs are specified" },
        { "clusterIP:'None',clusterIPs:['None','10.0.0.5']", "spec.clusterIPs", "Invalid value: ['None','10.0.0.5']: 'None' must be the first and only value" },
        { "clusterIP:'None',type:'LoadBalancer'", "spec.clusterIPs[0]", "Invalid value: 'None': may not be set to 'None' for LoadBalancer services" },
        { "type:'ExternalName',externalName:'x.y',clusterIP:'10.0.0.6'", "spec.clusterIPs", "Forbidden: may not be set for ExternalName services" },
        { "type:'ExternalName',externalName:'x.y',ipFamilies:['IPv4']", "spec.ipFamilies", "Forbidden: may not be set for ExternalName services" },
    };

    public async Task InitializeAsync()
    {
        _store = await SqliteStore.OpenAsync(new StoreOptions());
        _client = new EmbeddedKubeClient(_store, TimeProvider.System, NullLoggerFactory.Instance);
        _server = await ApiServerFixture.StartAsync(o => o with { Client = _client });
        await _server.SendAsync(HttpMethod.Post, "/api/v1/namespaces", """{"metadata":{"name":"default"}}""");
        await PlantRangeAsync("10.0.0.0/28");
        await MakeAsync("kubernetes", "");
    }

    public async Task DisposeAsync()
    {
        await _server.DisposeAsync();
        _client.Dispose();
        await _store.DisposeAsync();
    }

    [Theory]
    [MemberData(nameof(Refused))]
    public async Task Create_WhatCannotBe_IsRefusedAndTakesNothing(string spec, string field, string message)
    {
        var (response, body) = await _server.SendAsync(HttpMethod.Post, Services, Body("a", spec));
        Assert.True((int)response.StatusCode == 422, body.ToJsonString());
        var cause = body["details"]!["causes"]![0]!;
        Assert.Equal((field, message.Replace('\'', '"')), ((string?)cause["field"], ((string?)cause["message"])!.Replace('\'', '"')));
        await FillAsync(13);
    }

    [Fact]
    public async Task Create_GivesAnAddress_ThatNoManagerOwns()
    {
        Assert.Equal("10.0.0.1", (string?)(await _server.GetAsync($"{Services}/kubernetes"))["spec"]!["clusterIP"]);
        var made = await MakeAsync("a", "");
        var address = (string?)made["spec"]!["clusterIP"];
        Assert.True(IPNetwork.Parse("10.0.0.0/28").Contains(IPAddress.Parse(address!)));
        Assert.Equal($"""["{address}"] ["IPv4"] "SingleStack" """.TrimEnd(), $"{made["spec"]!["clusterIPs"]!.ToJsonString()} {made["spec"]!["ipFamilies"]!.ToJsonString()} {made["spec"]!["ipFamilyPolicy"]!.ToJsonString()}");
        Assert.Equal(["f:internalTrafficPolicy", "f:ports", "f:sessionAffinity", "f:type"], made["metadata"]!["managedFields"]![0]!["fieldsV1"]!["f:spec"]!.AsObject().Select(f => f.Key));
    }

    [Fact]
    public async Task DryRun_ShowsTheRange_AndTakesNothing()
    {
        var (shown, body) = await _server.SendAsync(HttpMethod.Post, Services + "?dryRun=All", Body("a", ""));
        Assert.Equal((201, "10.0.0.0"), ((int)shown.StatusCode, (string?)body["spec"]!["clusterIP"]));
        var (refused, status) = await _server.SendAsync(HttpMethod.Post, Services + "?dryRun=All", Body("a", "clusterIP:'10.9.9.9'"));
        Assert.Equal(422, (int)refused.StatusCode);
        Assert.EndsWith("the provided IP (10.9.9.9) is not in the valid range. The range of valid IPs is 10.0.0.0/28", (string?)status["message"], StringComparison.Ordinal);
        await FillAsync(13);
    }

    [Fact]
    public async Task FailedWrites_GiveTheirAddressBack()
    {
        await MakeAsync("a", "");
        for (var i = 0; i < 40; i++)
        {
            var (twice, _) = await _server.SendAsync(HttpMethod.Post, Services, Body("a", ""));
            var (without, _) = await _server.SendAsync(HttpMethod.Post, Services, """{"metadata":{"name":"b"},"spec":{}}""");
            var (nowhere, _) = await _server.SendAsync(HttpMethod.Post, "/api/v1/namespaces/nowhere/services", Body("b", ""));
            Assert.Equal((409, 422, 404), ((int)twice.StatusCode, (int)without.StatusCode, (int)nowhere.StatusCode));
        }
        await FillAsync(12);
    }

    [Fact]
    public async Task Change_OfWhatWasGiven_IsRefused_AndLeavingItOutKeepsIt()
    {
        var address = (string?)(await MakeAsync("a", ""))["spec"]!["clusterIP"];
        foreach (var (patch, shown) in new[] { ("clusterIP:'10.0.0.33'", "10.0.0.33"), ("clusterIP:'10.0.0.33',clusterIPs:['10.0.0.33']", "10.0.0.33"), ("clusterIP:'None'", "None") })
        {
            var (refused, status) = await PatchAsync("a", patch);
            Assert.Equal((422, $"Service \"a\" is invalid: spec.clusterIPs[0]: Invalid value: [\"{shown}\"]: may not change once set"), (refused, (string?)status["message"]));
        }
        var (cleared, same) = await PatchAsync("a", "clusterIP:null,clusterIPs:null");
        Assert.Equal((200, address), (cleared, (string?)same["spec"]!["clusterIP"]));
        var (put, kept) = await _server.SendAsync(HttpMethod.Put, $"{Services}/a", Body("a", "sessionAffinity:'ClientIP'"));
        Assert.Equal((200, address), ((int)put.StatusCode, (string?)kept["spec"]!["clusterIP"]));
    }

    [Fact]
    public async Task ExternalName_LosesTheAddress_AndGetsOneAgain()
    {
        await MakeAsync("a", "clusterIP:'10.0.0.9'");
        var (_, without) = await PatchAsync("a", "type:'ExternalName',externalName:'q.r'");
        Assert.Equal("externalName ports sessionAffinity type", string.Join(' ', without["spec"]!.AsObject().Select(f => f.Key)));
        await MakeAsync("b", "clusterIP:'10.0.0.9'");
        var (_, again) = await PatchAsync("a", "type:'ClusterIP',externalName:null");
        Assert.NotEqual("10.0.0.9", (string?)again["spec"]!["clusterIP"]);
        Assert.NotNull(again["spec"]!["clusterIP"]);
    }

    [Fact]
    public async Task Headless_HasNone()
    {
        var made = await MakeAsync("a", "clusterIP:'None'");
        Assert.Equal("""{"clusterIP":"None","clusterIPs":["None"],"internalTrafficPolicy":"Cluster","ipFamilies":["IPv4","IPv6"],"ipFamilyPolicy":"RequireDualStack","ports":[{"port":80,"protocol":"TCP","targetPort":80}],"sessionAffinity":"None","type":"ClusterIP"}""", made["spec"]!.ToJsonString());
        Assert.Equal("""["IPv4"]""", (await MakeAsync("b", "clusterIP:'None',selector:{a:'b'}"))["spec"]!["ipFamilies"]!.ToJsonString());
    }

    [Fact]
    public async Task ManyAtOnce_NeverShareAnAddress_AndDeletionFreesIt()
    {
        for (var round = 0; round < 5; round++)
        {
            var made = await Task.WhenAll(Enumerable.Range(0, 13).Select(i => MakeAsync($"s{i}", "")));
            Assert.Equal(13, made.Select(m => (string?)m["spec"]!["clusterIP"]).Distinct().Count());
            var (full, status) = await _server.SendAsync(HttpMethod.Post, Services, Body("more", ""));
            Assert.Equal(500, (int)full.StatusCode);
            Assert.EndsWith("failed to allocate a serviceIP for Service \"more\": range is full", (string?)status["message"], StringComparison.Ordinal);
            await Task.WhenAll(Enumerable.Range(0, 13).Select(i => _server.SendAsync(HttpMethod.Delete, $"{Services}/s{i}")));
        }
    }

    [Fact]
    public async Task Range_IsForLife()
    {
        const string cidr = "/apis/networking.k8s.io/v1/servicecidrs/kubernetes";
        var (changed, status) = await _server.SendAsync(HttpMethod.Patch, cidr, """{"spec":{"cidrs":["10.1.0.0/16"]}}""", Merge);
        Assert.Equal((422, "ServiceCIDR.networking.k8s.io \"kubernetes\" is invalid: spec.cidrs[0]: Invalid value: \"10.1.0.0/16\": field is immutable"), ((int)changed.StatusCode, (string?)status["message"]));
        Assert.Equal(403, (int)(await _server.SendAsync(HttpMethod.Delete, cidr)).Response.StatusCode);
        var table = await _server.GetAsync("/apis/networking.k8s.io/v1/servicecidrs", "application/json;as=Table;g=meta.k8s.io;v=v1");
        Assert.Equal(("kubernetes", "10.0.0.0/28"), ((string?)table["rows"]![0]!["cells"]![0], (string?)table["rows"]![0]!["cells"]![1]));
    }

    /// <summary>A store of a version that gave Services no addresses: each has one when it is written next.</summary>
    [Fact]
    public Task Service_OfAnOlderStore_GetsItsAddressAtItsNextWrite() => InOlderStoreAsync(
        async client =>
        {
            Assert.Null(client.Cache(Kinds.Service).Get(new ObjectKey("default", "old0"))!.ToTree()["spec"]!["clusterIP"]);
            var next = await ChangeAsync(client, "old0", "{}");
            Assert.StartsWith("10.0.0.", (string?)next["spec"]!["clusterIP"], StringComparison.Ordinal);
        },
        _ => { },
        "");

    [Fact]
    public Task Service_OfAnOlderStore_KeepsTheAddressItNames() => InOlderStoreAsync(
        async client =>
        {
            var next = await ChangeAsync(client, "old0", """{"metadata":{"labels":{"a":"b"}}}""");
            Assert.Equal("""["10.0.0.5"]""", next["spec"]!["clusterIPs"]!.ToJsonString());
            await Assert.ThrowsAsync<ApiException>(() => ChangeAsync(client, "old0", """{"spec":{"clusterIP":"10.0.0.6"}}"""));
        },
        tree => tree["spec"]!.AsObject().Remove("clusterIPs"),
        "clusterIP:'10.0.0.5'");

    [Fact]
    public Task Service_ThatRulesRefuse_CanEnd() => InOlderStoreAsync(
        async client =>
        {
            var key = new ObjectKey("default", "old0");
            await client.CreateAsync(Kinds.Service, Object("other", "clusterIP:'10.0.0.5'"), s_options);
            await client.DeleteAsync(Kinds.Service, key, new DeleteOptions());
            var refused = await Assert.ThrowsAsync<ApiException>(() => ChangeAsync(client, "old0", """{"spec":{"ipFamilyPolicy":"SingleStack","clusterIP":"10.0.0.5"}}"""));
            Assert.Contains("10.0.0.5: provided IP is already allocated", refused.Message, StringComparison.Ordinal);
            await ChangeAsync(client, "old0", """{"metadata":{"finalizers":null}}""");
            Assert.Null(client.Cache(Kinds.Service).Get(key));
        },
        tree => (tree["spec"]!["ipFamilyPolicy"], tree["metadata"]!["finalizers"]) = ("RequireDualStack", new JsonArray("x.test/kept")),
        "");

    [Fact]
    public Task Address_OfTwo_IsFreeWhenBothAreGone() => InOlderStoreAsync(
        async client =>
        {
            foreach (var name in (string[])["old0", "old1"])
            {
                await Assert.ThrowsAsync<ApiException>(() => client.CreateAsync(Kinds.Service, Object("third", "clusterIP:'10.0.0.5'"), s_options));
                await client.DeleteAsync(Kinds.Service, new ObjectKey("default", name), new DeleteOptions());
            }
            await client.CreateAsync(Kinds.Service, Object("third", "clusterIP:'10.0.0.5'"), s_options);
        },
        _ => { },
        "clusterIP:'10.0.0.5'", "clusterIP:'10.0.0.5'");

    [Fact]
    public async Task Hold_IsOfOneWrite_NoOtherOfItsServiceEndsIt()
    {
        const string change = """{"spec":{"type":"ClusterIP","externalName":null,"clusterIP":"10.0.0.9"}}""";
        await MakeAsync("a", "type:'ExternalName',externalName:'x.y'");
        Task<JsonObject>? refused = null;
        Task<KubeObject>? third = null;
        await ChangeAsync(_client, "a", change, s_options with
        {
            Review = (_, _) =>
            {
                refused = ChangeAsync(_client, "a", change);
                third = _client.CreateAsync(Kinds.Service, Object("b", "clusterIP:'10.0.0.9'"), s_options);
            },
        });
        await Assert.ThrowsAsync<ApiException>(() => refused!);
        await Assert.ThrowsAsync<ApiException>(() => third!);
    }

    [Fact]
    public async Task WritesThatEndAnywhere_GiveTheirAddressBack()
    {
        await MakeAsync("a", "type:'ExternalName',externalName:'x.y'");
        var options = s_options with { Review = (_, _) => throw new InvalidOperationException("reviewed") };
        for (var i = 0; i < 20; i++)
        {
            await Assert.ThrowsAsync<InvalidOperationException>(() => _client.CreateAsync(Kinds.Service, Object("b", ""), options));
            await Assert.ThrowsAsync<InvalidOperationException>(() => ChangeAsync(_client, "a", """{"spec":{"type":"ClusterIP","externalName":null}}""", options));
        }
        await FillAsync(13);
    }

    /// <summary>Services stored before there was a range, as <paramref name="rewrite"/> has them: old0, old1 and so on.</summary>
    private static async Task InOlderStoreAsync(Func<EmbeddedKubeClient, Task> test, Action<JsonObject> rewrite, params string[] specs)
    {
        await using var store = await SqliteStore.OpenAsync(new StoreOptions());
        using var client = new EmbeddedKubeClient(store, TimeProvider.System, NullLoggerFactory.Instance);
        await client.CreateAsync(Kinds.Namespace, KubeObject.From(new JsonObject { ["metadata"] = new JsonObject { ["name"] = "default" } }), s_options);
        foreach (var (i, spec) in specs.Index())
        {
            var stored = await client.CreateAsync(Kinds.Service, Object($"old{i}", spec), s_options);
            var tree = stored.ToTree();
            rewrite(tree);
            await store.WriteAsync(new StoreWrite
            {
                Table = store.Table(Kinds.Service), Action = StoreAction.Replace, Key = stored.Key, Expected = stored.Version, Next = KubeObject.From(tree), Synced = false,
            });
        }
        await client.CreateAsync(Kinds.ServiceCidr, ServiceRange.Object(IPNetwork.Parse("10.0.0.0/28")), s_options);
        await test(client);
    }

    private static async Task<JsonObject> ChangeAsync(EmbeddedKubeClient client, string name, string patch, WriteOptions? options = null) =>
        (await client.PatchAsync(Kinds.Service, new ObjectKey("default", name), new KubePatch(PatchType.Merge, Encoding.UTF8.GetBytes(patch)), options ?? s_options)).ToTree();

    private static KubeObject Object(string name, string spec)
    {
        var tree = JsonNode.Parse(Body(name, spec))!.AsObject();
        tree["metadata"]!["namespace"] = "default";
        return KubeObject.From(tree);
    }

    private static string Body(string name, string spec) =>
        $$$"""{"metadata":{"name":"{{{name}}}"},"spec":{"ports":[{"port":80}]{{{(spec.Length == 0 ? "" : "," + Json(spec))}}}}}""";

    // clusterIP:'x' → "clusterIP":"x"
    private static string Json(string spec) => System.Text.RegularExpressions.Regex.Replace(spec, "([A-Za-z]+):", "\"$1\":").Replace('\'', '"').Replace("\"fd00\":", "fd00:", StringComparison.Ordinal);

    private Task PlantRangeAsync(string range) => _client.CreateAsync(Kinds.ServiceCidr, ServiceRange.Object(IPNetwork.Parse(range)), s_options);

    private async Task<JsonObject> MakeAsync(string name, string spec)
    {
        var (response, body) = await _server.SendAsync(HttpMethod.Post, Services, Body(name, spec));
        Assert.True((int)response.StatusCode == 201, body.ToJsonString());
        return body.AsObject();
    }

    private async Task<(int Code, JsonNode Body)> PatchAsync(string name, string spec)
    {
        var (response, body) = await _server.SendAsync(HttpMethod.Patch, $"{Services}/{name}", $"{{\"spec\":{{{Json(spec)}}}}}", Merge);
        return ((int)response.StatusCode, body);
    }

    /// <summary>As many addresses are free as there should be.</summary>
    private async Task FillAsync(int count)
    {
        for (var i = 0; i < count; i++)
        {
            await MakeAsync($"fill{i}", "");
        }
        Assert.Equal(500, (int)(await _server.SendAsync(HttpMethod.Post, Services, Body("full", ""))).Response.StatusCode);
    }
}
