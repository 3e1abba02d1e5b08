using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Kube;

namespace Serval.Node.Tests;

/// <summary>Objects in memory with caches that publish in order; no validation, merge patches only, and applies that replace.</summary>
internal sealed class FakeKube : IKubeClient
{
    private readonly Lock _lock = new();
    private readonly Dictionary<ResourceKind, FakeCache> _caches = [];
    private long _version;

    /// <summary>Every write: verb, kind, key.</summary>
    public List<string> Writes { get; } = [];

    /// <summary>What is posted and not kept: gives the answer, or null to what is kept; throws for what is refused.</summary>
    public Func<ResourceKind, KubeObject, KubeObject?> Answer { get; set; } = (_, _) => null;

    /// <summary>Thrown by patches while set.</summary>
    public ApiException? PatchFailure { get; set; }

    /// <summary>Thrown by reads of single objects while set.</summary>
    public Exception? GetFailure { get; set; }

    /// <summary>Called before each patch.</summary>
    public Action? BeforePatch { get; set; }

    /// <summary>When what is posted and not kept has its answer.</summary>
    public Task AnswersWhen { get; set; } = Task.CompletedTask;

    public IObjectCache Cache(ResourceKind kind) => Of(kind);

    public Task<KubeObject> GetAsync(ResourceKind kind, ObjectKey key, CancellationToken ct = default) =>
        GetFailure is not null ? Task.FromException<KubeObject>(GetFailure) : Task.FromResult(Of(kind).Get(key) ?? throw ApiException.NotFound(kind, key.Name));

    public Task<KubeList> ListAsync(ResourceKind kind, string? ns, ListOptions options, CancellationToken ct = default) =>
        Task.FromResult(new KubeList(_version, Of(kind).List(ns)));

    public async IAsyncEnumerable<WatchEvent> WatchAsync(
        ResourceKind kind, string? ns, WatchOptions options, [EnumeratorCancellation] CancellationToken ct = default)
    {
        await Task.CompletedTask;
        yield break;
    }

    public Task<KubeObject> CreateAsync(ResourceKind kind, KubeObject obj, WriteOptions options, CancellationToken ct = default)
    {
        lock (_lock)
        {
            if (Answer(kind, obj) is { } answer)
            {
                return AnswerAsync(answer);
            }
            if (Of(kind).Get(obj.Key) is not null)
            {
                return Task.FromException<KubeObject>(ApiException.AlreadyExists(kind, obj.Key.Name));
            }
            Writes.Add($"create {kind.Kind} {obj.Key}");
            var stored = Stamp(obj.With(o => o["metadata"]!["uid"] = o["metadata"]!["uid"]?.DeepClone() ?? Guid.NewGuid().ToString()));
            Of(kind).Publish(WatchEventType.Added, stored);
            return Task.FromResult(stored);
        }
    }

    public Task<KubeObject> UpdateAsync(ResourceKind kind, KubeObject obj, WriteOptions options, CancellationToken ct = default)
    {
        lock (_lock)
        {
            Writes.Add($"update {kind.Kind} {obj.Key}");
            var stored = Stamp(obj);
            Of(kind).Publish(WatchEventType.Modified, stored);
            return Task.FromResult(stored);
        }
    }

    public Task<KubeObject> PatchAsync(
        ResourceKind kind, ObjectKey key, KubePatch patch, WriteOptions options, CancellationToken ct = default)
    {
        BeforePatch?.Invoke();
        lock (_lock)
        {
            if (PatchFailure is not null)
            {
                return Task.FromException<KubeObject>(PatchFailure);
            }
            Writes.Add($"patch {kind.Kind} {key}");
            if (patch.Type == PatchType.Apply)
            {
                var applied = Stamp(KubeObject.Parse(patch.Body));
                Of(kind).Publish(Of(kind).Get(key) is null ? WatchEventType.Added : WatchEventType.Modified, applied);
                return Task.FromResult(applied);
            }
            if (Of(kind).Get(key) is not { } old)
            {
                return Task.FromException<KubeObject>(ApiException.NotFound(kind, key.Name));
            }
            var merged = (JsonObject)JsonNode.Parse(patch.Body.Span)!;
            if ((string?)merged["metadata"]?["resourceVersion"] is { } wanted && wanted != old.Metadata.ResourceVersion)
            {
                return Task.FromException<KubeObject>(ApiException.Conflict(kind, key.Name, "the object has been modified"));
            }
            var stored = Stamp(old.With(tree => Merge(tree, merged)));
            Of(kind).Publish(WatchEventType.Modified, stored);
            return Task.FromResult(stored);
        }
    }

