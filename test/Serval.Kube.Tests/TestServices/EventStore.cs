using System.Runtime.CompilerServices;
using System.Text.Json.Nodes;
using Serval.Api;

namespace Serval.Kube.Tests;

/// <summary>The waist as far as a recorder uses it: Events, created and patched.</summary>
internal sealed class EventStore : IKubeClient
{
    private readonly Dictionary<ObjectKey, JsonObject> _events = [];

    /// <summary>Writes in order: <c>create</c> or <c>patch</c> and the reason.</summary>
    public List<string> Writes { get; } = [];

    public List<WriteOptions> Options { get; } = [];

    /// <summary>Thrown by writes while set.</summary>
    public Exception? Failure { get; set; }

    public IReadOnlyList<JsonObject> Events => [.. _events.Values];

    /// <summary>The bytes of the last create.</summary>
    public byte[] LastCreated { get; private set; } = [];

    /// <summary>As when an event's time is over.</summary>
    public void Clear() => _events.Clear();

    public Task<KubeObject> CreateAsync(ResourceKind kind, KubeObject obj, WriteOptions options, CancellationToken ct = default)
    {
        Assert.Same(Kinds.Event, kind);
        Write("create", (string)obj.ToTree()["reason"]!, options);
        LastCreated = obj.Json.ToArray();
        _events.Add(obj.Key, obj.ToTree());
        return Task.FromResult(obj);
    }

    public Task<KubeObject> PatchAsync(ResourceKind kind, ObjectKey key, KubePatch patch, WriteOptions options, CancellationToken ct = default)
    {
        Assert.Equal((Kinds.Event, PatchType.Merge), (kind, patch.Type));
        if (!_events.TryGetValue(key, out var stored))
        {
            return Task.FromException<KubeObject>(ApiException.NotFound(kind, key.Name));
        }
        Write("patch", (string)stored["reason"]!, options);
        foreach (var (name, value) in JsonNode.Parse(patch.Body.Span)!.AsObject())
        {
            stored[name] = value!.DeepClone();
        }
        return Task.FromResult(KubeObject.From(stored));
    }

    public IObjectCache Cache(ResourceKind kind) => throw Unexpected();

    public Task<KubeObject> GetAsync(ResourceKind kind, ObjectKey key, CancellationToken ct = default) => throw Unexpected();

    public Task<KubeList> ListAsync(ResourceKind kind, string? ns, ListOptions options, CancellationToken ct = default) => throw Unexpected();

    public IAsyncEnumerable<WatchEvent> WatchAsync(ResourceKind kind, string? ns, WatchOptions options, CancellationToken ct = default) =>
        throw Unexpected();

    public Task<KubeObject> UpdateAsync(ResourceKind kind, KubeObject obj, WriteOptions options, CancellationToken ct = default) =>
        throw Unexpected();

    public Task<KubeObject> DeleteAsync(ResourceKind kind, ObjectKey key, DeleteOptions options, CancellationToken ct = default) =>
        throw Unexpected();

    public Task<KubeList> DeleteCollectionAsync(ResourceKind kind, string? ns, ListOptions list, DeleteOptions options, CancellationToken ct = default) =>
        throw Unexpected();

    /// <summary>A recorder only creates and patches: any other call is its fault.</summary>
    private static InvalidOperationException Unexpected([CallerMemberName] string call = "") => new($"a recorder of Events has no need of {call}");

    private void Write(string verb, string reason, WriteOptions options)
    {
        if (Failure is not null)
        {
            throw Failure;
        }
        Writes.Add($"{verb} {reason}");
        Options.Add(options);
    }
}
