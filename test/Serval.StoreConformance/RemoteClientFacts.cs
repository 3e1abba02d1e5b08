using Microsoft.Extensions.Logging.Abstractions;
using Serval.Api;
using Serval.ApiServer;
using Serval.ApiServer.Pipeline;
using Serval.ApiServer.Store;
using Serval.Kube;
using Serval.Kube.Remote;

namespace Serval.StoreConformance;

/// <summary>
/// The facts over HTTPS: a client with a kubeconfig, and an API server over a store in memory; or, by hand, the running server that
/// <c>SERVAL_TEST_KUBECONFIG</c> names (docs/testing.md).
/// </summary>
public sealed class RemoteClientFacts : KubeClientFacts
{
    private static readonly string? s_given = Environment.GetEnvironmentVariable("SERVAL_TEST_KUBECONFIG");

    private readonly ScratchDirectory _directory = new();
    private SqliteStore? _store;
    private ApiServerHost? _server;
    private HttpKubeClient? _client;

    protected override bool IsRemote => true;

    public override async Task DisposeAsync()
    {
        if (s_given is not null)
        {
            await ClearAsync("facts", "other", "early", "short");
        }
        await _client!.DisposeAsync();
        if (_server is not null)
        {
            await _server.DisposeAsync();
            await _store!.DisposeAsync();
        }
        _directory.Dispose();
    }

    protected override async Task<IKubeClient> OpenAsync()
    {
        if (s_given is null)
        {
            _store = await SqliteStore.OpenAsync(new StoreOptions());
            var embedded = new EmbeddedKubeClient(_store, TimeProvider.System, NullLoggerFactory.Instance);
            _server = await ApiServerHost.StartAsync(new ApiServerOptions { DataDirectory = _directory.Path, Client = embedded, Port = 0 });
        }
        var access = KubeConfig.Read(s_given ?? _server!.KubeconfigPath, "", TimeProvider.System);
        return _client = new HttpKubeClient(access, "serval-facts/1", TimeProvider.System, new Random(1), NullLogger<HttpKubeClient>.Instance);
    }

    // A running server is left as it was found.
    private async Task ClearAsync(params string[] namespaces)
    {
        foreach (var name in namespaces)
        {
            try
            {
                await _client!.DeleteAsync(Kinds.Namespace, ObjectKey.Cluster(name), DeleteOptions.Background);
            }
            catch (ApiException e) when (e.IsNotFound || e.IsConflict)
            {
                continue;
            }
        }
        var cache = _client!.Cache(Kinds.Namespace);
        await cache.WaitForSyncAsync();
        var kinds = ((ResourceKind[])[Kinds.Pod, Kinds.Deployment, Kinds.ConfigMap, Kinds.Secret]).Select(_client.Cache).ToList();
        await Task.WhenAll(kinds.Select(k => k.WaitForSyncAsync()));
        while (namespaces.Any(n => cache.Get(ObjectKey.Cluster(n)) is not null))
        {
            // On nodes that are none, and with finalizers of nobody's: whoever empties namespaces waits for them.
            KubeObject[] held = [];
            await Testing.Poll.UntilAsync(() => namespaces.All(n => cache.Get(ObjectKey.Cluster(n)) is null)
                || (held = [.. kinds.SelectMany(k => k.List()).Where(o => namespaces.Contains(o.Metadata.Namespace) && o.Metadata.IsDeleting)]).Length > 0);
            foreach (var obj in held)
            {
                await FreeAsync(Kinds.Find(obj.ApiVersion, obj.Kind)!, obj);
            }
        }
    }

    private async Task FreeAsync(ResourceKind kind, KubeObject held)
    {
        try
        {
            await _client!.PatchAsync(kind, held.Key, Objects.Merge("""{"metadata":{"finalizers":null}}"""), Objects.Write);
            await _client.DeleteAsync(kind, held.Key, new DeleteOptions { GracePeriodSeconds = 0 });
        }
        catch (ApiException e) when (e.IsNotFound)
        {
            return;
        }
    }
}