    /// <summary>When whoever removes a pod is told that it is done.</summary>
    public Task RemovalAnswer { get; set; } = Task.CompletedTask;

    public async Task<KubeObject> DeleteAsync(ResourceKind kind, ObjectKey key, DeleteOptions options, CancellationToken ct = default)
    {
        var deleted = Delete(kind, key, options);
        if (options.GracePeriodSeconds == 0)
        {
            await RemovalAnswer;
        }
        return await deleted;
    }

    private Task<KubeObject> Delete(ResourceKind kind, ObjectKey key, DeleteOptions options)
    {
        lock (_lock)
        {
            Writes.Add($"delete {kind.Kind} {key}");
            if (Of(kind).Get(key) is not { } old)
            {
                return Task.FromException<KubeObject>(ApiException.NotFound(kind, key.Name));
            }
            if (kind == Kinds.Pod && options.GracePeriodSeconds != 0)
            {
                var marked = Stamp(old.With(o =>
                {
                    o["metadata"]!["deletionTimestamp"] = "2026-01-01T00:00:00Z";
                    if (options.GracePeriodSeconds is { } grace)
                    {
                        o["metadata"]!["deletionGracePeriodSeconds"] = grace;
                    }
                }));
                Of(kind).Publish(WatchEventType.Modified, marked);
                return Task.FromResult(marked);
            }
            Of(kind).Publish(WatchEventType.Deleted, Stamp(old));
            return Task.FromResult(old);
        }
    }

    public Task<KubeList> DeleteCollectionAsync(
        ResourceKind kind, string? ns, ListOptions list, DeleteOptions options, CancellationToken ct = default) =>
        throw new InvalidOperationException("a node deletes its pods one by one");

    private async Task<KubeObject> AnswerAsync(KubeObject answer)
    {
        await AnswersWhen;
        return answer;
    }

    private static void Merge(JsonObject target, JsonObject patch)
    {
        foreach (var (key, value) in patch)
        {
            if (value is JsonObject part && target[key] is JsonObject inner)
            {
                Merge(inner, part);
            }
            else if (value is null)
            {
                target.Remove(key);
            }
            else
            {
                target[key] = value.DeepClone();
            }
        }
    }

    private KubeObject Stamp(KubeObject obj) => obj.With(o => o["metadata"]!["resourceVersion"] = (++_version).ToString());

    private FakeCache Of(ResourceKind kind)
    {
        lock (_lock)
        {
            return _caches.TryGetValue(kind, out var cache) ? cache : _caches[kind] = new FakeCache(kind);
        }
    }

    private sealed class FakeCache(ResourceKind kind) : IObjectCache
    {
        private readonly Lock _lock = new();
        private readonly List<Action<CacheChange>> _handlers = [];
        private ImmutableDictionary<ObjectKey, KubeObject> _objects = ImmutableDictionary<ObjectKey, KubeObject>.Empty;

        public ResourceKind Kind => kind;

        public KubeObject? Get(ObjectKey key) => _objects.GetValueOrDefault(key);

        public IReadOnlyList<KubeObject> List(string? ns = null) => [.. _objects.Values.Where(o => ns is null || o.Key.Namespace == ns)];

        public IReadOnlyList<KubeObject> OwnedBy(string uid) => [];

        public Task WaitForSyncAsync(CancellationToken ct = default) => Task.CompletedTask;

        public void Publish(WatchEventType type, KubeObject obj)
        {
            lock (_lock)
            {
                var old = _objects.GetValueOrDefault(obj.Key);
                _objects = type == WatchEventType.Deleted ? _objects.Remove(obj.Key) : _objects.SetItem(obj.Key, obj);
                foreach (var handler in _handlers.ToList())
                {
                    handler(new CacheChange(type, obj, old));
                }
            }
        }

        public IDisposable Subscribe(Action<CacheChange> handler)
        {
            lock (_lock)
            {
                foreach (var obj in _objects.Values)
                {
                    handler(new CacheChange(WatchEventType.Added, obj, null));
                }
                _handlers.Add(handler);
            }
            return new Subscription(this, handler);
        }

        private sealed class Subscription(FakeCache owner, Action<CacheChange> handler) : IDisposable
        {
            public void Dispose()
            {
                lock (owner._lock)
                {
                    owner._handlers.Remove(handler);
                }
            }
        }
    }
}
