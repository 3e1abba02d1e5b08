using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Config;
using Serval.Api.Core;
using Serval.Api.Networking;
using Serval.Api.Serving;
using Serval.Controllers.Certificates;
using Serval.Kube;

namespace Serval.Controllers.Serving;

/// <summary>
/// Route → Ingress and placeholder Services (serving v1: route_lifecycle). While a target is not ready nothing below changes, so the last good
/// traffic goes on.
/// </summary>
internal sealed class RouteReconciler(
    IKubeClient client, ServingConfigSource config, Func<GatewayPorts> ports, IEventRecorder events, TimeProvider time, KnativeRules? rules = null) : IReconciler
{
    /// <summary>A timer knows no clock that is set: it is looked at after this time.</summary>
    private static readonly TimeSpan s_longestWait = TimeSpan.FromHours(1);

    private readonly StatusReport _report = new(time);
    private readonly EventReporter _events = new(events, "route-controller");
    private readonly RouteCertificates _certificates = new(client, new EventReporter(events, "route-controller"), "route-controller");
    private readonly RoutingState _routing = new(client, time, "route-controller");

    public string Name => "route-controller";

    public ResourceKind Kind => Kinds.Route;

    public IEnumerable<ReconcilerWatch> Watches =>
    [
        ReconcilerWatch.Owned(Kinds.KIngress, Kinds.Route),
        ReconcilerWatch.Owned(Kinds.Service, Kinds.Route),
        .. _certificates.Watches,
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
        if ((Invalid(stored) ?? plan.Problem ?? BadHost(plan, hosts)) is { } problem)
        {
            KeepTraffic(stored, route, conditions, status, problem);
            KeepScheme(stored, status, hosts);
        }
        else
        {
            conditions.MarkTrue("AllTrafficAssigned");
            var rollout = RollOut(stored, plan, out next);
            plan.Divide(rollout);
            Show(plan, hosts, status);
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

    private TrafficProblem? Invalid(KubeObject stored) => rules?.WhyInvalid(Kinds.Route, stored) is { } why ? new TrafficProblem(true, "Rejected", why) : null;

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
        RouteTls tls;
        try
        {
            tls = await _certificates.ProvideAsync(stored, plan.Targets.Keys, hosts, conditions, ct);
        }
        catch (Exception e) when (e is OwnerConflictException or ApiException { IsRejection: true })
        {
            _events.Warning(stored, "InternalError", e.Message);
            KeepServing(stored, status, hosts);
            return e is OwnerConflictException;
        }
        KubeObject ingress;
        try
        {
            await EnsurePlaceholdersAsync(stored, plan, hosts, ct);
            ingress = await ChildIngress.WriteAsync(client, stored, IngressMaker.Make(stored, plan, rollout, hosts, tls, config.Current), _events, Name, ct);
            if (tls.Hosts.Count > 0)
            {
                Show(plan, hosts with { Secure = tls.Hosts }, status);
            }
        }
        catch (OwnerConflictException e)
        {
            conditions.MarkFalse("IngressReady", "NotOwned", $"There is an existing placeholder {e.Kind.Kind} \"{e.Key.Name}\" that we do not own.");
            _events.Warning(stored, "InternalError", e.Message);
            KeepServing(stored, status, hosts);
            return true;
        }
        catch (ApiException e) when (e.IsRejection)
        {
            conditions.MarkFalse("IngressReady", "IngressNotConfigured", e.Message);
            KeepServing(stored, status, hosts);
            return false;
        }
        catch (FormatException e)
        {
            conditions.MarkFalse("IngressReady", "IngressNotConfigured", $"{e.Message}; the Ingress stays as it was");
            _events.Warning(stored, "InternalError", e.Message);
            KeepServing(stored, status, hosts);
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
    private void KeepServing(KubeObject stored, JsonObject status, RouteHosts hosts)
    {
        if (StatusFields.Of(stored)["traffic"] is not null)
        {
            StatusFields.Copy(status, stored, "traffic", "address");
        }
        KeepScheme(stored, status, hosts);
    }

    /// <summary>A host that is served with TLS goes on to be.</summary>
    private void KeepScheme(KubeObject stored, JsonObject status, RouteHosts hosts)
    {
        if (client.Cache(Kinds.KIngress).Get(stored.Key)?.As<KIngress>().Spec.Tls is { Count: > 0 } tls)
        {
            status["url"] = (hosts with { Secure = tls.SelectMany(t => t.Hosts).ToHashSet(StringComparer.Ordinal) }).Url("");
        }
    }

    private static void Show(TrafficPlan plan, RouteHosts hosts, JsonObject status)
    {
        status["url"] = hosts.Url("");
        status["traffic"] = new JsonArray([.. plan.Shown.Select(t => (JsonNode)Shown(t, hosts))]);
        status["address"] = new JsonObject { ["url"] = hosts.InternalUrl("") };
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
