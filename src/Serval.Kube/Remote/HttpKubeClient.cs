using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;
using Serval.Api;

namespace Serval.Kube.Remote;

/// <summary>
/// The waist over HTTPS: any Kubernetes API server. Watches go on over the ends of connections; lists without a limit come in pages. Who asks is
/// what the credentials say: <see cref="WriteOptions.User"/> is the server's matter, and <see cref="WriteOptions.Durability"/> is heard by Serval's own.
/// </summary>
public sealed class HttpKubeClient : IKubeClient, IAsyncDisposable
{
    private const int PageSize = 500;
    private const int MostNames = 8; // as the server tries (registry: maxNameGenerationCreateAttempts)
    private static readonly (int Least, int Most) s_watchSeconds = (300, 600); // so that watches do not end all at once

    private readonly Transport _transport;
    private readonly TimeProvider _time;
    private readonly Jitter _jitter;
    private readonly ILogger _logger;
    private readonly ConcurrentDictionary<ResourceKind, Lazy<Informer>> _caches = [];
    private readonly ConcurrentDictionary<ResourceKind, string> _selectors = []; // of caches that hold some objects only
    private readonly Lazy<(KindRegistry Kinds, DefinedKinds Feed)> _kinds;
    private readonly ConcurrentBag<Task> _followed = [];
    private readonly CancellationTokenSource _stop = new();

    /// <param name="access">The server.</param>
    /// <param name="userAgent"><c>name/version</c>; the name is the manager of writes that name none.</param>
    /// <param name="time">The clock.</param>
    /// <param name="random">Jitter of back-off; nobody else may use it.</param>
    /// <param name="logger">Hears of what cannot be followed.</param>
    public HttpKubeClient(ClusterAccess access, string userAgent, TimeProvider time, Random random, ILogger<HttpKubeClient> logger)
    {
        (_time, _jitter, _logger) = (time, new Jitter(random), logger);
        _transport = new Transport(access, userAgent, time, _jitter);
        _kinds = new Lazy<(KindRegistry, DefinedKinds)>(FollowKinds);
    }

    /// <summary>The built-in kinds and those of CustomResourceDefinitions, which are followed from the first question on.</summary>
    public IKindSource ServedKinds => _kinds.Value.Kinds;

    /// <summary>Completes Knative's objects as they are read, where the server does not; set before anything is.</summary>
    public KnativeRules? Rules { get; set; }

    public Task WaitForKindsAsync(CancellationToken ct = default)
    {
        _ = _kinds.Value;
        return Cache(Kinds.CustomResourceDefinition).WaitForSyncAsync(ct);
    }

    public async ValueTask DisposeAsync()
    {
        if (_kinds.IsValueCreated)
        {
            _kinds.Value.Feed.Dispose();
        }
        await _stop.CancelAsync();
        await Task.WhenAll(_followed);
        _transport.Dispose();
        _stop.Dispose();
    }

    public async Task<KubeObject> GetAsync(ResourceKind kind, ObjectKey key, CancellationToken ct = default) =>
        Complete(kind, WireObjects.Object(await _transport.SendAsync(HttpMethod.Get, RequestPaths.Object(kind, key), ct)));

    public async Task<KubeList> ListAsync(ResourceKind kind, string? ns, ListOptions options, CancellationToken ct = default)
    {
        if (options.Limit > 0 || options.Continue.Length > 0)
        {
            return await PageAsync(kind, ns, options, ct);
        }
        var items = new List<KubeObject>();
        var page = options with { Limit = PageSize };
        try
        {
            while (true)
            {
                var list = await PageAsync(kind, ns, page, ct);
                items.AddRange(list.Items);
                if (list.Continue.Length == 0)
                {
                    return list with { Items = items };
                }
                page = page with { Continue = list.Continue };
            }
        }
        catch (ApiException e) when (e.Code == 410 && page.Continue.Length > 0)
        {
            return await PageAsync(kind, ns, options, ct); // the point the pages share is gone: all at once (client-go: tools/pager)
        }
    }

