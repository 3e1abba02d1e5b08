using Microsoft.Extensions.Logging.Abstractions;
using Serval.ApiServer.Pipeline;
using Serval.ApiServer.Store;
using Serval.Kube;

namespace Serval.StoreConformance;

/// <summary>The facts over the embedded store, on disk.</summary>
public sealed class EmbeddedClientFacts : StoreClientFacts
{
    private readonly ScratchDirectory _directory = new();
    private SqliteStore? _store;

    public override async Task DisposeAsync()
    {
        await _store!.DisposeAsync();
        _directory.Dispose();
    }

    protected override async Task<IKubeClient> OpenAsync()
    {
        _store = await SqliteStore.OpenAsync(new StoreOptions { Directory = _directory.Path });
        return new EmbeddedKubeClient(_store, TimeProvider.System, NullLoggerFactory.Instance);
    }
}

/// <summary>The facts over the embedded store in memory, where every watch that resumes must read the change table.</summary>
public sealed class MemoryClientFacts : StoreClientFacts
{
    private SqliteStore? _store;

    public override async Task DisposeAsync() => await _store!.DisposeAsync();

    protected override async Task<IKubeClient> OpenAsync()
    {
        _store = await SqliteStore.OpenAsync(new StoreOptions { RecentChanges = 1 });
        return new EmbeddedKubeClient(_store, TimeProvider.System, NullLoggerFactory.Instance);
    }
}
