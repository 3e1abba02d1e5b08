using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Schema;
using Serval.ApiServer.Http;
using Serval.ApiServer.Selectors;
using Serval.Kube;

namespace Serval.ApiServer.Discovery;

/// <summary>
/// The CustomResourceDefinitions of Serval's own kinds, read-only; every other kind is the inner client's. Clients that look for a CRD before
/// they use its kind find it, established.
/// </summary>
internal sealed class PublishedDefinitions(IKubeClient inner, DateTimeOffset since) : IKubeClient
{
    private const long Version = 1; // they never change while the server runs

    private readonly Lazy<IReadOnlyList<KubeObject>> _definitions =
        new(() => [.. Kinds.All.Where(k => k.IsCustom).Select(k => Publish(k, since)).OrderBy(d => d.Metadata.Name, StringComparer.Ordinal)]);

    public Task<KubeObject> GetAsync(ResourceKind kind, ObjectKey key, CancellationToken ct = default) =>
        IsOurs(kind) ? Task.FromResult(Find(kind, key)) : inner.GetAsync(kind, key, ct);

    public Task<KubeList> ListAsync(ResourceKind kind, string? ns, ListOptions options, CancellationToken ct = default) =>
        IsOurs(kind)
            ? Task.FromResult(new KubeList(Version, [.. Select(options.LabelSelector, options.FieldSelector)]))
            : inner.ListAsync(kind, ns, options, ct);

    public IAsyncEnumerable<WatchEvent> WatchAsync(ResourceKind kind, string? ns, WatchOptions options, CancellationToken ct = default) =>
        IsOurs(kind) ? WatchOwnAsync(options, ct) : inner.WatchAsync(kind, ns, options, ct);

    public Task<KubeObject> CreateAsync(ResourceKind kind, KubeObject obj, WriteOptions options, CancellationToken ct = default) =>
        inner.CreateAsync(Writable(kind), obj, options, ct);

    public Task<KubeObject> UpdateAsync(ResourceKind kind, KubeObject obj, WriteOptions options, CancellationToken ct = default) =>
        inner.UpdateAsync(Writable(kind), obj, options, ct);

    public Task<KubeObject> PatchAsync(ResourceKind kind, ObjectKey key, KubePatch patch, WriteOptions options, CancellationToken ct = default) =>
        inner.PatchAsync(Writable(kind), key, patch, options, ct);

    public Task<KubeObject> DeleteAsync(ResourceKind kind, ObjectKey key, DeleteOptions options, CancellationToken ct = default) =>
        inner.DeleteAsync(Writable(kind), key, options, ct);

    public Task<KubeList> DeleteCollectionAsync(
        ResourceKind kind, string? ns, ListOptions list, DeleteOptions options, CancellationToken ct = default) =>
        inner.DeleteCollectionAsync(Writable(kind), ns, list, options, ct);

    public IObjectCache Cache(ResourceKind kind) => inner.Cache(kind);

    public IKindSource ServedKinds => inner.ServedKinds;

    private static bool IsOurs(ResourceKind kind) => ServedKind.IsReadOnly(kind);

    private static ResourceKind Writable(ResourceKind kind) => IsOurs(kind) ? throw Failures.ReadOnlyKind(kind) : kind;

    private KubeObject Find(ResourceKind kind, ObjectKey key) =>
        _definitions.Value.FirstOrDefault(d => d.Key == key) ?? throw ApiException.NotFound(kind, key.Name);

    private IEnumerable<KubeObject> Select(string labels, string fields)
    {
        var filter = ObjectFilter.Parse(null, labels, fields);
        return _definitions.Value.Where(filter.Matches);
    }

    private async IAsyncEnumerable<WatchEvent> WatchOwnAsync(WatchOptions options, [EnumeratorCancellation] CancellationToken ct)
    {
        if (options is { ResourceVersion: "" or "0", SkipPresent: false })
        {
            foreach (var definition in Select(options.LabelSelector, options.FieldSelector))
            {
                yield return new WatchEvent(WatchEventType.Added, definition);
            }
        }
        if (options.AllowBookmarks)
        {
            yield return new WatchEvent(WatchEventType.Bookmark, Bookmark());
        }
        await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, ct);
    }

    private static KubeObject Bookmark() => KubeObject.From(new JsonObject
    {
        ["apiVersion"] = Kinds.CustomResourceDefinition.ApiVersion,
        ["kind"] = Kinds.CustomResourceDefinition.Kind,
        ["metadata"] = new JsonObject { ["resourceVersion"] = $"{Version}" },
    });

    private static KubeObject Publish(ResourceKind kind, DateTimeOffset since) => CrdGenerator.For(kind, since).With(tree =>
    {
        var metadata = tree.Below("metadata");
        metadata["creationTimestamp"] = KubeTime.Text(since);
        metadata["generation"] = 1;
        metadata["resourceVersion"] = $"{Version}";
        metadata["uid"] = new Guid(SHA256.HashData(Encoding.UTF8.GetBytes(kind.ResourceName)).AsSpan(0, 16)).ToString();
    });
}
