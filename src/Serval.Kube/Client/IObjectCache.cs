using Serval.Api;

namespace Serval.Kube;

/// <summary>One change as the cache saw it. <paramref name="Old"/> is null for Added; <paramref name="New"/> is the last state for Deleted.</summary>
public readonly record struct CacheChange(WatchEventType Type, KubeObject New, KubeObject? Old);

/// <summary>
/// A read view of every object of one kind, kept current. Reads take no lock and see finished writes of this process.
/// Objects are shared and immutable.
/// </summary>
public interface IObjectCache
{
    ResourceKind Kind { get; }

    /// <summary>The object or null.</summary>
    KubeObject? Get(ObjectKey key);

    /// <summary>
    /// The object as the server has it, or null. Remote this asks the server: for a decision that cannot be taken back, where what another process wrote
    /// counts too.
    /// </summary>
    ValueTask<KubeObject?> ReadAsync(ObjectKey key, CancellationToken ct = default) => new(Get(key));

    /// <summary>All objects of a namespace; all when <paramref name="ns"/> is null.</summary>
    IReadOnlyList<KubeObject> List(string? ns = null);

    /// <summary>Objects with an owner reference to this uid.</summary>
    IReadOnlyList<KubeObject> OwnedBy(string uid);

    /// <summary>
    /// Calls <paramref name="handler"/> with Added for each present object, then with every change, one at a time. Changes come in resource-version
    /// order, remote those of each object: an own write is shown before what others wrote to other objects meanwhile.
    /// The handler must not block: it runs on the thread that publishes (it may enqueue a key). Disposing stops it.
    /// </summary>
    IDisposable Subscribe(Action<CacheChange> handler);

    /// <summary>Completes once the first list is in.</summary>
    /// <exception cref="ApiException">The server forbids to read it.</exception>
    Task WaitForSyncAsync(CancellationToken ct = default);
}