    public async IAsyncEnumerable<WatchEvent> WatchAsync(
        ResourceKind kind, string? ns, WatchOptions options, [EnumeratorCancellation] CancellationToken ct = default)
    {
        var version = options.ResourceVersion;
        if (version is "" or "0")
        {
            var selected = new ListOptions { LabelSelector = options.LabelSelector, FieldSelector = options.FieldSelector, Limit = options.SkipPresent ? 1 : 0 };
            var list = await ListAsync(kind, ns, selected, ct);
            version = $"{list.ResourceVersion}";
            foreach (var item in options.SkipPresent ? [] : list.Items)
            {
                yield return new WatchEvent(WatchEventType.Added, item);
            }
            if (options.AllowBookmarks)
            {
                yield return new WatchEvent(WatchEventType.Bookmark, Bookmark(kind, version));
            }
        }
        var pace = new WatchPace(_time, _jitter);
        while (true)
        {
            pace.Begin();
            var failed = false;
            await using (var stream = await OpenAsync(kind, ns, options, version, ct))
            {
                failed = stream is null;
                while (stream is not null && await stream.NextAsync(ct) is { } next)
                {
                    version = next.Object.Metadata.ResourceVersion;
                    if (next.Type != WatchEventType.Bookmark || options.AllowBookmarks)
                    {
                        yield return next.Type == WatchEventType.Bookmark ? next : next with { Object = Complete(kind, next.Object) };
                    }
                }
            }
            await pace.EndAsync(failed, ct);
        }
    }

    public async Task<KubeObject> CreateAsync(ResourceKind kind, KubeObject obj, WriteOptions options, CancellationToken ct = default)
    {
        if (obj.Metadata is { Name.Length: 0, GenerateName.Length: > 0 })
        {
            return await CreateNamedAsync(kind, obj, options, ct);
        }
        var path = options.Subresource.Length > 0 ? RequestPaths.Object(kind, obj.Key, options.Subresource) : RequestPaths.Collection(kind, obj.Metadata.Namespace);
        var answer = await WriteAsync(kind, HttpMethod.Post, path, obj.Json, "application/json", options, ct);
        // A binding is answered so: the caller finds what it did all the same.
        return answer.Kind == "Status" && options.Subresource.Length > 0 ? await SeenAsync(kind, await GetAsync(kind, obj.Key, ct), options, ct) : answer;
    }

    public Task<KubeObject> UpdateAsync(ResourceKind kind, KubeObject obj, WriteOptions options, CancellationToken ct = default) =>
        WriteAsync(kind, HttpMethod.Put, RequestPaths.Object(kind, obj.Key, options.Subresource), obj.Json, "application/json", options, ct);

    public Task<KubeObject> PatchAsync(ResourceKind kind, ObjectKey key, KubePatch patch, WriteOptions options, CancellationToken ct = default) =>
        WriteAsync(kind, HttpMethod.Patch, RequestPaths.Object(kind, key, options.Subresource), patch.Body, MediaType(patch.Type), options, ct);

    public async Task<KubeObject> DeleteAsync(ResourceKind kind, ObjectKey key, DeleteOptions options, CancellationToken ct = default)
    {
        var answer = WireObjects.Object(await _transport.SendAsync(HttpMethod.Delete, RequestPaths.Object(kind, key), ct, Body(options)));
        var (gone, last) = answer.Kind == "Status" ? (true, Gone(kind, key, answer)) : (Informer.IsGone(answer) || !answer.Metadata.IsDeleting, answer);
        if (!options.DryRun && Followed(kind) is { } cache)
        {
            await (gone ? cache.DeletedAsync(key, last.Metadata.Uid, ct) : cache.WroteAsync(last, ct));
        }
        return last;
    }

