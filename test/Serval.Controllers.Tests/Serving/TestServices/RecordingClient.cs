using Serval.Api;
using Serval.Kube;

namespace Serval.Controllers.Tests.Serving;

/// <summary>Passes everything on to the real pipeline, notes the writes, and can fail or delay one on its way.</summary>
internal sealed class RecordingClient(IKubeClient inner) : IKubeClient
{
    private readonly Lock _lock = new();
    private readonly List<string> _writes = [];

    /// <summary>Asked with each write, as <see cref="TakeWrites"/> shows it: what it fails with, or null.</summary>
    public Func<string, ApiException?> Failure { get; set; } = _ => null;

    /// <summary>Runs ahead of each write: what another writer does between a controller's look and its write.</summary>
    public Func<string, Task> Meanwhile { get; set; } = _ => Task.CompletedTask;

    /// <summary>Writes since the last call, for example <c>patch Route hello/status</c>.</summary>
    public IReadOnlyList<string> TakeWrites()
    {
        lock (_lock)
        {
            string[] writes = [.. _writes];
            _writes.Clear();
            return writes;
        }
    }

    public Task<KubeObject> GetAsync(ResourceKind kind, ObjectKey key, CancellationToken ct = default) => inner.GetAsync(kind, key, ct);

    public Task<KubeList> ListAsync(ResourceKind kind, string? ns, ListOptions options, CancellationToken ct = default) => inner.ListAsync(kind, ns, options, ct);

    public IAsyncEnumerable<WatchEvent> WatchAsync(ResourceKind kind, string? ns, WatchOptions options, CancellationToken ct = default) =>
        inner.WatchAsync(kind, ns, options, ct);

    public async Task<KubeObject> CreateAsync(ResourceKind kind, KubeObject obj, WriteOptions options, CancellationToken ct = default)
    {
        await NoteAsync("create", kind, obj.Metadata.Name, options.Subresource);
        return await inner.CreateAsync(kind, obj, options, ct);
    }

    public async Task<KubeObject> UpdateAsync(ResourceKind kind, KubeObject obj, WriteOptions options, CancellationToken ct = default)
    {
        await NoteAsync("update", kind, obj.Metadata.Name, options.Subresource);
        return await inner.UpdateAsync(kind, obj, options, ct);
    }

    public async Task<KubeObject> PatchAsync(ResourceKind kind, ObjectKey key, KubePatch patch, WriteOptions options, CancellationToken ct = default)
    {
        await NoteAsync("patch", kind, key.Name, options.Subresource);
        return await inner.PatchAsync(kind, key, patch, options, ct);
    }

    public async Task<KubeObject> DeleteAsync(ResourceKind kind, ObjectKey key, DeleteOptions options, CancellationToken ct = default)
    {
        await NoteAsync("delete", kind, key.Name, "");
        return await inner.DeleteAsync(kind, key, options, ct);
    }

    public Task<KubeList> DeleteCollectionAsync(ResourceKind kind, string? ns, ListOptions list, DeleteOptions options, CancellationToken ct = default) =>
        inner.DeleteCollectionAsync(kind, ns, list, options, ct);

    public IObjectCache Cache(ResourceKind kind) => inner.Cache(kind);

    private async Task NoteAsync(string verb, ResourceKind kind, string name, string subresource)
    {
        // Knative's Service and core's have one name: the former is told apart as the short name of its resource.
        var what = $"{verb} {(kind == Kinds.KService ? "KService" : kind == Kinds.KIngress ? "Ingress" : kind.Kind)} {name}{(subresource.Length == 0 ? "" : "/" + subresource)}";
        lock (_lock)
        {
            _writes.Add(what);
        }
        if (Failure(what) is { } failure)
        {
            throw failure;
        }
        await Meanwhile(what);
    }
}
