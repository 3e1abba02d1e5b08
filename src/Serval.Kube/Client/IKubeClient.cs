using Serval.Api;

namespace Serval.Kube;

/// <summary>
/// The one waist for state: every read and write of an API object goes through here, in process or over HTTPS, and passes the same
/// pipeline (decode, default, validate, admit, store). Every failure is an <see cref="ApiException"/> with Kubernetes' code and reason.
/// </summary>
public interface IKubeClient
{
    /// <summary>The object, or <see cref="ApiException"/> NotFound.</summary>
    Task<KubeObject> GetAsync(ResourceKind kind, ObjectKey key, CancellationToken ct = default);

    /// <summary>Objects of a namespace, or of all when <paramref name="ns"/> is null or empty, from one consistent point.</summary>
    Task<KubeList> ListAsync(ResourceKind kind, string? ns, ListOptions options, CancellationToken ct = default);

    /// <summary>
    /// Changes after <see cref="WatchOptions.ResourceVersion"/>, in order, without gap or repetition. Empty or "0" starts with the present
    /// objects as Added. A version that is too old or unknown throws <see cref="ApiException"/> Expired (410) from the first move.
    /// A slow reader is cut off with Expired instead of being buffered without bound.
    /// </summary>
    IAsyncEnumerable<WatchEvent> WatchAsync(ResourceKind kind, string? ns, WatchOptions options, CancellationToken ct = default);

    /// <summary>
    /// Stores a new object. AlreadyExists (409) when the name is taken; <c>generateName</c> gets a random suffix. Remote also: asks what is answered and
    /// not kept, reviews and <c>serviceaccounts/token</c>; one with <c>generateName</c> whose answer is lost is made once all the same.
    /// </summary>
    Task<KubeObject> CreateAsync(ResourceKind kind, KubeObject obj, WriteOptions options, CancellationToken ct = default);

    /// <summary>Replaces an object. With a resourceVersion in it: Conflict (409) unless that is the stored one.</summary>
    Task<KubeObject> UpdateAsync(ResourceKind kind, KubeObject obj, WriteOptions options, CancellationToken ct = default);

    /// <summary>Applies a patch to the stored object, again when another writer came between.</summary>
    Task<KubeObject> PatchAsync(ResourceKind kind, ObjectKey key, KubePatch patch, WriteOptions options, CancellationToken ct = default);

    /// <summary>
    /// Deletes, or marks as deleting while finalizers remain. Returns the last state; remote, of what is gone at once: name, namespace and uid.
    /// </summary>
    Task<KubeObject> DeleteAsync(ResourceKind kind, ObjectKey key, DeleteOptions options, CancellationToken ct = default);

    /// <summary>Deletes all that match; returns what was there.</summary>
    Task<KubeList> DeleteCollectionAsync(ResourceKind kind, string? ns, ListOptions list, DeleteOptions options, CancellationToken ct = default);

    /// <summary>
    /// The shared cache of a kind: one per kind and process. Embedded it is the store's own watch cache (always in sync, contains every
    /// finished write); remote it is an informer that <see cref="IObjectCache.WaitForSyncAsync"/> waits for.
    /// </summary>
    /// <remarks>Of a kind that is kept in another form (<see cref="ResourceKind.Form"/>) it may show the kept one: rely on metadata alone there.</remarks>
    IObjectCache Cache(ResourceKind kind);

    /// <summary>The kinds it knows.</summary>
    IKindSource ServedKinds => KindRegistry.BuiltIn;

    /// <summary>Completes once <see cref="ServedKinds"/> has the kinds that the server has.</summary>
    Task WaitForKindsAsync(CancellationToken ct = default) => Task.CompletedTask;
}

/// <summary>Objects with the resource version they were read at.</summary>
/// <param name="Continue">Token for the next page; empty on the last one.</param>
/// <param name="Remaining">How many follow the page; null when unknown or none.</param>
public sealed record KubeList(long ResourceVersion, IReadOnlyList<KubeObject> Items, string Continue = "", long? Remaining = null);

/// <summary>Which objects of a list (Kubernetes: ListOptions).</summary>
public sealed record ListOptions
{
    public static readonly ListOptions All = new();

    /// <summary>Label selector in its query form: <c>a=b,c!=d,e in (f,g),!h</c>.</summary>
    public string LabelSelector { get; init; } = "";

    /// <summary><c>metadata.name=x,status.phase!=y</c>; in process any scalar path is accepted, over HTTPS those the kind has.</summary>
    public string FieldSelector { get; init; } = "";

    /// <summary>Most items on a page; 0 is no limit.</summary>
    public long Limit { get; init; }

    public string Continue { get; init; } = "";
}

/// <summary>Where a watch begins and what it shows.</summary>
public sealed record WatchOptions
{
    public string LabelSelector { get; init; } = "";
    public string FieldSelector { get; init; } = "";
    public string ResourceVersion { get; init; } = "";

