using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Autoscaling;
using Serval.Api.Networking;
using Serval.Api.Serving;
using Serval.Autoscaling;
using Serval.Controllers.Workloads;
using Serval.Kube;

namespace Serval.Controllers.Autoscaler;

/// <summary>
/// PodAutoscaler → ServerlessService and Metric, and the status that says how far it is (knative/serving: reconciler/autoscaling/kpa).
/// The scale itself is <see cref="AutoscalerHost"/>'s; of class hpa it is that of a HorizontalPodAutoscaler made in the Metric's place
/// (reconciler/autoscaling/hpa). While a revision activates its status trails, so that a wake writes none before its pod runs.
/// </summary>
internal sealed class PodAutoscalerReconciler(
    IKubeClient client, AutoscalerHost host, ServingConfigSource config, IEventRecorder events, TimeProvider time) : IReconciler
{
    private readonly StatusTrail _trail = new(time);
    private readonly StatusTrail _modes = new(time);
    private readonly EventReporter _events = new(events, "podautoscaler-controller");

    public string Name => "autoscaler";

    public ResourceKind Kind => Kinds.PodAutoscaler;

    public int Concurrency => 8;

    public IEnumerable<ReconcilerWatch> Watches =>
    [
        ReconcilerWatch.Owned(Kinds.ServerlessService, Kinds.PodAutoscaler),
        ReconcilerWatch.Owned(Kinds.Metric, Kinds.PodAutoscaler),
        ReconcilerWatch.Owned(Kinds.HorizontalPodAutoscaler, Kinds.PodAutoscaler),
        ReconcilerWatch.Labelled(Kinds.Deployment, KnativeNames.RevisionLabel),
        new ReconcilerWatch(Kinds.Pod, change => change.New.Metadata.Label(KnativeNames.RevisionLabel) is { Length: > 0 } revision
            && RevisionFacts.ReadinessChanged(change) ? [new ObjectKey(change.New.Metadata.Namespace, revision)] : []),
    ];

    public void Started(Action<ObjectKey> enqueue)
    {
        host.Changed = enqueue;
        config.RunAll(client, Kinds.PodAutoscaler, enqueue);
    }

    public async Task<ReconcileResult> ReconcileAsync(ObjectKey key, CancellationToken ct)
    {
        if (client.Cache(Kinds.PodAutoscaler).Get(key) is not { } stored || stored.Metadata.IsDeleting)
        {
            host.Forget(key);
            _trail.Forget(key);
            _modes.Forget(key);
            return ReconcileResult.Done;
        }
        var autoscaler = stored.As<PodAutoscaler>();
        var conditions = new ConditionSet(
            autoscaler.Status.Conditions, time.GetUtcNow(), AutoscalerConditions.Active, AutoscalerConditions.Initialised, AutoscalerConditions.ServiceReady);
        try
        {
            var annotations = new AutoscalingAnnotations(stored.Metadata.Annotations, config.Current.Autoscaler);
            var byUse = annotations.Class == AutoscalingAnnotations.Hpa;
            var mode = byUse ? ServerlessMode.ByUse : client.Cache(Kinds.ServerlessService).Get(key)?.As<ServerlessService>().Spec
                ?? ServerlessMode.AtFirst(ScalingSpecs.From(autoscaler, config.Current), config.Current.Autoscaler.ActivatorCapacity);
            var serverless = await OwnedObjects.EnsureAsync(client, Kinds.ServerlessService, MakeServerless(stored, autoscaler, mode), Name, ct);
            var scaler = byUse
                ? await OwnedObjects.MirrorAsync(client, Kinds.HorizontalPodAutoscaler, HpaMaker.Make(stored, autoscaler, annotations), static _ => false, Name, ct)
                : await OwnedObjects.EnsureAsync(client, Kinds.Metric, MakeMetric(stored, annotations), Name, ct);
            await RemoveAsync(byUse ? Kinds.Metric : Kinds.HorizontalPodAutoscaler, stored, ct);
            return await ReportAsync(stored, autoscaler, conditions, serverless, scaler, ct);
        }
        catch (OwnerConflictException e)
        {
            conditions.MarkFalse(AutoscalerConditions.Active, "NotOwned", $"There is an existing {e.Kind.Kind} \"{e.Key.Name}\" that we do not own.");
            _events.Warning(stored, "InternalError", e.Message);
            await WriteAsync(stored, [], conditions, ct);
            return ReconcileResult.Done;
        }
    }

    private async Task<ReconcileResult> ReportAsync(
        KubeObject stored, PodAutoscaler autoscaler, ConditionSet conditions, KubeObject serverless, KubeObject scaler, CancellationToken ct)
    {
        var decision = host.Follow(stored.Key);
        var byUse = scaler.Kind == Kinds.HorizontalPodAutoscaler.Kind;
        var spec = ScalingSpecs.From(autoscaler, config.Current);
        var deployment = RevisionFacts.Target(client, stored.Key, autoscaler);
        var replicas = RevisionFacts.Replicas(deployment);
        var ready = RevisionFacts.Ready(client, deployment);
        var want = deployment is null ? ScaleDecision.Unknown
            : byUse ? scaler.As<HorizontalPodAutoscaler>().Status.DesiredReplicas is > 0 and var wanted ? wanted : replicas
            : decision?.Desired ?? replicas;
        var names = serverless.As<ServerlessService>().Status;
        var threshold = spec.ActiveThreshold(conditions.IsTrue(AutoscalerConditions.Initialised));
        AutoscalerConditions.MarkTarget(conditions, ready, threshold, names.PrivateServiceName.Length > 0);
        if (byUse)
        {
            conditions.MarkTrue(AutoscalerConditions.Active); // it never goes to zero
        }
        else
        {
            AutoscalerConditions.MarkActive(conditions, want, ready, threshold);
        }
        MarkUnsupported(conditions, autoscaler);
        var status = new JsonObject
        {
            ["actualScale"] = ready,
            ["desiredScale"] = want < 0 && autoscaler.Status.DesiredScale is >= 0 and { } before ? before : want,
        };
        if (names.PrivateServiceName.Length > 0)
        {
            status["serviceName"] = names.ServiceName;
            status["metricsServiceName"] = names.PrivateServiceName;
        }
        var excess = decision?.Inputs.ExcessBurst ?? spec.ExcessBurstCapacity(ready, panic: 0);
        var mode = byUse ? ServerlessMode.ByUse : ServerlessMode.Of(spec, want, ready, excess, config.Current.Autoscaler.ActivatorCapacity);
        var modeWait = await ShowModeAsync(stored, autoscaler, serverless, mode, waking: want > ready, ct);
        if (conditions[AutoscalerConditions.Active]?.Status == "Unknown" && _trail.Wait(stored.Key, waking: true) is var wait && wait > TimeSpan.Zero)
        {
            return ReconcileResult.After(modeWait > TimeSpan.Zero && modeWait < wait ? modeWait : wait);
        }
        await WriteAsync(stored, status, conditions, ct);
        _trail.Forget(stored.Key);
        if (!byUse)
        {
            await WriteMetricAsync(scaler, ct);
        }
        return modeWait > TimeSpan.Zero ? ReconcileResult.After(modeWait) : ReconcileResult.Done;
    }

    /// <summary>
    /// Whether Knative would have its activator in the path, for those who look: the gateway stays there. Returns how long the write still waits.
    /// </summary>
    private async Task<TimeSpan> ShowModeAsync(
        KubeObject stored, PodAutoscaler autoscaler, KubeObject serverless, ServerlessServiceSpec mode, bool waking, CancellationToken ct)
    {
        var shown = serverless.As<ServerlessService>();
        if (shown.Status.PrivateServiceName.Length > 0 && (shown.Spec.Mode != mode.Mode || shown.Spec.NumActivators != mode.NumActivators))
        {
            if (_modes.Wait(stored.Key, waking) is var wait && wait > TimeSpan.Zero)
            {
                return wait;
            }
            await OwnedObjects.EnsureAsync(client, Kinds.ServerlessService, MakeServerless(stored, autoscaler, mode), Name, ct);
        }
        _modes.Forget(stored.Key);
        return TimeSpan.Zero;
    }

    private async Task WriteAsync(KubeObject stored, JsonObject status, ConditionSet conditions, CancellationToken ct)
    {
        if (stored.As<PodAutoscaler>().Status.ServiceName.Length == 0 && !status.ContainsKey("serviceName"))
        {
            // The definition requires both names of every status, empty ones too: an API server that holds it to that refuses the rest.
            status["serviceName"] = "";
            status["metricsServiceName"] = "";
        }
        status["observedGeneration"] = stored.Metadata.Generation;
        status["conditions"] = conditions.ToJson();
        await OwnedObjects.PatchStatusAsync(client, Kinds.PodAutoscaler, stored, status, Name, ct);
    }

    /// <summary>What another class had made for it.</summary>
    private async Task RemoveAsync(ResourceKind kind, KubeObject stored, CancellationToken ct)
    {
        if (client.Cache(kind).Get(stored.Key) is { } left && left.Metadata.ControllerRef?.Uid == stored.Metadata.Uid)
        {
            await OwnedObjects.DeleteIfPresentAsync(client, kind, left, ct);
        }
    }

    /// <summary>Metrics come with the gateways' reports: there is nothing to scrape that could fail.</summary>
    private async Task WriteMetricAsync(KubeObject metric, CancellationToken ct)
    {
        var conditions = new ConditionSet(metric.As<Metric>().Status.Conditions, time.GetUtcNow());
        conditions.MarkTrue("Ready");
        var status = new JsonObject { ["observedGeneration"] = metric.Metadata.Generation, ["conditions"] = conditions.ToJson() };
        await OwnedObjects.PatchStatusAsync(client, Kinds.Metric, metric, status, Name, ct);
    }

    private void MarkUnsupported(ConditionSet conditions, PodAutoscaler autoscaler)
    {
        const string Type = "MetricSupported";
        if (ScalingSpecs.Unsupported(autoscaler, config.Current) is { Length: > 0 } what)
        {
            conditions.MarkFalse(Type, "NotSupported", what, "Info");
        }
        else
        {
            conditions.Clear(Type);
        }
    }

    private static JsonObject MakeServerless(KubeObject stored, PodAutoscaler autoscaler, ServerlessServiceSpec mode)
    {
        var annotations = JsonMaps.ToJson(stored.Metadata.Annotations, key => key != AutoscalingAnnotations.MetricKey);
        var serverless = OwnedObjects.New(Kinds.ServerlessService, stored, stored.Metadata.Name, JsonMaps.ToJson(stored.Metadata.Labels), annotations);
        var target = autoscaler.Spec.ScaleTargetRef;
        serverless["spec"] = new JsonObject
        {
            ["mode"] = mode.Mode,
            ["objectRef"] = new JsonObject { ["apiVersion"] = target.ApiVersion, ["kind"] = target.Kind, ["name"] = target.Name },
            ["protocolType"] = autoscaler.Spec.ProtocolType,
            ["numActivators"] = mode.NumActivators,
        };
        return serverless;
    }

    private static JsonObject MakeMetric(KubeObject stored, AutoscalingAnnotations annotations)
    {
        var metric = OwnedObjects.New(
            Kinds.Metric, stored, stored.Metadata.Name, JsonMaps.ToJson(stored.Metadata.Labels), JsonMaps.ToJson(stored.Metadata.Annotations));
        metric["spec"] = new JsonObject
        {
            ["stableWindow"] = Nanoseconds(annotations.StableWindow),
            ["panicWindow"] = Nanoseconds(annotations.PanicWindow),
            ["scrapeTarget"] = "",
        };
        return metric;

        static long Nanoseconds(TimeSpan span) => span.Ticks * 100;
    }
}
