using Serval.Api;

namespace Serval.ApiServer.Store;

/// <summary>What to do with an object when the writer finds it as expected.</summary>
internal enum StoreAction
{
    Create,
    Replace,
    Remove,
}

/// <summary>How a <see cref="StoreWrite"/> ended when the disk did its part.</summary>
internal enum WriteOutcome
{
    /// <summary>Stored; <see cref="WriteResult.Object"/> is the new state (the last one, for Remove).</summary>
    Done,

    /// <summary>The object is not at the expected version; <see cref="WriteResult.Object"/> is what is there now, or null.</summary>
    Moved,

    /// <summary>The namespace is missing or terminating; <see cref="WriteResult.Object"/> is the namespace, or null.</summary>
    NamespaceClosed,
}

internal readonly record struct WriteResult(WriteOutcome Outcome, KubeObject? Object);

/// <summary>
/// A compare-and-swap: everything dear (decoding, validation, patches) was done by the caller against <see cref="Expected"/>;
/// the writer thread only compares, numbers and stores.
/// </summary>
internal sealed class StoreWrite : StoreOperation
{
    private readonly TaskCompletionSource<WriteResult> _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public required KindTable Table { get; init; }

    public required StoreAction Action { get; set; }

    public required ObjectKey Key { get; init; }

    /// <summary>Version the object must have; 0: there must be none.</summary>
    public required long Expected { get; init; }

    /// <summary>The next state, or the last one for Remove; its resourceVersion is set by the writer.</summary>
    public required KubeObject Next { get; set; }

    /// <summary>
    /// For a caller that lost several races: what to make of the state that is there instead, worked out by the writer itself, so that it
    /// cannot lose again. Null from it removes the object; what it throws is the caller's answer.
    /// </summary>
    public Func<KubeObject, KubeObject?>? Otherwise { get; init; }

    /// <summary>Namespaces, when the object's namespace must be open for new content.</summary>
    public KindTable? OpenNamespace { get; init; }

    public WriteResult Result { get; set; }

    public Task<WriteResult> Task => _completion.Task;

    public override void Complete() => _completion.TrySetResult(Result);

    public override void Fail(Exception cause) => _completion.TrySetException(cause);
}
