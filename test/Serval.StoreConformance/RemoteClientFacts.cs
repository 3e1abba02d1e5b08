using Microsoft.Extensions.Logging.Abstractions;
using Serval.ApiServer;
using Serval.ApiServer.Pipeline;
using Serval.ApiServer.Store;
using Serval.Kube;
using Serval.Kube.Remote;

namespace Serval.StoreConformance;

/// <summary>The facts over HTTPS: a client with the administrator's kubeconfig, an API server, a store in memory.</summary>
public sealed class RemoteClientFacts : KubeClientFacts
{
    private readonly ScratchDirectory _directory = new();
    private SqliteStore? _store;
    private ApiServerHost? _server;
    private HttpKubeClient? _client;

    protected override bool IsRemote => true;

    public override async Task DisposeAsync()
    {
        await _client!.DisposeAsync();
        await _server!.DisposeAsync();
        await _store!.DisposeAsync();
        _directory.Dispose();
    }

    protected override async Task<IKubeClient> OpenAsync()
    {
        _store = await SqliteStore.OpenAsync(new StoreOptions());
        var embedded = new EmbeddedKubeClient(_store, TimeProvider.System, NullLoggerFactory.Instance);
        _server = await ApiServerHost.StartAsync(new ApiServerOptions { DataDirectory = _directory.Path, Client = embedded, Port = 0 });
        var access = KubeConfig.Read(_server.KubeconfigPath, "", TimeProvider.System);
        return _client = new HttpKubeClient(access, "serval-facts/1", TimeProvider.System, new Random(1), NullLogger<HttpKubeClient>.Instance);
    }
}
