using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Schema;
using Serval.Kube;

namespace Serval.Controllers.Tests.Autoscaler;

/// <summary>A write as a test sees it.</summary>
internal sealed record FakeWrite(string Verb, ResourceKind Kind, ObjectKey Key, string Subresource)
{
    public override string ToString() => $"{Verb} {Kind.Kind} {Key.Name}{(Subresource.Length == 0 ? "" : "/" + Subresource)}";
}

/// <summary>
/// The waist in memory: enough of the pipeline (uid, version, generation, empty values, merge patches, subresources, finalizers, preconditions) for reconcilers.
/// </summary>
internal sealed class FakeKubeClient(TimeProvider time) : IKubeClient
{
    private readonly ConcurrentDictionary<ResourceKind, FakeCache> _caches = new();
    private readonly ConcurrentDictionary<(ResourceKind, ObjectKey), int> _made = new(); // how often a name was given
    private readonly Lock _lock = new();
    private readonly List<FakeWrite> _writes = [];
    private long _version;

    /// <summary>Writes since the last <see cref="TakeWrites"/>.</summary>
    public IReadOnlyList<FakeWrite> TakeWrites()
    {
        lock (_lock)
        {
            var writes = _writes.ToArray();
            _writes.Clear();
            return writes;
        }
    }

    /// <summary>Of all writes those that wait for the disk.</summary>
    public ConcurrentQueue<FakeWrite> Synced { get; } = [];

    public long Version => Interlocked.Read(ref _version);

    /// <summary>Fails every write with this while set.</summary>
    public ApiException? Failure { get; set; }

    /// <summary>Fails every read that is not from a cache with this while set.</summary>
    public ApiException? ReadFailure { get; set; }

    /// <summary>What the server has and the caches do not show yet, as those of another process may not.</summary>
    public HashSet<ObjectKey> OnTheWay { get; } = [];

    /// <summary>What the caches still show and the server has no more.</summary>
    public HashSet<ObjectKey> Gone { get; } = [];

    /// <summary>Fails the writes it answers for.</summary>
    public Func<FakeWrite, Exception?> Refuse { get; set; } = _ => null;

    public KindRegistry Registry { get; } = new();

    public IKindSource ServedKinds => Registry;

    public IObjectCache Cache(ResourceKind kind) => Fake(kind);

    public Task<KubeObject> GetAsync(ResourceKind kind, ObjectKey key, CancellationToken ct = default) =>
        Task.FromResult(ReadFailure is { } failure ? throw failure : Cache(kind).Get(key) ?? throw ApiException.NotFound(kind, key.Name));

    public Task<KubeList> ListAsync(ResourceKind kind, string? ns, ListOptions options, CancellationToken ct = default) =>
        Task.FromResult(new KubeList(_version, [.. Fake(kind).Objects.Where(o => string.IsNullOrEmpty(ns) || o.Metadata.Namespace == ns)]));

    public IAsyncEnumerable<WatchEvent> WatchAsync(ResourceKind kind, string? ns, WatchOptions options, CancellationToken ct = default) =>
        throw new NotSupportedException("reconcilers follow caches");

    public Task<KubeObject> CreateAsync(ResourceKind kind, KubeObject obj, WriteOptions options, CancellationToken ct = default)
    {
        lock (_lock)
        {
            if (options.Subresource == "binding" && Cache(kind).Get(obj.Key) is { } pod)
            {
                return Task.FromResult(Store("create", kind, pod, pod.With(tree => tree["spec"]!["nodeName"] = (string?)obj.ToTree()["target"]!["name"]), options));
            }
            if (obj.Metadata.Name.Length == 0)
            {
                obj = obj.With(tree => tree["metadata"]!["name"] = $"{obj.Metadata.GenerateName}{_version}");
            }
            if (Cache(kind).Get(obj.Key) is not null)
            {
                throw ApiException.AlreadyExists(kind, obj.Metadata.Name);
            }
            return Task.FromResult(Store("create", kind, null, obj.With(tree =>
            {
                var metadata = tree["metadata"]!.AsObject();
                var again = _made.AddOrUpdate((kind, obj.Key), 1, (_, before) => before + 1);
                metadata["uid"] = $"uid-{kind.Plural}-{obj.Metadata.Name}{(again > 1 ? $"-{again}" : "")}";
                metadata["creationTimestamp"] ??= time.GetUtcNow().ToString("yyyy-MM-ddTHH:mm:ssZ");
                metadata["generation"] = 1;
            }), options));
        }
    }