    public async Task<KubeList> DeleteCollectionAsync(ResourceKind kind, string? ns, ListOptions list, DeleteOptions options, CancellationToken ct = default)
    {
        var gone = WireObjects.List(kind, await _transport.SendAsync(HttpMethod.Delete, RequestPaths.With(RequestPaths.Collection(kind, ns), list), ct, Body(options)));
        if (!options.DryRun && Followed(kind) is { } cache)
        {
            await cache.ListAsync(ct); // which of them only were marked, the answer of upstream's server does not tell
        }
        return gone;
    }

    /// <remarks>That of a kind whose CustomResourceDefinition has gone is empty and stays so.</remarks>
    public IObjectCache Cache(ResourceKind kind) => IsGone(kind)
        ? Ended(new Informer(this, kind, _time, _jitter, _logger))
        : _caches.GetOrAdd(kind.StoredAs, k => new Lazy<Informer>(() => Follow(k))).Value;

    /// <summary>Has the cache of a kind hold the objects of a field selector alone. Said before it is asked for; this process writes no others.</summary>
    public void Select(ResourceKind kind, string fieldSelector) => _selectors[kind.StoredAs] = fieldSelector;

    private Informer Follow(ResourceKind kind)
    {
        var informer = new Informer(this, kind, _time, _jitter, _logger, _selectors.GetValueOrDefault(kind, ""));
        _followed.Add(Task.Run(() => informer.RunAsync(_stop.Token)));
        return informer;
    }

    private Informer? Followed(ResourceKind kind) => _caches.TryGetValue(kind.StoredAs, out var cache) ? cache.Value : null;

    private (KindRegistry Kinds, DefinedKinds Feed) FollowKinds()
    {
        var kinds = new KindRegistry();
        kinds.Changed += _ => EndOthers(kinds.Resources);
        return (kinds, new DefinedKinds(kinds, Cache(Kinds.CustomResourceDefinition).Subscribe, _logger));
    }

    // Before anybody else hears of the change: whoever follows the kind when it comes again gets a new cache.
    private void EndOthers(IReadOnlyList<ResourceKind> present)
    {
        foreach (var kind in _caches.Keys.Where(k => k.Shape is not null).Except(present))
        {
            if (_caches.TryRemove(kind, out var cache))
            {
                Ended(cache.Value);
            }
        }
    }

    private bool IsGone(ResourceKind kind) => kind.Shape is not null && _kinds.IsValueCreated && !_kinds.Value.Kinds.Resources.Contains(kind.StoredAs);

    private static Informer Ended(Informer informer)
    {
        informer.End();
        return informer;
    }

    /// <summary>
    /// The name is chosen here, so that the same can be asked again when the answer is lost: what is there then is what the first one made. Whoever
    /// asks for another name instead makes a second object, a second run of a Job.
    /// </summary>
    private async Task<KubeObject> CreateNamedAsync(ResourceKind kind, KubeObject obj, WriteOptions options, CancellationToken ct)
    {
        for (var attempt = 1; ; attempt++)
        {
            var named = obj.With(tree => tree["metadata"]!["name"] = GeneratedName.Of(obj.Metadata.GenerateName));
            var isLost = false;
            try
            {
                return await WriteAsync(
                    kind, HttpMethod.Post, RequestPaths.Collection(kind, named.Metadata.Namespace), named.Json, "application/json", options, ct, () => isLost = true);
            }
            catch (ApiException e) when (e.IsAlreadyExists && isLost)
            {
                return await SeenAsync(kind, await GetAsync(kind, named.Key, ct), options, ct);
            }
            catch (ApiException e) when (e.IsAlreadyExists && attempt < MostNames)
            {
                // Another one has it.
            }
        }
    }

    private async Task<KubeObject> WriteAsync(
        ResourceKind kind, HttpMethod method, string path, ReadOnlyMemory<byte> body, string type, WriteOptions options, CancellationToken ct, Action? lost = null) =>
        await SeenAsync(kind, Complete(kind, WireObjects.Object(await _transport.SendAsync(method, RequestPaths.With(path, options), ct, body, type, options, lost))), options, ct);

