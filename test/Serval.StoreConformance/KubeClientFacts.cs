using Serval.Api;
using Serval.Kube;

namespace Serval.StoreConformance;

/// <summary>
/// Facts every <see cref="IKubeClient"/> must hold, whatever keeps its objects. Derive a class, say how to open one, and all of them run.
/// </summary>
public abstract partial class KubeClientFacts : IAsyncLifetime
{
    private IKubeClient? _client;

    internal IKubeClient Client => _client ?? throw new InvalidOperationException("not opened yet");

    public async Task InitializeAsync()
    {
        _client = await OpenAsync();
        await Client.CreateAsync(Kinds.Namespace, Objects.Namespace("facts"), Objects.Write);
    }

    public abstract Task DisposeAsync();

    protected abstract Task<IKubeClient> OpenAsync();

    private protected static ObjectKey Key(string name) => new("facts", name);

    private protected Task<KubeObject> Create(KubeObject obj) =>
        Client.CreateAsync(Kinds.Find(obj.ApiVersion, obj.Kind)!, obj, Objects.Write);

    private protected WatchReader Watch(ResourceKind kind, WatchOptions options, string? ns = "facts") => new(ct => Client.WatchAsync(kind, ns, options, ct));
}
