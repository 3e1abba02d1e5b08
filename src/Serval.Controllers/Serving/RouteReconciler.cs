using System.Globalization;
using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Networking;
using Serval.Api.Serving;
using Serval.Kube;

namespace Serval.Controllers.Serving;

/// <summary>
/// Route → Ingress and placeholder Services (serving v1: route_lifecycle). While a target is not ready nothing below changes, so the last good
/// traffic goes on.
/// </summary>
internal sealed class RouteReconciler(
    IKubeClient client, ServingConfigSource config, Func<int> httpPort, IEventRecorder events, TimeProvider time) : IReconciler
{
    private readonly StatusReport _report = new(time);
    private readonly EventReporter _events = new(events, "route-controller");

    public string Name => "route-controller";

    public ResourceKind Kind => Kinds.Route;

    public IEnumerable<ReconcilerWatch> Watches =>
    [
        ReconcilerWatch.Owned(Kinds.KIngress, Kinds.Route),
        ReconcilerWatch.Owned(Kinds.Service, Kinds.Route),
        new ReconcilerWatch(Kinds.Configuration, change => RoutesTo(change.New.Metadata.Namespace, change.New.Metadata.Name)),
        new ReconcilerWatch(Kinds.Revision, change =>
            RoutesTo(change.New.Metadata.Namespace, change.New.Metadata.Label(KnativeNames.ConfigurationLabel) ?? "", change.New.Metadata.Name)),
        ServingConfigSource.RunAll(client, Kinds.Route),
    ];

    public async Task<ReconcileResult> ReconcileAsync(ObjectKey key, CancellationToken ct)
    {
        if (client.Cache(Kinds.Route).Get(key) is not { } stored || stored.Metadata.IsDeleting)
        {
            return ReconcileResult.Done;
        }
        var route = stored.As<Route>();
        var hosts = new RouteHosts(stored, config.Current, httpPort());
        var conditions = new ConditionSet(
            route.Status.Conditions, time.GetUtcNow(), "AllTrafficAssigned", "IngressReady", "CertificateProvisioned");
        var status = new JsonObject { ["observedGeneration"] = stored.Metadata.Generation, ["url"] = hosts.Url("") };
        var plan = TrafficPlan.Make(client, stored, route);
        if (plan.Problem is { } problem)
        {
            KeepTraffic(stored, route, conditions, status, problem);
        }
        else
        {
            conditions.MarkTrue("AllTrafficAssigned");
            status["traffic"] = new JsonArray([.. plan.Shown.Select(t => (JsonNode)Shown(t, hosts))]);
            status["address"] = new JsonObject { ["url"] = $"http://{hosts.Internal("")}" };
            await ProgramAsync(stored, plan, hosts, conditions, ct);
        }
        status["conditions"] = conditions.ToJson();
        return await _report.WriteAsync(client, Kinds.Route, stored, status, conditions.Ready, Name, ct);
    }

    private static void KeepTraffic(KubeObject stored, Route route, ConditionSet conditions, JsonObject status, TrafficProblem problem)
    {
        if (problem.IsFailure)
        {
            conditions.MarkFalse("AllTrafficAssigned", problem.Reason, problem.Message);
        }
        else
        {
            conditions.MarkUnknown("AllTrafficAssigned", problem.Reason, problem.Message);
        }
        if (stored.Metadata.Generation != route.Status.ObservedGeneration)
        {
            conditions.MarkUnknown("IngressReady", "IngressNotConfigured", "Ingress has not yet been reconciled.");
        }
        var before = stored.ToTree()["status"];
        foreach (var field in (ReadOnlySpan<string>)["traffic", "address"])
        {
            if (before?[field] is { } value)
            {
                status[field] = value.DeepClone();
            }
        }
    }

    private async Task ProgramAsync(KubeObject stored, TrafficPlan plan, RouteHosts hosts, ConditionSet conditions, CancellationToken ct)
    {
        conditions.MarkTrue("CertificateProvisioned", "TLSNotEnabled", "external-domain-tls is not enabled");
        KubeObject ingress;
        try
        {
            await EnsurePlaceholdersAsync(stored, plan, hosts, ct);
            var isNew = client.Cache(Kinds.KIngress).Get(stored.Key) is null;
            ingress = await OwnedObjects.MirrorAsync(
                client, Kinds.KIngress, IngressMaker.Make(stored, plan, hosts, config.Current), _ => false, Name, ct);
            if (isNew)
            {
                _events.Normal(stored, "Created", $"Created Ingress \"{ingress.Metadata.Name}\"");
            }
        }
        catch (OwnerConflictException e)
        {
            conditions.MarkFalse("IngressReady", "NotOwned", $"There is an existing placeholder {e.Kind.Kind} \"{e.Key.Name}\" that we do not own.");
            _events.Warning(stored, "InternalError", e.Message);
            return;
        }
        await LabelRevisionsAsync(stored, plan, ct);
        var state = ingress.As<KIngress>().Status;
        if (ingress.Metadata.Generation != state.ObservedGeneration)
        {
            conditions.MarkUnknown("IngressReady", "IngressNotConfigured", "Ingress has not yet been reconciled.");
        }
        else
        {
            conditions.Take("IngressReady", state.Conditions.FirstOrDefault(c => c.Type == "Ready"), "IngressNotConfigured");
        }
    }

    private static JsonObject Shown(PlannedTarget target, RouteHosts hosts) => TrafficJson.Write(new TrafficTarget
    {
        RevisionName = target.RevisionName,
        LatestRevision = target.LatestRevision,
        Percent = target.Percent,
        Tag = target.Tag,
        Url = target.Tag.Length > 0 ? hosts.Url(target.Tag) : "",
    });

    /// <summary>One Service a host name, so that <c>http://hello.default.svc.cluster.local</c> has an object; stale tags' are deleted.</summary>
    private async Task EnsurePlaceholdersAsync(KubeObject stored, TrafficPlan plan, RouteHosts hosts, CancellationToken ct)
    {
        var wanted = new HashSet<string>();
        foreach (var tag in plan.Targets.Keys)
        {
            var name = hosts.ServiceName(tag);
            wanted.Add(name);
            var labels = JsonMaps.ToJson(stored.Metadata.Labels, key => key != KnativeNames.VisibilityLabel);
            labels[KnativeNames.RouteLabel] = stored.Metadata.Name;
            var service = OwnedObjects.New(Kinds.Service, stored, name, labels);
            service["spec"] = new JsonObject
            {
                ["type"] = "ExternalName",
                ["externalName"] = ControllerSets.GatewayHost,
                ["sessionAffinity"] = "None",
                ["ports"] = new JsonArray(new JsonObject { ["name"] = "http2", ["port"] = 80, ["targetPort"] = 80 }),
            };
            var isNew = client.Cache(Kinds.Service).Get(new ObjectKey(stored.Metadata.Namespace, name)) is null;
            await OwnedObjects.EnsureAsync(client, Kinds.Service, service, Name, ct);
            if (isNew)
            {
                _events.Normal(stored, "Created", $"Created placeholder service \"{name}\"");
            }
        }
        foreach (var stale in client.Cache(Kinds.Service).OwnedBy(stored.Metadata.Uid).Where(s => !wanted.Contains(s.Metadata.Name)))
        {
            await OwnedObjects.DeleteIfPresentAsync(client, Kinds.Service, stale, ct);
        }
    }

    /// <summary>Revisions that this route sends to are active, the others of its configurations are in reserve (serving: reconciler/labeler).</summary>
    private async Task LabelRevisionsAsync(KubeObject stored, TrafficPlan plan, CancellationToken ct)
    {
        var active = plan.Shown.Select(t => t.RevisionName).ToHashSet();
        var configurations = plan.Shown.Select(t => t.ConfigurationName).Where(c => c.Length > 0).Distinct();
        foreach (var name in configurations)
        {
            if (client.Cache(Kinds.Configuration).Get(new ObjectKey(stored.Metadata.Namespace, name)) is not { } configuration)
            {
                continue;
            }
            var newest = configuration.As<Configuration>().Status.LatestCreatedRevisionName;
            foreach (var revision in client.Cache(Kinds.Revision).OwnedBy(configuration.Metadata.Uid))
            {
                var isNewest = revision.Metadata.Name == newest; // may get traffic the moment it is ready
                var state = active.Contains(revision.Metadata.Name) || isNewest && !ConfigurationReconciler.IsReady(revision)
                    ? KnativeNames.RoutingActive
                    : KnativeNames.RoutingReserve;
                await LabelAsync(stored, revision, state, ct);
            }
        }
    }

    private async Task LabelAsync(KubeObject route, KubeObject revision, string state, CancellationToken ct)
    {
        if (revision.Metadata.Label(KnativeNames.RoutingStateLabel) == state)
        {
            return;
        }
        var patch = new JsonObject
        {
            ["metadata"] = new JsonObject
            {
                ["labels"] = new JsonObject { [KnativeNames.RoutingStateLabel] = state },
                ["annotations"] = new JsonObject
                {
                    [KnativeNames.RoutingStateModifiedAnnotation] = time.GetUtcNow().ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture),
                    [KnativeNames.RoutesAnnotation] = state == KnativeNames.RoutingActive ? route.Metadata.Name : null,
                },
            },
        };
        await client.PatchAsync(
            Kinds.Revision, revision.Key, new KubePatch(PatchType.Merge, CanonicalJson.Serialize(patch)), WriteOptions.By(Name), ct);
    }

    private IEnumerable<ObjectKey> RoutesTo(string ns, string configuration, string revision = "")
    {
        if (client.Cache(Kinds.Route).Get(new ObjectKey(ns, configuration)) is { } own)
        {
            yield return own.Key; // a Knative Service's route has the configuration's name: no search for the common case
        }
        foreach (var route in client.Cache(Kinds.Route).List(ns))
        {
            if (route.Metadata.Name != configuration && route.Metadata.ControllerRef is null
                && route.As<Route>().Spec.Traffic.Any(t => t.ConfigurationName == configuration || revision.Length > 0 && t.RevisionName == revision))
            {
                yield return route.Key;
            }
        }
    }
}