    // Reads see it from here on.
    private async Task<KubeObject> SeenAsync(ResourceKind kind, KubeObject stored, WriteOptions options, CancellationToken ct)
    {
        if (!options.DryRun && Followed(kind) is { } cache)
        {
            await (stored.Kind == kind.Kind ? cache.WroteAsync(stored, ct) : cache.ReachedAsync(stored.Key, stored.Version, ct));
        }
        return stored;
    }

    private async Task<KubeList> PageAsync(ResourceKind kind, string? ns, ListOptions options, CancellationToken ct)
    {
        var page = WireObjects.List(kind, await _transport.SendAsync(HttpMethod.Get, RequestPaths.With(RequestPaths.Collection(kind, ns), options), ct));
        return Rules is null ? page : page with { Items = [.. page.Items.Select(o => Complete(kind, o))] };
    }

    private KubeObject Complete(ResourceKind kind, KubeObject obj) => Rules is null ? obj : KnativeRules.Complete(kind, obj);

    // Null: no server, or one that cannot for now.
    private async Task<WatchStream?> OpenAsync(ResourceKind kind, string? ns, WatchOptions options, string version, CancellationToken ct)
    {
        var path = RequestPaths.With(
            RequestPaths.Collection(kind, ns), ("watch", "true"), ("allowWatchBookmarks", "true"), ("resourceVersion", version),
            ("timeoutSeconds", $"{_jitter.Between(s_watchSeconds.Least, s_watchSeconds.Most)}"), ("labelSelector", options.LabelSelector), ("fieldSelector", options.FieldSelector));
        try
        {
            return await WatchStream.OpenAsync(_transport, path, ct);
        }
        catch (ApiException e) when (e.Code is 429 or >= 500)
        {
            return null;
        }
    }

    private static string MediaType(PatchType type) => type switch
    {
        PatchType.Json => "application/json-patch+json",
        PatchType.Merge => "application/merge-patch+json",
        PatchType.StrategicMerge => "application/strategic-merge-patch+json",
        PatchType.Apply => "application/apply-patch+yaml", // JSON is YAML
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "not a patch of Kubernetes"),
    };

    private static byte[] Body(DeleteOptions options)
    {
        var body = new JsonObject { ["kind"] = "DeleteOptions", ["apiVersion"] = "v1" };
        if (options.PropagationPolicy.Length > 0)
        {
            body["propagationPolicy"] = options.PropagationPolicy;
        }
        if (options.GracePeriodSeconds is { } grace)
        {
            body["gracePeriodSeconds"] = grace;
        }
        if (options.DryRun)
        {
            body["dryRun"] = new JsonArray("All");
        }
        var preconditions = new JsonObject();
        if (options.Uid.Length > 0)
        {
            preconditions["uid"] = options.Uid;
        }
        if (options.ResourceVersion.Length > 0)
        {
            preconditions["resourceVersion"] = options.ResourceVersion;
        }
        if (preconditions.Count > 0)
        {
            body["preconditions"] = preconditions;
        }
        return Encoding.UTF8.GetBytes(body.ToJsonString());
    }

    private static KubeObject Gone(ResourceKind kind, ObjectKey key, KubeObject status)
    {
        var metadata = new JsonObject { ["name"] = key.Name, ["namespace"] = key.Namespace };
        if ((string?)status.ToTree()["details"]?["uid"] is { } uid)
        {
            metadata["uid"] = uid;
        }
        return KubeObject.From(new JsonObject { ["apiVersion"] = kind.ApiVersion, ["kind"] = kind.Kind, ["metadata"] = metadata });
    }

    private static KubeObject Bookmark(ResourceKind kind, string version) => KubeObject.From(new JsonObject
    {
        ["apiVersion"] = kind.ApiVersion, ["kind"] = kind.Kind, ["metadata"] = new JsonObject { ["resourceVersion"] = version },
    });
}
