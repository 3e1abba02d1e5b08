using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Config;
using Serval.Api.Core;
using Serval.Api.Networking;
using Serval.Api.Serving;
using Serval.Kube;

namespace Serval.Controllers.Serving;

/// <summary>
/// Route → Ingress and placeholder Services (serving v1: route_lifecycle). While a target is not ready nothing below changes, so the last good
/// traffic goes on.
/// </summary>
internal sealed class RouteReconciler(
    IKubeClient client, ServingConfigSource config, Func<GatewayPorts> ports, IEventRecorder events, TimeProvider time) : IReconciler
{
    /// <summary>A timer knows no clock that is set: it is looked at after this time.</summary>
    private static readonly TimeSpan s_longestWait = TimeSpan.FromHours(1);

    private readonly StatusReport _report = new(time);
    private readonly EventReporter _events = new(events, "route-controller");
    private readonly RoutingState _routing = new(client, time, "route-controller");

    public string Name => "route-controller";

    public ResourceKind Kind => Kinds.Route;

    public IEnumerable<ReconcilerWatch> Watches =>
    [
        ReconcilerWatch.Owned(Kinds.KIngress, Kinds.Route),
        ReconcilerWatch.Owned(Kinds.Service, Kinds.Route),
        .. _routing.Watches,
    ];

    public void Started(Action<ObjectKey> enqueue) => config.RunAll(client, Kinds.Route, enqueue);

    public async Task<ReconcileResult> ReconcileAsync(ObjectKey key, CancellationToken ct)
    {
        if (client.Cache(Kinds.Route).Get(key) is not { Metadata.IsDeleting: false } stored)
        {
            await _routing.ReleaseAsync(key, ct);
            return ReconcileResult.Done;
        }
        var route = stored.As<Route>();
        var hosts = RouteHosts.Of(client, stored, config.Current, ports());
        var conditions = new ConditionSet(
            route.Status.Conditions, time.GetUtcNow(), "AllTrafficAssigned", "IngressReady", "CertificateProvisioned");
        var status = new JsonObject { ["observedGeneration"] = stored.Metadata.Generation, ["url"] = hosts.Url("") };
        var plan = TrafficPlan.Make(client, stored, route);
        TimeSpan? next = null;
        var rejected = false;
        if ((plan.Problem ?? BadHost(plan, hosts)) is { } problem)
        {
            KeepTraffic(stored, route, conditions, status, problem);
        }
        else
        {
            conditions.MarkTrue("AllTrafficAssigned");
            var rollout = RollOut(stored, plan, out next);
            plan.Divide(rollout);
            status["traffic"] = new JsonArray([.. plan.Shown.Select(t => (JsonNode)Shown(t, hosts))]);
            status["address"] = new JsonObject { ["url"] = hosts.InternalUrl("") };
            rejected = !await ProgramAsync(stored, plan, rollout, hosts, status, conditions, ct);
        }
        status["conditions"] = conditions.ToJson();
        var result = await _report.WriteAsync(client, Kinds.Route, stored, status, conditions.Ready, Name, ct);
        await _routing.SyncAsync(stored, route, plan, ct);
        if (rejected && result.RequeueAfter is null)
        {
            return ReconcileResult.After(RevisionReconciler.RejectedRetry); // what refused it may change its mind, and tells nobody
        }
        return result.RequeueAfter is null && next is { } step ? ReconcileResult.After(step < s_longestWait ? step : s_longestWait) : result;
    }

    /// <summary>Every host must be a domain name (knative/serving: reconciler/route/domains).</summary>
    private static TrafficProblem? BadHost(TrafficPlan plan, RouteHosts hosts) => plan.Targets.Keys
        .Select(tag => hosts.IsClusterLocal(tag) ? hosts.Internal(tag) : hosts.External(tag))
        .Select(host => Names.FullyQualified("url", host) is { } why ? new TrafficProblem(true, "ErrorConfig", $"domain name error: invalid domain name \"{host}\": {why}") : null)
        .FirstOrDefault(p => p is not null);

    /// <summary>Where traffic is to be now: all with the latest revisions, or some steps on the way there.</summary>
    private Rollout RollOut(KubeObject stored, TrafficPlan plan, out TimeSpan? next)
    {
        next = null;
        var goal = Rollout.Of(plan);
        var ingress = client.Cache(Kinds.KIngress).Get(stored.Key);
        if (RolloutDuration(stored) is var duration && duration <= TimeSpan.Zero
            || RolloutText.Read(ingress?.Metadata.Annotation(KnativeNames.RolloutAnnotation)) is not { } before)
        {
            return goal;
        }
        var now = (time.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks * TimeSpan.NanosecondsPerTick;
        var state = ingress!.As<KIngress>().Status;
        if (state.ObservedGeneration == ingress.Metadata.Generation && state.Conditions.Any(c => c is { Type: "Ready", Status: "True" }))
        {
            before = before.Observe(now, duration);
        }
        var rollout = goal.Step(before.Without(name => client.Cache(Kinds.Revision).Get(new ObjectKey(stored.Metadata.Namespace, name)) is null), now);
        next = rollout.Next(now);
        return rollout;
    }

    private TimeSpan RolloutDuration(KubeObject route)
    {
        var asked = KnativeNames.First(route.Metadata.Annotations, KnativeNames.RolloutDurationAnnotation, KnativeNames.RolloutDurationLegacyAnnotation);
        return GoDuration.TryParse(asked, out var duration) && duration > TimeSpan.Zero ? duration : config.Current.Network.RolloutDuration;
    }

    private void KeepTraffic(KubeObject stored, Route route, ConditionSet conditions, JsonObject status, TrafficProblem problem)
    {
        if (problem.IsFailure)
        {
            conditions.MarkFalse("AllTrafficAssigned", problem.Reason, problem.Message);
            if (problem.Reason == "ErrorConfig")
            {
                _events.Warning(stored, "InternalError", problem.Message);
            }
        }
        else
        {
            conditions.MarkUnknown("AllTrafficAssigned", problem.Reason, problem.Message);
        }
        if (stored.Metadata.Generation != route.Status.ObservedGeneration)
        {
            ChildIngress.MarkUnconfigured(conditions);
        }
        StatusFields.Copy(status, stored, "traffic", "address");
    }

    /// <returns>Whether nothing was refused that is to be tried again.</returns>
    private async Task<bool> ProgramAsync(
        KubeObject stored, TrafficPlan plan, Rollout rollout, RouteHosts hosts, JsonObject status, ConditionSet conditions, CancellationToken ct)
    {
        conditions.MarkTrue("CertificateProvisioned", "TLSNotEnabled", "external-domain-tls is not enabled");
        KubeObject ingress;
        try
        {
            await EnsurePlaceholdersAsync(stored, plan, hosts, ct);
            ingress = await ChildIngress.WriteAsync(client, stored, IngressMaker.Make(stored, plan, rollout, hosts, config.Current), _events, Name, ct);
        }
        catch (OwnerConflictException e)
        {
            conditions.MarkFalse("IngressReady", "NotOwned", $"There is an existing placeholder {e.Kind.Kind} \"{e.Key.Name}\" that we do not own.");
            _events.Warning(stored, "InternalError", e.Message);
            KeepServing(stored, status);
            return true;
        }
        catch (ApiException e) when (e.IsRejection)
        {
            conditions.MarkFalse("IngressReady", "IngressNotConfigured", e.Message);
            KeepServing(stored, status);
            return false;
        }
        catch (FormatException e)
        {
            conditions.MarkFalse("IngressReady", "IngressNotConfigured", $"{e.Message}; the Ingress stays as it was");
            _events.Warning(stored, "InternalError", e.Message);
            KeepServing(stored, status);
            return true;
        }
        if (!rollout.IsDone)
        {
            conditions.MarkUnknown("IngressReady", "RolloutInProgress", "A gradual rollout of the latest revision(s) is in progress.");
        }
        else
        {
            ChildIngress.Mark(conditions, ingress);
        }
        return true;
    }

    /// <summary>The Ingress was not written: the status goes on to name what it leads to.</summary>
    private static void KeepServing(KubeObject stored, JsonObject status)
    {
        if (StatusFields.Of(stored)["traffic"] is not null)
        {
            StatusFields.Copy(status, stored, "traffic", "address");
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
            var annotations = JsonMaps.ToJson(stored.Metadata.Annotations, key => key != ServiceReconciler.LastApplied);
            var service = OwnedObjects.New(Kinds.Service, stored, name, labels, annotations);
            service["spec"] = new JsonObject
            {
                ["type"] = "ExternalName",
                ["externalName"] = ControllerSets.PrivateGatewayHost,
                ["sessionAffinity"] = "None",
                ["ports"] = new JsonArray(new JsonObject
                {
                    ["name"] = "http2", ["port"] = 80, ["targetPort"] = 80, ["appProtocol"] = "kubernetes.io/h2c",
                }),
            };
            var isNew = client.Cache(Kinds.Service).Get(new ObjectKey(stored.Metadata.Namespace, name)) is null;
            try
            {
                await OwnedObjects.EnsureAsync(client, Kinds.Service, service, Name, ct);
            }
            catch (ApiException e) when (isNew && e.IsRejection)
            {
                _events.Warning(stored, "CreationFailed", $"Failed to create placeholder service \"{name}\": {e.Message}");
                throw;
            }
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
}
