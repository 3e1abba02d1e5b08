using Serval.Api;

namespace Serval.Kube;

/// <summary>What a run asks for.</summary>
/// <param name="RequeueAfter">Run the key again after this time; null: only when something changes.</param>
public readonly record struct ReconcileResult(TimeSpan? RequeueAfter)
{
    /// <summary>Nothing more until something changes.</summary>
    public static readonly ReconcileResult Done;

    public static ReconcileResult After(TimeSpan delay) => new(delay);
}

/// <summary>
/// Brings one object's world to what it says. Level-based: gets a key, reads desired and observed state from caches, writes only differences.
/// May run twice, late, or again after a crash at any line; never for one key at the same time.
/// </summary>
public interface IReconciler
{
    /// <summary>Field manager of its writes and its name in logs.</summary>
    string Name { get; }

    /// <summary>The kind whose keys it takes. Every change of such an object enqueues its key.</summary>
    ResourceKind Kind { get; }

    /// <summary>Other kinds whose changes enqueue keys.</summary>
    IEnumerable<ReconcilerWatch> Watches => [];

    /// <summary>How many keys may run at a time.</summary>
    int Concurrency => 4;

    /// <summary>Called once before the first run, for causes that are not objects: <paramref name="enqueue"/> runs a key from any thread.</summary>
    void Started(Action<ObjectKey> enqueue)
    {
    }

    /// <summary>
    /// Converges one key. After an exception it runs again with back-off; a Conflict, AlreadyExists or NotFound, which mean that another writer
    /// was first, is not worth a warning.
    /// </summary>
    Task<ReconcileResult> ReconcileAsync(ObjectKey key, CancellationToken ct);
}

/// <summary>Changes of <paramref name="Kind"/> enqueue the keys that <paramref name="Map"/> names.</summary>
public sealed record ReconcilerWatch(ResourceKind Kind, Func<CacheChange, IEnumerable<ObjectKey>> Map)
{
    /// <summary>Enqueues the controlling owner when it is of <paramref name="owner"/>'s kind.</summary>
    public static ReconcilerWatch Owned(ResourceKind kind, ResourceKind owner) => new(kind, change =>
    {
        var reference = change.New.Metadata.ControllerRef;
        return reference is not null && reference.Kind == owner.Kind && reference.ApiVersion == owner.ApiVersion
            ? [new ObjectKey(change.New.Metadata.Namespace, reference.Name)]
            : [];
    });

    /// <summary>Enqueues the object that a label names, in the same namespace.</summary>
    public static ReconcilerWatch Labelled(ResourceKind kind, string label) => new(kind, change =>
        change.New.Metadata.Label(label) is { Length: > 0 } name ? [new ObjectKey(change.New.Metadata.Namespace, name)] : []);
}
