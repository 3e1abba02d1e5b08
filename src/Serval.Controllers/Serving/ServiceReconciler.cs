using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Serving;
using Serval.Kube;

namespace Serval.Controllers.Serving;

/// <summary>Knative Service → Configuration and Route; its status is theirs put together (serving v1: service_lifecycle).</summary>
internal sealed class ServiceReconciler(IKubeClient client, IEventRecorder events, TimeProvider time, KnativeRules? rules = null) : IReconciler
{
    internal const string LastApplied = "kubectl.kubernetes.io/last-applied-configuration";

    private static readonly string[] s_ofConfiguration = ["latestCreatedRevisionName", "latestReadyRevisionName"];
    private static readonly string[] s_ofRoute = ["url", "address", "traffic"];

    private readonly StatusReport _report = new(time);
    private readonly EventReporter _events = new(events, "service-controller");

    public string Name => "service-controller";

    public ResourceKind Kind => Kinds.KService;

    public IEnumerable<ReconcilerWatch> Watches =>
    [
        ReconcilerWatch.Owned(Kinds.Configuration, Kinds.KService),
        ReconcilerWatch.Owned(Kinds.Route, Kinds.KService),
    ];

    public async Task<ReconcileResult> ReconcileAsync(ObjectKey key, CancellationToken ct)
    {
        if (client.Cache(Kinds.KService).Get(key) is not { } stored || stored.Metadata.IsDeleting)
        {
            return ReconcileResult.Done;
        }
        var service = stored.As<KService>();
        var conditions = new ConditionSet(service.Status.Conditions, time.GetUtcNow(), "ConfigurationsReady", "RoutesReady");
        var status = new JsonObject { ["observedGeneration"] = stored.Metadata.Generation };
        StatusFields.Copy(status, stored, s_ofConfiguration); // what was shown stays shown until a child has looked at its newest generation
        StatusFields.Copy(status, stored, s_ofRoute);
        await BuildAsync(stored, conditions, status, ct);
        status["conditions"] = conditions.ToJson();
        return await _report.WriteAsync(client, Kinds.KService, stored, status, conditions.Ready, Name, ct);
    }

    private async Task BuildAsync(KubeObject stored, ConditionSet conditions, JsonObject status, CancellationToken ct)
    {
        if (rules?.WhyInvalid(Kinds.KService, stored) is { } why)
        {
            conditions.MarkFalse("ConfigurationsReady", "Rejected", why);
            _events.Warning(stored, "InternalError", why);
            return;
        }
        var tree = stored.ToTree();
        var desired = NewConfiguration(stored, tree, client.Cache(Kinds.Configuration).Get(stored.Key));
        if (await ChildAsync(stored, Kinds.Configuration, desired, conditions, "ConfigurationsReady", ct) is not { } child)
        {
            return;
        }
        var configuration = child.As<Configuration>();
        if (child.Metadata.Generation != configuration.Status.ObservedGeneration)
        {
            conditions.MarkUnknown("ConfigurationsReady", "OutOfDate", "The Configuration is still working to reflect the latest desired specification.");
            if (configuration.Spec.Template.Metadata.Name.Length > 0)
            {
                return; // a named revision: the route may only follow once the configuration has looked at the name
            }
        }
        else
        {
            StatusFields.Copy(status, child, s_ofConfiguration);
            conditions.Take("ConfigurationsReady", configuration.Status.Conditions.FirstOrDefault(c => c.Type == "Ready"));
        }
        if (NamedRevision.Conflicts(client, child, configuration))
        {
            conditions.MarkFalse("RoutesReady", "RevisionNameTaken",
                $"The revision name \"{configuration.Spec.Template.Metadata.Name}\" is taken by a conflicting Revision, so traffic will not be migrated");
            return;
        }
        if (await ChildAsync(stored, Kinds.Route, NewRoute(stored, tree), conditions, "RoutesReady", ct) is not { } routeObject)
        {
            return;
        }
        var route = routeObject.As<Route>();
        if (routeObject.Metadata.Generation != route.Status.ObservedGeneration)
        {
            conditions.MarkUnknown("RoutesReady", "OutOfDate", "The Route is still working to reflect the latest desired specification.");
            return;
        }
        StatusFields.Copy(status, routeObject, s_ofRoute);
        conditions.Take("RoutesReady", route.Status.Conditions.FirstOrDefault(c => c.Type == "Ready"));
        if (conditions.IsTrue("RoutesReady") && !TrafficArrived(route, configuration))
        {
            conditions.MarkUnknown("RoutesReady", "TrafficNotMigrated", "Traffic is not yet migrated to the latest revision.");
        }
    }

