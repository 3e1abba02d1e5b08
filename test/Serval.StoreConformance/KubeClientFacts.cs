using Serval.Api;
using Serval.Kube;

namespace Serval.StoreConformance;

/// <summary>
/// Facts every <see cref="IKubeClient"/> must hold, whatever keeps its objects. Derive a class, say how to open one, and all of them run.
/// </summary>
public abstract partial class KubeClientFacts : IAsyncLifetime
{
    /// <summary>A trait: on a running server, where others write and collect, these cannot hold.</summary>
    private protected const string Needs = "Needs";
    private protected const string EmptyServer = "EmptyServer";

    /// <summary>Serval promises more than Kubernetes does.</summary>
    private protected const string Serval = "Serval";

    private IKubeClient? _client;

    internal IKubeClient Client => _client ?? throw new InvalidOperationException("not opened yet");

    /// <summary>
    /// Whether an API server is between, as upstream's is: of what is gone at once it tells name and uid, and nothing is deleted in all namespaces
    /// with one request.
    /// </summary>
    protected virtual bool IsRemote => false;

    public async Task InitializeAsync()
    {
        _client = await OpenAsync();
        await Client.CreateAsync(Kinds.Namespace, Objects.Namespace("facts"), Objects.Write);
    }

    public abstract Task DisposeAsync();

    protected abstract Task<IKubeClient> OpenAsync();

    private protected async Task<IObjectCache> Cache(ResourceKind kind)
    {
        var cache = Client.Cache(kind);
        await cache.WaitForSyncAsync();
        return cache;
    }

    private protected static ObjectKey Key(string name) => new("facts", name);

    private protected Task<KubeObject> Create(KubeObject obj) =>
        Client.CreateAsync(Kinds.Find(obj.ApiVersion, obj.Kind)!, obj, Objects.Write);

    private protected WatchReader Watch(ResourceKind kind, WatchOptions options, string? ns = "facts") => new(ct => Client.WatchAsync(kind, ns, options, ct));
}
