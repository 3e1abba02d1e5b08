using Microsoft.Extensions.Logging.Abstractions;
using Serval.Api;
using Serval.ApiServer;
using Serval.ApiServer.Pipeline;
using Serval.ApiServer.Store;
using Serval.Kube.Remote;

namespace Serval.StoreConformance;

/// <summary>A store in memory behind an API server, with the namespace <c>facts</c>.</summary>
internal sealed class ServedStore : IAsyncDisposable
{
    private readonly ScratchDirectory _directory;
    private readonly SqliteStore _store;
    private readonly ApiServerHost _server;

    private ServedStore(SqliteStore store, EmbeddedKubeClient embedded, ApiServerHost server, ScratchDirectory directory) =>
        (_store, Embedded, _server, _directory) = (store, embedded, server, directory);

    public EmbeddedKubeClient Embedded { get; }

    public int Port => _server.Port;

    public ClusterAccess Access => KubeConfig.Read(_server.KubeconfigPath, "", TimeProvider.System);

    public static async Task<ServedStore> OpenAsync(StoreOptions options)
    {
        var store = await SqliteStore.OpenAsync(options);
        var embedded = new EmbeddedKubeClient(store, TimeProvider.System, NullLoggerFactory.Instance);
        await embedded.CreateAsync(Kinds.Namespace, Objects.Namespace("facts"), Objects.Write);
        var directory = new ScratchDirectory();
        return new ServedStore(store, embedded, await ApiServerHost.StartAsync(new ApiServerOptions { DataDirectory = directory.Path, Client = embedded, Port = 0 }), directory);
    }

    public static HttpKubeClient Connect(ClusterAccess access, TimeProvider time) =>
        new(access, "serval-facts/1", time, new Random(1), NullLogger<HttpKubeClient>.Instance);

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        Embedded.Dispose();
        await _store.DisposeAsync();
        _directory.Dispose();
    }
}
