using Serval.Api;
using Serval.Api.Serving;
using Serval.Kube;

namespace Serval.Controllers.Serving;

/// <summary>Deletes revisions that no traffic has needed for long, as config-gc says (<see cref="RevisionRetention"/>).</summary>
internal sealed class RevisionCollector(IKubeClient client, ServingConfigSource config, IEventRecorder events, TimeProvider time) : IReconciler
{
    /// <summary>A clock that is set forward is noticed after this time.</summary>
    private static readonly TimeSpan s_longestWait = TimeSpan.FromHours(1);

    private readonly EventReporter _events = new(events, "revision-gc-controller");

    public string Name => "revision-gc-controller";

    public ResourceKind Kind => Kinds.Configuration;

    public IEnumerable<ReconcilerWatch> Watches => [ReconcilerWatch.Owned(Kinds.Revision, Kinds.Configuration)];

    public void Started(Action<ObjectKey> enqueue) => config.RunAll(client, Kinds.Configuration, enqueue);

    public async Task<ReconcileResult> ReconcileAsync(ObjectKey key, CancellationToken ct)
    {
        var rules = config.Current.Gc;
        if (client.Cache(Kinds.Configuration).Get(key) is not { Metadata.IsDeleting: false } stored
            || client.Cache(Kinds.Revision).OwnedBy(stored.Metadata.Uid) is var revisions && revisions.Count <= rules.MinNonActiveRevisions)
        {
            return ReconcileResult.Done;
        }
        var going = RevisionRetention.Surplus(revisions, InUse(stored), rules, time.GetUtcNow(), out var next);
        foreach (var revision in going)
        {
            // Only in the state it was judged in: a route that just chose it has written to it.
            var judged = DeleteOptions.Background with { Uid = revision.Metadata.Uid, ResourceVersion = revision.Metadata.ResourceVersion };
            await client.DeleteAsync(Kinds.Revision, revision.Key, judged, ct);
            _events.Normal(stored, "RevisionDeleted", $"Deleted Revision \"{revision.Metadata.Name}\", which had no traffic (config-gc)");
        }
        return next is { } wait ? ReconcileResult.After(wait < s_longestWait ? wait : s_longestWait) : ReconcileResult.Done;
    }

    /// <summary>The latest ready one, and the one of the present generation: it would only be made again.</summary>
    private HashSet<string> InUse(KubeObject stored)
    {
        var configuration = stored.As<Configuration>();
        return [configuration.Status.LatestReadyRevisionName, ConfigurationReconciler.Present(client, stored, configuration)?.Metadata.Name ?? ""];
    }
}
