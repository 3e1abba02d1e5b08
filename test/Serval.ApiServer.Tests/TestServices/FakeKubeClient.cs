using System.Runtime.CompilerServices;
using System.Text.Json.Nodes;
using System.Threading.Channels;
using Serval.Api;
using Serval.Kube;

namespace Serval.ApiServer.Tests;

/// <summary>Objects in a dictionary: enough of <see cref="IKubeClient"/> to stand behind the HTTPS face.</summary>
internal sealed class FakeKubeClient(TimeProvider clock) : IKubeClient
{
    private readonly Lock _lock = new();
    private readonly SortedDictionary<string, KubeObject> _objects = new(StringComparer.Ordinal);
    private readonly List<(ResourceKind Kind, Channel<WatchEvent> Channel)> _watches = [];
    private long _version;

    /// <summary>Thrown by the next call.</summary>
    public Exception? Fails { get; set; }

    /// <summary>Thrown by updates while set.</summary>
    public ApiException? UpdateFailure { get; set; }

    /// <summary>The options of the last write.</summary>
    public WriteOptions? LastWrite { get; private set; }

    public DeleteOptions? LastDelete { get; private set; }

    public KubePatch? LastPatch { get; private set; }

    public int OpenWatches
    {
        get
        {
            lock (_lock)
            {
                return _watches.Count;
            }
        }
    }

    public Task<KubeObject> GetAsync(ResourceKind kind, ObjectKey key, CancellationToken ct = default)
    {
        Fail();
        lock (_lock)
        {
            return Task.FromResult(Find(kind, key));
        }
    }

    public Task<KubeList> ListAsync(ResourceKind kind, string? ns, ListOptions options, CancellationToken ct = default)
    {
        Fail();
        lock (_lock)
        {
            var all = Select(kind, ns, options.FieldSelector).ToList();
            var from = options.Continue.Length > 0 ? int.Parse(options.Continue) : 0;
            var page = all.Skip(from).Take(options.Limit > 0 ? (int)options.Limit : int.MaxValue).ToList();
            var left = all.Count - from - page.Count;
            return Task.FromResult(new KubeList(_version, page, left > 0 ? $"{from + page.Count}" : "", left > 0 ? left : null));
        }
    }

    public async IAsyncEnumerable<WatchEvent> WatchAsync(
        ResourceKind kind, string? ns, WatchOptions options, [EnumeratorCancellation] CancellationToken ct = default)
    {
        Fail();
        var channel = Channel.CreateUnbounded<WatchEvent>();
        lock (_lock)
        {
            if (options is { ResourceVersion: "" or "0", SkipPresent: false })
            {
                foreach (var obj in Select(kind, ns, options.FieldSelector))
                {
                    channel.Writer.TryWrite(new WatchEvent(WatchEventType.Added, obj));
                }
            }
            if (options.AllowBookmarks)
            {
                channel.Writer.TryWrite(new WatchEvent(WatchEventType.Bookmark, KubeObject.From(new JsonObject
                {
                    ["apiVersion"] = kind.ApiVersion, ["kind"] = kind.Kind, ["metadata"] = new JsonObject { ["resourceVersion"] = $"{_version}" },
                })));
            }
            _watches.Add((kind, channel));
        }
        try
        {
            await foreach (var change in channel.Reader.ReadAllAsync(ct))
            {
                yield return change;
            }
        }
        finally
        {
            lock (_lock)
            {
                _watches.RemoveAll(w => w.Channel == channel);
            }
        }
    }

    public Task<KubeObject> CreateAsync(ResourceKind kind, KubeObject obj, WriteOptions options, CancellationToken ct = default)
    {
        Fail();
        LastWrite = options;
        options.Warn?.Invoke($"a \"warning\" about {obj.Metadata.Name}");
        lock (_lock)
        {
            if (_objects.ContainsKey(Id(kind, obj.Key)))
            {
                throw ApiException.AlreadyExists(kind, obj.Metadata.Name);
            }
            return Task.FromResult(Store(kind, WatchEventType.Added, obj.With(tree =>
            {
                tree["metadata"]!["uid"] = $"uid-{_version}";
                tree["metadata"]!["creationTimestamp"] = clock.GetUtcNow().ToString("yyyy-MM-dd'T'HH:mm:ss'Z'");
            })));
        }
    }

