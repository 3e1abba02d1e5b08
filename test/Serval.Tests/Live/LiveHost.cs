using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging.Abstractions;
using Serval.Api;
using Serval.ApiServer;
using Serval.ApiServer.Pipeline;
using Serval.ApiServer.Store;
using Serval.Cli;
using Serval.Images;
using Serval.Kube;
using Serval.Tests.Remote;

namespace Serval.Tests.Live;

/// <summary>The real API server over an in-memory store, without controllers: a script plays them.</summary>
internal sealed class LiveHost : IServalHost
{
    private static readonly WriteOptions s_write = WriteOptions.By("test");
    private readonly SqliteStore _store;
    private readonly EmbeddedKubeClient _client;
    private readonly ApiServerHost _api;
    private readonly FakeGateway _gateway;

    private LiveHost(SqliteStore store, EmbeddedKubeClient client, ApiServerHost api, FakeGateway gateway, ImageStore images)
    {
        (_store, _client, _api, _gateway, Images) = (store, client, api, gateway, images);
    }

    public Uri GatewayUri => new("http://" + _gateway.Address);

    public Uri SecureGatewayUri => new("https://127.0.0.1");

    public Uri PrivateGatewayUri => GatewayUri;

    public Uri ApiUri => _api.Address;

    public string KubeconfigPath => _api.KubeconfigPath;

    public IKubeClient Client => _client;

    public ImageStore Images { get; }

    public static async Task<LiveHost> StartAsync(string dataDirectory)
    {
        Directory.CreateDirectory(dataDirectory);
        var store = await SqliteStore.OpenAsync(new StoreOptions());
        var client = new EmbeddedKubeClient(store, TimeProvider.System, NullLoggerFactory.Instance);
        await client.CreateAsync(Kinds.Namespace, KubeObject.From(new JsonObject { ["apiVersion"] = "v1", ["kind"] = "Namespace", ["metadata"] = new JsonObject { ["name"] = "default" } }), s_write);
        var api = await ApiServerHost.StartAsync(new ApiServerOptions { DataDirectory = dataDirectory, Client = client, Port = 0 });
        return new LiveHost(store, client, api, await FakeGateway.StartAsync(), new ImageStore(dataDirectory));
    }

    /// <summary>What the controllers would do for a new service: one pod, then Ready.</summary>
    public async Task ServeAsync(string name)
    {
        await foreach (var change in _client.WatchAsync(Kinds.KService, "default", new WatchOptions { FieldSelector = $"metadata.name={name}" }))
        {
            await CreatePodAsync(name);
            await MarkReadyAsync(change.Object.Key);
            return;
        }
    }

    /// <summary>Takes the service's pod away once the burst has been answered.</summary>
    public async Task ScaleToZeroAfterAsync(int requests, string name)
    {
        await _gateway.WaitForAsync(requests);
        await _client.DeleteAsync(Kinds.Pod, new ObjectKey("default", name + "-pod"), new DeleteOptions { GracePeriodSeconds = 0 });
    }

    public async ValueTask DisposeAsync()
    {
        await _api.DisposeAsync();
        await _gateway.DisposeAsync();
        _client.Dispose();
        await _store.DisposeAsync();
    }

    private Task<KubeObject> CreatePodAsync(string name) => _client.CreateAsync(Kinds.Pod, KubeObject.From((JsonObject)JsonNode.Parse($$$"""
        {"apiVersion":"v1","kind":"Pod","metadata":{"name":"{{{name}}}-pod","namespace":"default","labels":{"serving.knative.dev/service":"{{{name}}}"}},
         "spec":{"containers":[{"name":"user-container","image":"dev.local/hello"}]}}
        """)!), s_write);

    private async Task MarkReadyAsync(ObjectKey key)
    {
        var patch = $$$"""
            {"status":{"observedGeneration":1,"url":"http://{{{key.Name}}}.default.localhost","latestReadyRevisionName":"{{{key.Name}}}-00001",
             "conditions":[{"type":"Ready","status":"True"}]}}
            """;
        await _client.PatchAsync(Kinds.KService, key, new KubePatch(PatchType.Merge, System.Text.Encoding.UTF8.GetBytes(patch)), WriteOptions.By("test", "status"));
    }
}