    /// <summary>Without a <see cref="ResourceVersion"/>: begin with what happens next, not with the present objects (<c>sendInitialEvents=false</c>).</summary>
    public bool SkipPresent { get; init; }

    /// <summary>Send a Bookmark now and then (and after the initial events) so that the reader's version stays fresh.</summary>
    public bool AllowBookmarks { get; init; }
}

public enum WatchEventType
{
    Added,
    Modified,
    Deleted,
    Bookmark,
}

/// <summary>One change. Deleted carries the last state with the version of the deletion.</summary>
public readonly record struct WatchEvent(WatchEventType Type, KubeObject Object);

public enum FieldValidation
{
    /// <summary>Unknown and repeated fields are dropped in silence.</summary>
    Ignore,

    /// <summary>They are dropped and reported to <see cref="WriteOptions.Warn"/> (Kubernetes' default).</summary>
    Warn,

    /// <summary>They fail the request (kubectl's default).</summary>
    Strict,
}

/// <summary>How a write is done.</summary>
public sealed record WriteOptions
{
    /// <summary>A plain write by one of Serval's own roles.</summary>
    /// <remarks>
    /// Roles derive what they write from what users wrote and would write it again, so such a write is not waited for. A crash of the machine
    /// can only take a suffix of derived writes: any later synced write carries all earlier ones to the disk.
    /// </remarks>
    public static WriteOptions By(string manager, string subresource = "") =>
        new() { FieldManager = manager, Subresource = subresource, FieldValidation = FieldValidation.Ignore, Durability = WriteDurability.Derived };

    /// <summary>The user that all of Serval's own roles are, where they write.</summary>
    public const string Roles = "system:serval";

    /// <summary>Header of a request that carries <see cref="Durability"/>; other API servers overlook it.</summary>
    public const string DurabilityHeader = "Serval-Durability";

    public string FieldManager { get; init; } = "";

    /// <summary>Empty, <c>status</c> or <c>scale</c>; of a create, remote, <c>token</c>.</summary>
    public string Subresource { get; init; } = "";
    public FieldValidation FieldValidation { get; init; } = FieldValidation.Warn;

    /// <summary>Do everything but store.</summary>
    public bool DryRun { get; init; }

    /// <summary>An apply takes fields that others own.</summary>
    public bool Force { get; init; }

    /// <summary>The writer is an outside client: <c>managedFields</c> takes note of it (docs/decisions/0015).</summary>
    public bool Tracked { get; init; }

    /// <summary>Called when an apply made a new object; a remote client does not hear of it.</summary>
    public Action? Created { get; init; }

    /// <summary>Who asks; Knative stores it as creator and lastModifier.</summary>
    public string User { get; init; } = Roles;

    /// <summary>How long the write is waited for; null: as the kind says. Over HTTPS Serval's own API server believes its roles, in <see cref="DurabilityHeader"/>.</summary>
    public WriteDurability? Durability { get; init; }

    /// <summary>The object as JSON as the client sent it, in whose order it is told what is wrong; empty for the order of names.</summary>
    public ReadOnlyMemory<byte> Given { get; init; }

    /// <summary>Receives warnings for the client (HTTP: <c>Warning: 299</c> headers).</summary>
    public Action<string>? Warn { get; init; }

    /// <summary>Looks at what would be stored, and at what is (null when nothing is yet), and throws to refuse it.</summary>
    public Action<KubeObject, KubeObject?>? Review { get; init; }
}

public enum PatchType
{
    /// <summary>RFC 6902.</summary>
    Json,

    /// <summary>RFC 7386.</summary>
    Merge,

    /// <summary>Kubernetes' strategic merge patch; for kinds from a CRD it is refused with 415, as upstream.</summary>
    StrategicMerge,

    /// <summary>
    /// Server-side apply: the body is the configuration of <see cref="WriteOptions.FieldManager"/>. An absent object is created; a field that
    /// another manager owns is a Conflict (409, cause FieldManagerConflict), unless <see cref="WriteOptions.Force"/>.
    /// </summary>
    Apply,
}

/// <summary>A patch as UTF-8 JSON.</summary>
public sealed record KubePatch(PatchType Type, ReadOnlyMemory<byte> Body);

/// <summary>How a delete is done (Kubernetes: DeleteOptions).</summary>
public sealed record DeleteOptions
{
    /// <summary>Dependents go in the background, unless a finalizer of the object asks for another way.</summary>
    public static readonly DeleteOptions Background = new();

    /// <summary><c>Background</c>, <c>Foreground</c> or <c>Orphan</c>; empty: as the object's finalizers say, else in the background.</summary>
    public string PropagationPolicy { get; init; } = "";

    /// <summary>Seconds a Pod gets to stop; null is the Pod's own. 0 removes the object at once.</summary>
    public long? GracePeriodSeconds { get; init; }

    /// <summary>Preconditions; empty is none.</summary>
    public string Uid { get; init; } = "";
    public string ResourceVersion { get; init; } = "";
    public bool DryRun { get; init; }
}
