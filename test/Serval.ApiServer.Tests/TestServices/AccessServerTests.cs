using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging.Abstractions;
using Serval.Api;
using Serval.Api.Access;
using Serval.ApiServer.Pipeline;
using Serval.ApiServer.Store;
using Serval.Kube;

namespace Serval.ApiServer.Tests;

/// <summary>A server over the real store, with the roles every cluster has and two namespaces.</summary>
public abstract class AccessServerTests : IAsyncLifetime
{
    protected const string Rbac = "/apis/rbac.authorization.k8s.io/v1";

    private SqliteStore _store = null!;
    private EmbeddedKubeClient _client = null!;

    protected IKubeClient Client => _client;

    internal ApiServerFixture Server { get; private set; } = null!; // set before any test

    public async Task InitializeAsync()
    {
        _store = await SqliteStore.OpenAsync(new StoreOptions());
        _client = new EmbeddedKubeClient(_store, TimeProvider.System, NullLoggerFactory.Instance);
        foreach (var role in BootstrapRoles.ClusterRoles())
        {
            await _client.CreateAsync(AccessKinds.ClusterRole, role, WriteOptions.By("test"));
        }
        foreach (var binding in BootstrapRoles.ClusterRoleBindings())
        {
            await _client.CreateAsync(AccessKinds.ClusterRoleBinding, binding, WriteOptions.By("test"));
        }
        Server = await ApiServerFixture.StartAsync(o => o with { Client = _client });
        await AdminAsync("/api/v1/namespaces", """{"metadata":{"name":"one"}}""");
        await AdminAsync("/api/v1/namespaces", """{"metadata":{"name":"two"}}""");
    }

    public async Task DisposeAsync()
    {
        await Server.DisposeAsync();
        _client.Dispose();
        await _store.DisposeAsync();
    }

    protected async Task BindAsync(string ns, string role, string kind, string name, string roleKind = "ClusterRole") =>
        await AdminAsync($"{Rbac}/namespaces/{ns}/rolebindings", $$"""
            {"metadata":{"name":"{{role}}-{{name}}"},"roleRef":{"kind":"{{roleKind}}","name":"{{role}}"},"subjects":[{"kind":"{{kind}}","name":"{{name}}"}]}
            """);

    protected async Task<JsonObject> AdminAsync(string path, string body)
    {
        var (response, answer) = await Server.SendAsync(HttpMethod.Post, path, body);
        Assert.True(response.StatusCode == HttpStatusCode.Created, answer.ToJsonString());
        return answer;
    }

    protected static async Task<(int Code, JsonNode? Body)> SendAsync(HttpClient client, string method, string path, string? body = null, string type = "application/json")
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path) { Content = body is null ? null : Json(body, type) };
        using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        var watches = path.Contains("watch=true", StringComparison.Ordinal) && response.IsSuccessStatusCode;
        return ((int)response.StatusCode, watches ? null : JsonNode.Parse(await response.Content.ReadAsStringAsync()));
    }

    protected static StringContent Json(string body, string type = "application/json") => new(body, Encoding.UTF8, type);
}