    /// <summary>The child as it should be; null when it cannot be, which its condition then says. Both children have the service's name.</summary>
    private async Task<KubeObject?> ChildAsync(
        KubeObject stored, ResourceKind kind, JsonObject desired, ConditionSet conditions, string condition, CancellationToken ct)
    {
        var isNew = client.Cache(kind).Get(stored.Key) is null;
        try
        {
            var child = await OwnedObjects.MirrorAsync(client, kind, desired, KeepAnnotation, Name, ct);
            if (isNew)
            {
                _events.Normal(stored, "Created", $"Created {kind.Kind} \"{child.Metadata.Name}\"");
            }
            return child;
        }
        catch (OwnerConflictException e)
        {
            conditions.MarkFalse(condition, "NotOwned", $"There is an existing {e.Kind.Kind} \"{e.Key.Name}\" that we do not own.");
            _events.Warning(stored, "InternalError", e.Message);
        }
        catch (ApiException e) when (e.IsRejection)
        {
            conditions.MarkFalse(condition, "Rejected", e.Message);
            if (isNew)
            {
                _events.Warning(stored, "CreationFailed", $"Failed to create {kind.Kind} \"{stored.Metadata.Name}\": {e.Message}");
            }
            _events.Warning(stored, "InternalError", e.Message);
        }
        return null;
    }

    private static bool KeepAnnotation(string name) => name is KnativeNames.CreatorAnnotation or KnativeNames.LastModifierAnnotation;

    private static JsonObject NewConfiguration(KubeObject service, JsonObject tree, KubeObject? present)
    {
        var labels = JsonMaps.ToJson(service.Metadata.Labels);
        labels[KnativeNames.ServiceLabel] = service.Metadata.Name;
        labels[KnativeNames.ServiceUidLabel] = service.Metadata.Uid;
        var annotations = JsonMaps.ToJson(service.Metadata.Annotations, key =>
            key is not (LastApplied or KnativeNames.RolloutDurationAnnotation or KnativeNames.RolloutDurationLegacyAnnotation));
        annotations[KnativeNames.RoutesAnnotation] = RouteNames.With(present, service.Metadata.Name); // other routes may send to it too
        var configuration = OwnedObjects.New(Kinds.Configuration, service, service.Metadata.Name, labels, annotations);
        configuration["spec"] = new JsonObject { ["template"] = tree["spec"]?["template"]?.DeepClone() };
        return configuration;
    }

    private static JsonObject NewRoute(KubeObject service, JsonObject tree)
    {
        var labels = JsonMaps.ToJson(service.Metadata.Labels);
        labels[KnativeNames.ServiceLabel] = service.Metadata.Name;
        var annotations = JsonMaps.ToJson(service.Metadata.Annotations, key => key != LastApplied);
        var route = OwnedObjects.New(Kinds.Route, service, service.Metadata.Name, labels, annotations);
        var traffic = tree["spec"]?["traffic"]?.DeepClone() as JsonArray ?? [];
        foreach (var target in traffic.OfType<JsonObject>())
        {
            if (target["revisionName"] is null)
            {
                target["configurationName"] = service.Metadata.Name;
            }
        }
        route["spec"] = new JsonObject { ["traffic"] = traffic };
        return route;
    }

    /// <summary>Whether the route already sends traffic where its spec says, latest revisions resolved.</summary>
    private static bool TrafficArrived(Route route, Configuration configuration)
    {
        if (route.Spec.Traffic.Count != route.Status.Traffic.Count)
        {
            return false;
        }
        return route.Spec.Traffic.Zip(route.Status.Traffic).All(pair =>
        {
            var (want, got) = pair;
            var revision = want.ConfigurationName.Length > 0 ? configuration.Status.LatestReadyRevisionName : want.RevisionName;
            return revision == got.RevisionName && (want.Percent ?? 0) == (got.Percent ?? 0) && want.Tag == got.Tag;
        });
    }
}