    public Task<KubeObject> UpdateAsync(ResourceKind kind, KubeObject obj, WriteOptions options, CancellationToken ct = default)
    {
        lock (_lock)
        {
            var before = Cache(kind).Get(obj.Key) ?? throw ApiException.NotFound(kind, obj.Metadata.Name);
            return Task.FromResult(Store("update", kind, before, obj, options));
        }
    }

    public Task<KubeObject> PatchAsync(ResourceKind kind, ObjectKey key, KubePatch patch, WriteOptions options, CancellationToken ct = default)
    {
        lock (_lock)
        {
            var before = Cache(kind).Get(key) ?? throw ApiException.NotFound(kind, key.Name);
            Assert.Equal(PatchType.Merge, patch.Type);
            var change = JsonNode.Parse(patch.Body.Span)!.AsObject();
            if ((string?)change["metadata"]?["resourceVersion"] is { } version && version != before.Metadata.ResourceVersion
                || (string?)change["metadata"]?["uid"] is { } uid && uid != before.Metadata.Uid)
            {
                throw ApiException.Conflict(kind, key.Name, "the object has been modified");
            }
            var after = before.With(tree =>
            {
                var spec = tree["spec"]?.ToJsonString();
                Merge(tree, change);
                if (spec != tree["spec"]?.ToJsonString())
                {
                    tree["metadata"]!["generation"] = before.Metadata.Generation + 1;
                }
            });
            return Task.FromResult(Store("patch", kind, before, after, options));
        }
    }

    public Task<KubeObject> DeleteAsync(ResourceKind kind, ObjectKey key, DeleteOptions options, CancellationToken ct = default)
    {
        lock (_lock)
        {
            var before = Cache(kind).Get(key) ?? throw ApiException.NotFound(kind, key.Name);
            if (options.Uid.Length > 0 && options.Uid != before.Metadata.Uid
                || options.ResourceVersion.Length > 0 && options.ResourceVersion != before.Metadata.ResourceVersion)
            {
                throw ApiException.Conflict(kind, key.Name, "Precondition failed");
            }
            var finalizers = options.PropagationPolicy switch
            {
                "Foreground" => [.. before.Metadata.Finalizers, "foregroundDeletion"],
                "Orphan" => [.. before.Metadata.Finalizers, "orphan"],
                _ => before.Metadata.Finalizers,
            };
            Record(new FakeWrite("delete", kind, key, ""));
            if (finalizers.Count == 0)
            {
                return Task.FromResult(Remove(kind, before));
            }
            return Task.FromResult(Keep(kind, before, before.With(tree =>
            {
                tree["metadata"]!["deletionTimestamp"] = time.GetUtcNow().ToString("yyyy-MM-ddTHH:mm:ssZ");
                tree["metadata"]!["finalizers"] = new JsonArray([.. finalizers.Distinct().Select(f => (JsonNode)f)]);
            })));
        }
    }

    public Task<KubeList> DeleteCollectionAsync(ResourceKind kind, string? ns, ListOptions list, DeleteOptions options, CancellationToken ct = default) =>
        throw new NotSupportedException("no reconciler here deletes collections");

    private FakeCache Fake(ResourceKind kind) => _caches.GetOrAdd(kind, k => new FakeCache(k, OnTheWay, Gone));

