using Microsoft.Extensions.Logging.Abstractions;
using Serval.ApiServer.Pipeline;
using Serval.ApiServer.Store;
using Serval.Kube;

namespace Serval.StoreConformance;

/// <summary>The embedded client over a store in memory.</summary>
public sealed class InMemoryConformance : EmbeddedConformance
{
    protected override StoreOptions Options => new();
}

/// <summary>The embedded client over a store on disk, with so little memory of changes that watches read the log.</summary>
public sealed class OnDiskConformance : EmbeddedConformance
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("serval-store-");

    protected override StoreOptions Options => new() { Directory = _directory.FullName, RecentChanges = 4 };

    public override async Task DisposeAsync()
    {
        await base.DisposeAsync();
        _directory.Delete(recursive: true);
    }
}

/// <summary>Starts and stops an embedded store.</summary>
public abstract class EmbeddedConformance : KubeClientReadConformance
{
    private SqliteStore _store = null!;
    private IKubeClient _client = null!;

    protected abstract StoreOptions Options { get; }

    public override async Task DisposeAsync()
    {
        (_client as IDisposable)?.Dispose();
        await _store.DisposeAsync();
    }

    protected override async Task<IKubeClient> StartAsync()
    {
        _store = await SqliteStore.OpenAsync(Options);
        return _client = new EmbeddedKubeClient(_store, TimeProvider.System, NullLoggerFactory.Instance);
    }
}
