using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Serving;
using Serval.Kube;

namespace Serval.Controllers.Serving;

/// <summary>Knative Service → Configuration and Route; its status is theirs put together (serving v1: service_lifecycle).</summary>
internal sealed class ServiceReconciler(IKubeClient client, IEventRecorder events, TimeProvider time) : IReconciler
{
    internal const string LastApplied = "kubectl.kubernetes.io/last-applied-configuration";

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
        try
        {
            await BuildAsync(stored, service, conditions, status, ct);
        }
        catch (OwnerConflictException e)
        {
            conditions.MarkFalse(e.Kind == Kinds.Configuration ? "ConfigurationsReady" : "RoutesReady", "NotOwned",
                $"There is an existing {e.Kind.Kind} \"{e.Key.Name}\" that we do not own.");
            _events.Warning(stored, "InternalError", e.Message);
        }
        catch (ApiException e) when (e.Code is 400 or 403 or 422 && !e.IsNamespaceTerminating)
        {
            conditions.MarkFalse("ConfigurationsReady", "Rejected", e.Message);
            _events.Warning(stored, "InternalError", e.Message);
        }
        status["conditions"] = conditions.ToJson();
        return await _report.WriteAsync(client, Kinds.KService, stored, status, conditions.Ready, Name, ct);
    }

    private async Task BuildAsync(KubeObject stored, KService service, ConditionSet conditions, JsonObject status, CancellationToken ct)
    {
        var tree = stored.ToTree();
        var child = await MirrorAsync(stored, Kinds.Configuration, NewConfiguration(stored, tree), ct);
        var configuration = child.As<Configuration>();
        if (child.Metadata.Generation != configuration.Status.ObservedGeneration)
        {
            conditions.MarkUnknown("ConfigurationsReady", "OutOfDate", "The Configuration is still working to reflect the latest desired specification.");
            CopyRoute(status, service.Status); // an address the user was shown stays shown while the children catch up
            if (configuration.Spec.Template.Metadata.Name.Length > 0)
            {
                return; // a named revision: the route may only follow once the configuration has looked at the name
            }
        }
        else
        {
            conditions.Take("ConfigurationsReady", configuration.Status.Conditions.FirstOrDefault(c => c.Type == "Ready"));
        }
        Put(status, "latestCreatedRevisionName", configuration.Status.LatestCreatedRevisionName);
        Put(status, "latestReadyRevisionName", configuration.Status.LatestReadyRevisionName);

        if (NamedRevision.Conflicts(client, child, configuration))
        {
            conditions.MarkFalse("RoutesReady", "RevisionNameTaken",
                $"The revision name \"{configuration.Spec.Template.Metadata.Name}\" is taken by a conflicting Revision, so traffic will not be migrated");
            CopyRoute(status, service.Status);
            return;
        }
        var routeObject = await MirrorAsync(stored, Kinds.Route, NewRoute(stored, tree), ct);
        var route = routeObject.As<Route>();
        CopyRoute(status, routeObject);
        if (routeObject.Metadata.Generation != route.Status.ObservedGeneration)
        {
            conditions.MarkUnknown("RoutesReady", "OutOfDate", "The Route is still working to reflect the latest desired specification.");
            return;
        }
        conditions.Take("RoutesReady", route.Status.Conditions.FirstOrDefault(c => c.Type == "Ready"));
        if (conditions.IsTrue("RoutesReady") && !TrafficArrived(route, configuration))
        {
            conditions.MarkUnknown("RoutesReady", "TrafficNotMigrated", "Traffic is not yet migrated to the latest revision.");
        }
    }

    /// <summary>Both children have the service's name.</summary>
    private async Task<KubeObject> MirrorAsync(KubeObject stored, ResourceKind kind, JsonObject desired, CancellationToken ct)
    {
        var isNew = client.Cache(kind).Get(stored.Key) is null;
        var child = await OwnedObjects.MirrorAsync(client, kind, desired, KeepAnnotation, Name, ct);
        if (isNew)
        {
            _events.Normal(stored, "Created", $"Created {kind.Kind} \"{child.Metadata.Name}\"");
        }
        return child;
    }

    private static bool KeepAnnotation(string name) => name is KnativeNames.CreatorAnnotation or KnativeNames.LastModifierAnnotation;

    private static JsonObject NewConfiguration(KubeObject service, JsonObject tree)
    {
        var labels = JsonMaps.ToJson(service.Metadata.Labels);
        labels[KnativeNames.ServiceLabel] = service.Metadata.Name;
        labels[KnativeNames.ServiceUidLabel] = service.Metadata.Uid;
        var annotations = JsonMaps.ToJson(service.Metadata.Annotations, key =>
            key is not (LastApplied or KnativeNames.RolloutDurationAnnotation or KnativeNames.RolloutDurationLegacyAnnotation));
        annotations[KnativeNames.RoutesAnnotation] = service.Metadata.Name;
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

    private static void CopyRoute(JsonObject status, KubeObject route)
    {
        var tree = route.ToTree()["status"];
        foreach (var field in (ReadOnlySpan<string>)["url", "address", "traffic"])
        {
            if (tree?[field] is { } value)
            {
                status[field] = value.DeepClone();
            }
        }
    }

    private static void CopyRoute(JsonObject status, KServiceStatus before)
    {
        Put(status, "url", before.Url);
        if (before.Address is { } address)
        {
            status["address"] = new JsonObject { ["url"] = address.Url };
        }
        if (before.Traffic.Count > 0)
        {
            status["traffic"] = new JsonArray([.. before.Traffic.Select(t => (JsonNode)TrafficJson.Write(t))]);
        }
    }

    private static void Put(JsonObject status, string name, string value)
    {
        if (value.Length > 0)
        {
            status[name] = value;
        }
    }
}