    private KubeObject Store(string verb, ResourceKind kind, KubeObject? before, KubeObject after, WriteOptions options)
    {
        if (Failure is { } failure)
        {
            throw failure;
        }
        var write = new FakeWrite(verb, kind, after.Key, options.Subresource);
        Record(write);
        if (options.Durability != WriteDurability.Derived)
        {
            Synced.Enqueue(write);
        }
        return before is not null && after.Metadata is { IsDeleting: true, Finalizers.Count: 0 } && before.Metadata.Finalizers.Count > 0
            ? Remove(kind, after)
            : Keep(kind, before, after);
    }

    private void Record(FakeWrite write)
    {
        if (Refuse(write) is { } refusal)
        {
            throw refusal;
        }
        _writes.Add(write);
    }

    private KubeObject Keep(ResourceKind kind, KubeObject? before, KubeObject after)
    {
        after = after.With(tree =>
        {
            EmptyFields.Remove(kind, tree); // a reconciler that wants one back would never come to rest
            tree["metadata"]!["resourceVersion"] = (_version + 1).ToString();
        });
        _version++;
        Fake(kind).Apply(new CacheChange(before is null ? WatchEventType.Added : WatchEventType.Modified, after, before));
        return after;
    }

    private KubeObject Remove(ResourceKind kind, KubeObject last)
    {
        _version++;
        Fake(kind).Apply(new CacheChange(WatchEventType.Deleted, last, last));
        return last;
    }

    private static void Merge(JsonObject target, JsonObject patch)
    {
        foreach (var (key, value) in patch)
        {
            if (value is null)
            {
                target.Remove(key);
            }
            else if (value is JsonObject change)
            {
                var inner = target[key] as JsonObject;
                if (inner is null)
                {
                    target[key] = inner = [];
                }
                Merge(inner, change);
            }
            else
            {
                target[key] = value.DeepClone();
            }
        }
    }

    private sealed class FakeCache(ResourceKind kind, HashSet<ObjectKey> onTheWay, HashSet<ObjectKey> gone) : IObjectCache
    {
        private readonly ConcurrentDictionary<ObjectKey, KubeObject> _objects = new();
        private readonly List<Action<CacheChange>> _handlers = [];

        public ResourceKind Kind => kind;

        public IEnumerable<KubeObject> Objects => _objects.Values;

        private IEnumerable<KubeObject> Seen => onTheWay.Count == 0 ? _objects.Values : _objects.Values.Where(o => !onTheWay.Contains(o.Key));

        public KubeObject? Get(ObjectKey key) => onTheWay.Contains(key) ? null : _objects.GetValueOrDefault(key);

        public ValueTask<KubeObject?> ReadAsync(ObjectKey key, CancellationToken ct = default) => new(gone.Contains(key) ? null : _objects.GetValueOrDefault(key));

        public IReadOnlyList<KubeObject> List(string? ns = null) => [.. Seen.Where(o => ns is null || o.Metadata.Namespace == ns)];

        public IReadOnlyList<KubeObject> OwnedBy(string uid) => [.. Seen.Where(o => o.Metadata.OwnerReferences.Any(r => r.Uid == uid))];

        public IDisposable Subscribe(Action<CacheChange> handler)
        {
            foreach (var present in _objects.Values)
            {
                handler(new CacheChange(WatchEventType.Added, present, null));
            }
            _handlers.Add(handler);
            return new Subscription(() => _handlers.Remove(handler));
        }

        public Task WaitForSyncAsync(CancellationToken ct = default) => Task.CompletedTask;

        public void Apply(CacheChange change)
        {
            if (change.Type == WatchEventType.Deleted)
            {
                _objects.TryRemove(change.New.Key, out _);
            }
            else
            {
                _objects[change.New.Key] = change.New;
            }
            foreach (var handler in _handlers.ToArray())
            {
                handler(change);
            }
        }
    }

    private sealed class Subscription(Action end) : IDisposable
    {
        public void Dispose() => end();
    }
}
