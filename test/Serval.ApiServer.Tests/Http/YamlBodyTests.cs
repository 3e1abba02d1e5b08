using System.Text;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging.Abstractions;
using Serval.ApiServer.Pipeline;
using Serval.ApiServer.Store;

namespace Serval.ApiServer.Tests.Http;

/// <summary>Bodies in YAML, as upstream's API server takes them.</summary>
[Collection(Alone.Name)]
public sealed class YamlBodyTests : IAsyncLifetime
{
    private const string Maps = "/api/v1/namespaces/default/configmaps";
    private SqliteStore _store = null!;
    private EmbeddedKubeClient _client = null!;
    private ApiServerFixture _server = null!;

    public async Task InitializeAsync()
    {
        _store = await SqliteStore.OpenAsync(new StoreOptions());
        _client = new EmbeddedKubeClient(_store, TimeProvider.System, NullLoggerFactory.Instance);
        _server = await ApiServerFixture.StartAsync(o => o with { Client = _client });
        Assert.Equal(201, (await SendAsync(HttpMethod.Post, "/api/v1/namespaces", "metadata:\n  name: default\n")).Code);
    }

    public async Task DisposeAsync()
    {
        await _server.DisposeAsync();
        _client.Dispose();
        await _store.DisposeAsync();
    }

    [Fact]
    public async Task Object_IsWrittenAndDeleted()
    {
        var (created, body, _) = await SendAsync(HttpMethod.Post, Maps, "metadata: {name: a}\ndata: &d\n  text: |\n    two\n    lines\nbinaryData: {}\n");
        Assert.Equal((201, "two\nlines\n"), (created, (string?)body["data"]!["text"]));
        var (updated, after, _) = await SendAsync(HttpMethod.Put, Maps + "/a", "metadata: {name: a}\ndata:\n  text: 'yes'\n");
        Assert.Equal((200, "yes"), (updated, (string?)after["data"]!["text"]));
        var (refused, _, _) = await SendAsync(HttpMethod.Delete, Maps + "/a", "preconditions:\n  uid: other\n");
        Assert.Equal(409, refused);
        Assert.Equal(200, (await SendAsync(HttpMethod.Delete, Maps + "/a", "kind: DeleteOptions\napiVersion: v1\n")).Code);
    }

    [Fact]
    public async Task KeyThereTwice_IsJudgedByFieldValidation()
    {
        const string Twice = "metadata: {name: a}\ndata:\n  k: one\n  k: two\n";
        var (strict, refusal, _) = await SendAsync(HttpMethod.Post, Maps + "?fieldValidation=Strict", Twice);
        Assert.Equal((400, "ConfigMap in version \"v1\" cannot be handled as a ConfigMap: strict decoding error: yaml: unmarshal errors:\n  line 4: key \"k\" already set in map"), (strict, (string?)refusal["message"]));
        var (warned, stored, warnings) = await SendAsync(HttpMethod.Post, Maps, Twice);
        Assert.Equal((201, "two"), (warned, (string?)stored["data"]!["k"]));
        Assert.Contains("already set in map", Assert.Single(warnings), StringComparison.Ordinal);
        var (_, _, silent) = await SendAsync(HttpMethod.Put, Maps + "/a?fieldValidation=Ignore", Twice);
        Assert.Empty(silent);
    }

    [Fact]
    public async Task KeysThereTwice_AHundredAreTold()
    {
        var many = "metadata: {name: many}\ndata:\n" + string.Concat(Enumerable.Range(0, 150).Select(i => $"  k{i}: a\n  k{i}: b\n"));
        var (_, refusal, _) = await SendAsync(HttpMethod.Post, Maps + "?fieldValidation=Strict", many);
        Assert.Equal(100, ((string)refusal["message"]!).Split("already set in map").Length - 1);
    }

    public static TheoryData<string, string> Unfit => new()
    {
        { "malformed", "metadata: [\n" },
        { "tab", "metadata:\n\tname: a\n" },
        { "two documents", "metadata: {name: a}\n---\nmetadata: {name: b}\n" },
        { "none", "# nothing\n" },
        { "a list", "- a\n" },
        { "a truth as text", "metadata: {name: a}\ndata: {k: yes}\n" },
        { "laughs", Laughs(9) },
        { "many aliases", "a: &a [x, x, x]\nb: [" + string.Join(',', Enumerable.Repeat("*a", 100_000)) + "]\n" },
        { "a big anchor within anchors", string.Concat(Enumerable.Range(0, 100).Select(i => $"&a{i} [")) + string.Join(',', Enumerable.Repeat("x", 150_000)) + new string(']', 100) + "\n" },
        { "a long text in many places", "a: &a " + new string('x', 100_000) + "\nb: [" + string.Join(',', Enumerable.Repeat("*a", 1_000)) + "]\n" },
        { "a long key in many places", "a: &a {? " + new string('x', 100_000) + " : y}\nb: [" + string.Join(',', Enumerable.Repeat("*a", 1_000)) + "]\n" },
        { "deep", "a: " + new string('[', 10_000) + new string(']', 10_000) + "\n" },
        { "deep maps", string.Concat(Enumerable.Range(0, 1000).Select(i => new string(' ', i) + "a:\n")) },
    };

    [Theory]
    [MemberData(nameof(Unfit))]
    public async Task UnfitBody_IsRefusedInBoundedMemory(string what, string yaml)
    {
        var before = GC.GetTotalAllocatedBytes();
        var (code, body, _) = await SendAsync(HttpMethod.Post, Maps, yaml);
        var allocated = (GC.GetTotalAllocatedBytes() - before) >> 20;
        Assert.Equal(what == "none" ? (422, "Invalid") : (400, "BadRequest"), (code, (string?)body["reason"])); // none is an object without fields
        Assert.True(allocated < 200, $"{what}: {allocated} MB were allocated");
    }

    [Fact]
    public async Task BytesThatAreNotUtf8_AreRefused()
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, Maps) { Content = new ByteArrayContent([.. "metadata: {name: "u8, 0xFF, .. "}"u8]) };
        request.Content.Headers.TryAddWithoutValidation("Content-Type", "application/yaml");
        using var response = await _server.Client.SendAsync(request);
        Assert.Equal(400, (int)response.StatusCode);
    }

    private static string Laughs(int levels) => "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n" + string.Concat(
        Enumerable.Range(1, levels).Select(i => $"a{i}: &a{i} [{string.Join(',', Enumerable.Repeat($"*a{i - 1}", 10))}]\n"));

    private async Task<(int Code, JsonObject Body, IReadOnlyList<string> Warnings)> SendAsync(HttpMethod method, string path, string yaml)
    {
        using var request = new HttpRequestMessage(method, path) { Content = new StringContent(yaml, Encoding.UTF8, "application/yaml") };
        using var response = await _server.Client.SendAsync(request);
        var body = JsonNode.Parse(await response.Content.ReadAsStringAsync())!.AsObject();
        return ((int)response.StatusCode, body, response.Headers.TryGetValues("Warning", out var warnings) ? [.. warnings] : []);
    }
}
