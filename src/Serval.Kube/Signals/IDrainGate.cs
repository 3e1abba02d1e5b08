using Serval.Api;

namespace Serval.Kube;

/// <summary>Tells when nothing is in flight at an instance any more; the composition root asks the proxy.</summary>
public interface IDrainGate
{
    /// <summary>
    /// Completes when the instance has answered every request it has; ended at once when it has none. Asked of one that is withdrawn, and of one just
    /// made ready. Upgraded connections (WebSockets) do not count: only its program can end them in good order.
    /// </summary>
    Task WhenIdleAsync(ObjectKey revision, string podUid, CancellationToken ct);

    /// <summary>Completes when the instance has no upgraded connection left either.</summary>
    Task WhenEmptyAsync(ObjectKey revision, string podUid, CancellationToken ct);
}

/// <summary>A gate that is always open: nothing routes to the pods of this node.</summary>
public sealed class NoDrainGate : IDrainGate
{
    public Task WhenIdleAsync(ObjectKey revision, string podUid, CancellationToken ct) => Task.CompletedTask;

    public Task WhenEmptyAsync(ObjectKey revision, string podUid, CancellationToken ct) => Task.CompletedTask;
}