    public Task<KubeObject> UpdateAsync(ResourceKind kind, KubeObject obj, WriteOptions options, CancellationToken ct = default)
    {
        Fail();
        LastWrite = options;
        if (UpdateFailure is not null)
        {
            throw UpdateFailure;
        }
        lock (_lock)
        {
            var stored = Find(kind, obj.Key);
            if (options.Subresource == "scale")
            {
                Store(kind, WatchEventType.Modified, stored.With(t => t["spec"]!["replicas"] = obj.ToTree()["spec"]!["replicas"]!.DeepClone()));
                return Task.FromResult(obj);
            }
            if (obj.Version > 0 && obj.Version != stored.Version)
            {
                throw ApiException.Conflict(kind, obj.Metadata.Name, "the object has been modified");
            }
            return Task.FromResult(Store(kind, WatchEventType.Modified, obj));
        }
    }

    public Task<KubeObject> PatchAsync(ResourceKind kind, ObjectKey key, KubePatch patch, WriteOptions options, CancellationToken ct = default)
    {
        Fail();
        LastWrite = options;
        LastPatch = patch;
        lock (_lock)
        {
            var obj = Find(kind, key).With(tree => Merge(tree, (JsonObject)JsonNode.Parse(patch.Body.Span)!));
            return Task.FromResult(Store(kind, WatchEventType.Modified, obj));
        }
    }

    public Task<KubeObject> DeleteAsync(ResourceKind kind, ObjectKey key, DeleteOptions options, CancellationToken ct = default)
    {
        Fail();
        LastDelete = options;
        lock (_lock)
        {
            var last = Find(kind, key);
            if (last.Metadata.Finalizers.Count > 0)
            {
                return Task.FromResult(Store(kind, WatchEventType.Modified, last.With(t => t["metadata"]!["deletionTimestamp"] = "2026-01-01T00:00:00Z")));
            }
            _objects.Remove(Id(kind, key));
            return Task.FromResult(Publish(kind, WatchEventType.Deleted, last));
        }
    }

    public async Task<KubeList> DeleteCollectionAsync(
        ResourceKind kind, string? ns, ListOptions list, DeleteOptions options, CancellationToken ct = default)
    {
        var gone = await ListAsync(kind, ns, list, ct);
        foreach (var obj in gone.Items)
        {
            await DeleteAsync(kind, obj.Key, options, ct);
        }
        return gone;
    }

    public IObjectCache Cache(ResourceKind kind) => kind.Group == AccessKinds.RbacGroup || kind == Kinds.ServiceCidr
        ? new NoObjects(kind)
        : throw new InvalidOperationException($"the HTTP side asks for {kind.ResourceName} itself, it keeps no cache");

    private static string Id(ResourceKind kind, ObjectKey key) => $"{kind.ResourceName}/{key}";

    private void Fail()
    {
        if (Fails is { } error)
        {
            Fails = null;
            throw error;
        }
    }

    private KubeObject Find(ResourceKind kind, ObjectKey key) =>
        _objects.GetValueOrDefault(Id(kind, key)) ?? throw ApiException.NotFound(kind, key.Name);

    private IEnumerable<KubeObject> Select(ResourceKind kind, string? ns, string fields) =>
        _objects.Where(o => o.Key.StartsWith(kind.ResourceName + "/", StringComparison.Ordinal)).Select(o => o.Value)
            .Where(o => string.IsNullOrEmpty(ns) || o.Metadata.Namespace == ns)
            .Where(o => fields.Length == 0 || fields == $"metadata.name={o.Metadata.Name}");

    private KubeObject Store(ResourceKind kind, WatchEventType type, KubeObject obj)
    {
        var stored = Publish(kind, type, obj);
        _objects[Id(kind, stored.Key)] = stored;
        return stored;
    }

    private KubeObject Publish(ResourceKind kind, WatchEventType type, KubeObject obj)
    {
        var version = $"{++_version}";
        var stored = obj.With(tree => tree["metadata"]!["resourceVersion"] = version);
        foreach (var (_, channel) in _watches.Where(w => w.Kind == kind))
        {
            channel.Writer.TryWrite(new WatchEvent(type, stored));
        }
        return stored;
    }

    private static void Merge(JsonObject target, JsonObject patch)
    {
        foreach (var (name, value) in patch.ToList())
        {
            if (value is JsonObject inner && target[name] is JsonObject below)
            {
                Merge(below, inner);
            }
            else
            {
                target[name] = value?.DeepClone();
            }
        }
    }

    /// <summary>No roles: only administrators do anything here.</summary>
    private sealed class NoObjects(ResourceKind kind) : IObjectCache, IDisposable
    {
        public ResourceKind Kind { get; } = kind;

        public KubeObject? Get(ObjectKey key) => null;

        public IReadOnlyList<KubeObject> List(string? ns = null) => [];

        public IReadOnlyList<KubeObject> OwnedBy(string uid) => [];

        public IDisposable Subscribe(Action<CacheChange> handler) => this;

        public Task WaitForSyncAsync(CancellationToken ct = default) => Task.CompletedTask;

        public void Dispose()
        {
        }
    }
}
