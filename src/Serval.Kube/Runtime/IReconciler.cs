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
/// May run twice, late, or again after a crash at any line; never for one key at the same time. One that is disposable is disposed of with its host.
/// </summary>
public interface IReconciler
{
    /// <summary>Field manager of its writes and its name in logs.</summary>
    string Name { get; }

    /// <summary>The kind whose keys it takes. Every change of such an object enqueues its key.</summary>
    ResourceKind Kind { get; }

    /// <summary>Other kinds whose changes enqueue keys.</summary>
    IEnumerable<ReconcilerWatch> Watches => [];

    /// <summary>Further kinds whose caches it reads: what is not in them is not there.</summary>
    IEnumerable<ResourceKind> Reads => [];

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

/// <summary>
/// Changes of <paramref name="Kind"/> enqueue the keys that <paramref name="Map"/> names. It looks at the state before as well as the one after: whom an
/// object no longer concerns has to hear of it. It runs on the thread that publishes and must be quick.
/// </summary>
public sealed record ReconcilerWatch(ResourceKind Kind, Func<CacheChange, IEnumerable<ObjectKey>> Map)
{
    /// <summary>Enqueues the controlling owner when it is of <paramref name="owner"/>'s kind; the one before too, when it changed.</summary>
    public static ReconcilerWatch Owned(ResourceKind kind, ResourceKind owner) => Named(kind, metadata =>
        metadata.ControllerRef is { } reference && reference.Kind == owner.Kind && reference.ApiVersion == owner.ApiVersion ? reference.Name : null);

    /// <summary>Enqueues the object that a label names, in the same namespace; the one it named before too, when it changed.</summary>
    public static ReconcilerWatch Labelled(ResourceKind kind, string label) => Named(kind, metadata => metadata.Label(label));

    private static ReconcilerWatch Named(ResourceKind kind, Func<ObjectMeta, string?> nameOf) => new(kind, change =>
    {
        var ns = change.New.Metadata.Namespace;
        var now = nameOf(change.New.Metadata);
        var before = change.Old is { } old ? nameOf(old.Metadata) : now;
        return (now is { Length: > 0 }, before is { Length: > 0 } && before != now) switch
        {
            (true, false) => [new ObjectKey(ns, now!)],
            (false, true) => [new ObjectKey(ns, before!)],
            (true, true) => [new ObjectKey(ns, now!), new ObjectKey(ns, before!)],
            _ => (IEnumerable<ObjectKey>)[],
        };
    });
}
