using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Serving;
using Serval.Kube;

namespace Serval.Controllers.Serving;

/// <summary>
/// Notes on Revisions and Configurations which routes send to them; a revision with such a route is active, without one in reserve
/// (serving: reconciler/labeler). Names are added as soon as a route means them and taken away when its traffic has arrived, so that a revision
/// is never in reserve while it still serves. Instead of a finalizer on the Route, what carries the name of a route that is gone runs that route
/// again (<see cref="RouteIndex"/>), at every start too.
/// </summary>
internal sealed class RoutingState(IKubeClient client, TimeProvider time, string manager)
{
    private readonly RouteIndex _index = new(client);

    /// <summary>Changes that run routes again.</summary>
    internal IEnumerable<ReconcilerWatch> Watches => _index.Watches;

    /// <summary>Brings the names of one route up to date.</summary>
    /// <param name="stored">The route.</param>
    /// <param name="route">Its view.</param>
    /// <param name="plan">What it resolves to now.</param>
    /// <param name="ct">Ends it.</param>
    internal async Task SyncAsync(KubeObject stored, Route route, TrafficPlan plan, CancellationToken ct)
    {
        var (revisions, configurations) = Meant(stored.Metadata.Namespace, route.Status.Traffic.Concat(route.Spec.Traffic), plan);
        // What cannot be planned leaves the Ingress as it was, and with it revisions that no status names (a tag's, in the middle of a rollout).
        var isSettled = plan.Problem is null && route.Status.ObservedGeneration == stored.Metadata.Generation
            && route.Status.Conditions.Any(c => c is { Type: "Ready", Status: "True" or "False" });
        if (isSettled)
        {
            foreach (var (kind, carrier) in _index.Carriers(stored.Key).Where(c => !(c.Kind == Kinds.Revision ? revisions : configurations).ContainsKey(c.Object.Metadata.Name)))
            {
                await NameAsync(kind, carrier, stored.Metadata.Name, named: false, ct);
            }
        }
        foreach (var revision in revisions.Values)
        {
            await NameAsync(Kinds.Revision, revision, stored.Metadata.Name, named: true, ct);
        }
        foreach (var configuration in configurations.Values)
        {
            await NameAsync(Kinds.Configuration, configuration, stored.Metadata.Name, named: true, ct);
        }
    }

    /// <summary>The route is gone: nothing carries its name any more.</summary>
    internal async Task ReleaseAsync(ObjectKey route, CancellationToken ct)
    {
        if (_index.IsGone(route))
        {
            foreach (var (kind, carrier) in _index.Carriers(route))
            {
                await NameAsync(kind, carrier, route.Name, named: false, ct);
            }
        }
    }

    private (SortedDictionary<string, KubeObject> Revisions, SortedDictionary<string, KubeObject> Configurations) Meant(
        string ns, IEnumerable<TrafficTarget> traffic, TrafficPlan plan)
    {
        var revisions = new SortedDictionary<string, KubeObject>(StringComparer.Ordinal);
        var configurations = new SortedDictionary<string, KubeObject>(StringComparer.Ordinal);
        foreach (var target in traffic)
        {
            var name = target.ConfigurationName;
            if (target.RevisionName.Length > 0)
            {
                if (Add(Kinds.Revision, target.RevisionName, revisions) is not { } revision)
                {
                    continue;
                }
                name = revision.Metadata.ControllerRef is { Kind: "Configuration" } owner ? owner.Name : name;
            }
            if (name.Length > 0 && Add(Kinds.Configuration, name, configurations) is { } configuration && target.LatestRevision == true)
            {
                AddLatest(configuration);
            }
        }
        foreach (var target in plan.Targets.Values.SelectMany(t => t))
        {
            Add(Kinds.Revision, target.RevisionName, revisions);
        }
        return (revisions, configurations);

        // The latest revision may get traffic the moment it is ready. The status that names it trails its creation.
        void AddLatest(KubeObject configuration)
        {
            var view = configuration.As<Configuration>();
            Add(Kinds.Revision, view.Status.LatestCreatedRevisionName, revisions);
            if (!NamedRevision.Conflicts(client, configuration, view) && ConfigurationReconciler.Present(client, configuration, view) is { } latest)
            {
                revisions[latest.Metadata.Name] = latest;
            }
        }

        KubeObject? Add(ResourceKind kind, string name, SortedDictionary<string, KubeObject> found)
        {
            var present = client.Cache(kind).Get(new ObjectKey(ns, name));
            if (present is not null)
            {
                found[name] = present;
            }
            return present;
        }
    }

    private async Task NameAsync(ResourceKind kind, KubeObject carrier, string route, bool named, CancellationToken ct)
    {
        var routes = RouteNames.With(carrier, route, named);
        var state = routes.Length > 0 ? KnativeNames.RoutingActive : KnativeNames.RoutingReserve;
        var isStateNew = kind == Kinds.Revision && carrier.Metadata.Label(KnativeNames.RoutingStateLabel) != state;
        var isListNew = routes != (carrier.Metadata.Annotation(KnativeNames.RoutesAnnotation) ?? "");
        if (!isStateNew && !isListNew || carrier.Metadata.IsDeleting || IsLeftBehind(carrier))
        {
            return;
        }
        var annotations = new JsonObject();
        // Routes run side by side: the list is replaced only in the state it was read from.
        var metadata = new JsonObject { ["resourceVersion"] = carrier.Metadata.ResourceVersion, ["annotations"] = annotations };
        if (isListNew)
        {
            annotations[KnativeNames.RoutesAnnotation] = routes.Length > 0 ? routes : null;
        }
        if (isStateNew)
        {
            metadata["labels"] = new JsonObject { [KnativeNames.RoutingStateLabel] = state };
            annotations[KnativeNames.RoutingStateModifiedAnnotation] = KubeTime.Text(time.GetUtcNow());
        }
        await OwnedObjects.PatchAsync(client, kind, carrier, new JsonObject { ["metadata"] = metadata }, WriteOptions.By(manager), ct);
    }

    /// <summary>Whether its owner, or its owner's, is gone: the garbage collector is on its way.</summary>
    private bool IsLeftBehind(KubeObject obj)
    {
        if (obj.Metadata.ControllerRef is not { } reference || Kinds.Find(reference.ApiVersion, reference.Kind) is not { } kind)
        {
            return false;
        }
        var owner = client.Cache(kind).Get(new ObjectKey(obj.Metadata.Namespace, reference.Name));
        return owner is null || owner.Metadata.Uid != reference.Uid || owner.Metadata.IsDeleting || IsLeftBehind(owner);
    }
}
