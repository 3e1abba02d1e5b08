using Microsoft.Extensions.Logging.Abstractions;
using Serval.Api;
using Serval.ApiServer.Pipeline;
using Serval.ApiServer.Store;
using Serval.Kube;

namespace Serval.StoreConformance;

/// <summary>A store with its client, and the namespace the tests write to.</summary>
internal sealed class OpenedStore(SqliteStore store) : IAsyncDisposable
{
    public SqliteStore Store { get; } = store;

    public EmbeddedKubeClient Client { get; } = new(store, store.Options.TimeProvider, NullLoggerFactory.Instance);

    public static async Task<OpenedStore> OpenAsync(StoreOptions options)
    {
        var opened = new OpenedStore(await SqliteStore.OpenAsync(options));
        if (opened.Client.Cache(Kinds.Namespace).Get(ObjectKey.Cluster("facts")) is null)
        {
            await opened.Client.CreateAsync(Kinds.Namespace, Objects.Namespace("facts"), Objects.Write);
        }
        return opened;
    }

    public Task<KubeObject> Create(string name, string value = "v") => Client.CreateAsync(Kinds.ConfigMap, Objects.ConfigMap(name, value), Objects.Write);

    /// <summary>Creates or changes a ConfigMap.</summary>
    public async Task<KubeObject> Touch(string name, string value) => Client.Cache(Kinds.ConfigMap).Get(new ObjectKey("facts", name)) is null
        ? await Create(name, value)
        : await Client.UpdateAsync(Kinds.ConfigMap, Objects.ConfigMap(name, value), Objects.Write);

    public WatchReader Watch(long? after, string fields = "", string labels = "") => new(ct => Client.WatchAsync(Kinds.ConfigMap, "facts",
        new WatchOptions { ResourceVersion = after is { } v ? $"{v}" : "", FieldSelector = fields, LabelSelector = labels }, ct));

    public ValueTask DisposeAsync() => Store.DisposeAsync();
}
