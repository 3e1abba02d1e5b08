using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Apps;
using Serval.Api.Autoscaling;
using Serval.Api.Core;
using Serval.Autoscaling.Hpa;
using Serval.Controllers.Workloads;
using Serval.Kube;

namespace Serval.Controllers.Autoscaler;

/// <summary>
/// HorizontalPodAutoscaler → the scale of its Deployment, every 15 s, by the cpu or memory of its pods (kubernetes pkg/controller/podautoscaler: its
/// conditions and texts).
/// </summary>
internal sealed class HpaReconciler(IKubeClient client, IPodUsage usage, IEventRecorder events, TimeProvider time) : IReconciler
{
    internal const string Manager = "horizontal-pod-autoscaler";

    private readonly long _began = time.GetTimestamp(); // setting the machine's clock changes nothing
    private readonly EventReporter _events = new(events, Manager);
    private readonly ConcurrentDictionary<ObjectKey, Followed> _followed = new();

    public string Name => Manager;

    public ResourceKind Kind => Kinds.HorizontalPodAutoscaler;

    public async Task<ReconcileResult> ReconcileAsync(ObjectKey key, CancellationToken ct)
    {
        if (client.Cache(Kinds.HorizontalPodAutoscaler).Get(key) is not { } stored || stored.Metadata.IsDeleting)
        {
            _followed.TryRemove(key, out _);
            return ReconcileResult.Done;
        }
        var followed = _followed.GetOrAdd(key, static _ => new Followed());
        var now = time.GetElapsedTime(_began);
        if (followed.Uid == stored.Metadata.Uid && followed.Generation == stored.Metadata.Generation && now < followed.Due)
        {
            return ReconcileResult.After(followed.Due - now); // its own status, or a label
        }
        (followed.Uid, followed.Generation, followed.Due) = (stored.Metadata.Uid, stored.Metadata.Generation, now + HpaScaler.Period);
        await ScaleAsync(stored, stored.As<HorizontalPodAutoscaler>(), followed, now, ct);
        return ReconcileResult.After(HpaScaler.Period);
    }

    private async Task ScaleAsync(KubeObject stored, HorizontalPodAutoscaler view, Followed followed, TimeSpan now, CancellationToken ct)
    {
        var conditions = new DeploymentConditions(view.Status.Conditions, time.GetUtcNow());
        var target = view.Spec.ScaleTargetRef;
        var deployment = target is { Kind: "Deployment", ApiVersion: "apps/v1" }
            ? client.Cache(Kinds.Deployment).Get(new ObjectKey(stored.Metadata.Namespace, target.Name)) : null;
        if (deployment is null)
        {
            var known = conditions["AbleToScale"]?.Reason == "FailedGetScale";
            conditions.Renew("AbleToScale", "False", "FailedGetScale",
                $"the HPA controller was unable to get the target's current scale: {target.Kind.ToLowerInvariant()}s \"{target.Name}\" not found among the Deployments of apps/v1");
            if (!known)
            {
                _events.Warning(stored, "FailedGetScale", conditions["AbleToScale"]!.Message);
            }
            await ReportAsync(stored, conditions, view.Status.CurrentReplicas, 0, [], false, ct);
            return;
        }
        var current = deployment.As<Deployment>().Spec.Replicas ?? 1;
        conditions.Renew("AbleToScale", "True", "SucceededGetScale", "the HPA controller was able to get the target's current scale");
        var limits = Limits(view.Spec);
        if (current == 0)
        {
            conditions.Renew("ScalingActive", "False", "ScalingDisabled", "scaling is disabled since the replica count of the target is zero");
            await ReportAsync(stored, conditions, 0, 0, [], false, ct);
            return;
        }
        var measures = Measure(view.Spec.Metrics, Pods(deployment), followed, current, now);
        var proposed = measures.Max(m => m.Proposed);
        if (proposed is null || proposed < current && measures.Exists(m => m.Proposed is null))
        {
            var failed = measures.First(m => m.Proposed is null);
            conditions.Renew("ScalingActive", "False", failed.Reason, $"the HPA was unable to compute the replica count: {failed.Words}");
            proposed = null;
        }
        else
        {
            var by = measures.First(m => m.Proposed == proposed);
            conditions.Renew("ScalingActive", "True", "ValidMetricFound", $"the HPA was able to successfully calculate a replica count from {by.Words}");
        }
        if (proposed is null && current >= limits.Min && current <= limits.Max)
        {
            await ReportAsync(stored, conditions, current, current, measures, false, ct);
            return;
        }
        var decision = followed.Scaler.Decide(limits, current, proposed ?? current, now);
        Limited(conditions, decision);
        if (decision.Desired != current)
        {
            await client.PatchAsync(
                Kinds.Deployment, deployment.Key,
                new KubePatch(PatchType.Merge, CanonicalJson.Serialize(new JsonObject { ["spec"] = new JsonObject { ["replicas"] = decision.Desired } })),
                WriteOptions.By(Name, "scale"), ct);
            conditions.Renew("AbleToScale", "True", "SucceededRescale", $"the HPA controller was able to update the target scale to {decision.Desired}");
            _events.Normal(stored, "SuccessfulRescale", $"New size: {decision.Desired}; reason: {Why(decision, current, measures)}");
        }
        else
        {
            var (reason, message) = decision.Held switch
            {
                HpaHold.ScalingDown => ("ScaleDownStabilized", "recent recommendations were higher than current one, applying the highest recent recommendation"),
                HpaHold.ScalingUp => ("ScaleUpStabilized", "recent recommendations were lower than current one, applying the lowest recent recommendation"),
                _ => ("ReadyForNewScale", "recommended size matches current size"),
            };
            conditions.Renew("AbleToScale", "True", reason, message);
        }
        await ReportAsync(stored, conditions, current, decision.Desired, measures, decision.Desired != current, ct);
    }

    private static HpaLimits Limits(HorizontalPodAutoscalerSpec spec) => new(
        spec.MinReplicas ?? 1, spec.MaxReplicas, TimeSpan.FromSeconds(spec.Behavior.ScaleUp.StabilizationWindowSeconds ?? 0),
        TimeSpan.FromSeconds(spec.Behavior.ScaleDown.StabilizationWindowSeconds ?? 300));

    private static void Limited(DeploymentConditions conditions, HpaDecision decision) => conditions.Renew(
        "ScalingLimited", decision.Limit == HpaLimit.DesiredWithinRange ? "False" : "True", decision.Limit.ToString(), decision.Limit switch
        {
            HpaLimit.TooFewReplicas => "the desired replica count is less than the minimum replica count",
            HpaLimit.TooManyReplicas => "the desired replica count is more than the maximum replica count",
            HpaLimit.ScaleUpLimit => "the desired replica count is increasing faster than the maximum scale rate",
            _ => "the desired count is within the acceptable range",
        });

    private static string Why(HpaDecision decision, int current, List<Measured> measures) => decision.Limit switch
    {
        HpaLimit.TooManyReplicas when decision.Desired < current => "Current number of replicas above Spec.MaxReplicas",
        HpaLimit.TooFewReplicas when decision.Desired > current => "Current number of replicas below Spec.MinReplicas",
        _ when decision.Desired < current => "All metrics below target",
        _ => $"{measures.MaxBy(m => m.Proposed)?.Words} above target",
    };

    private List<Pod> Pods(KubeObject deployment) => [.. client.Cache(Kinds.ReplicaSet).OwnedBy(deployment.Metadata.Uid)
        .SelectMany(s => client.Cache(Kinds.Pod).OwnedBy(s.Metadata.Uid)).Select(p => p.As<Pod>()).Where(PodFacts.IsActive)];

    private List<Measured> Measure(IReadOnlyList<HpaMetric> metrics, List<Pod> pods, Followed followed, int current, TimeSpan now)
    {
        var ready = pods.FindAll(PodFacts.IsReady);
        var used = ready.ConvertAll(p => followed.Sample(p.Metadata.Uid, usage.UsageOf(p.Metadata.Uid), now));
        followed.Keep(ready.Select(p => p.Metadata.Uid));
        return [.. metrics.Select(m => Measure(m, ready, used, pods.Count - ready.Count, current))];
    }

    private static Measured Measure(HpaMetric metric, List<Pod> ready, List<(double? Cpu, double? Memory)> used, int unready, int current)
    {
        if (metric is not { Type: "Resource", Resource: { Name: "cpu" or "memory" } resource })
        {
            return new Measured(null, "InvalidMetricSourceType", $"metric source of type \"{metric.Type}\" is not served here: cpu and memory of the pods are", null);
        }
        var name = resource.Name;
        var amounts = used.ConvertAll(u => name == "cpu" ? u.Cpu : u.Memory);
        var percent = resource.Target.AverageUtilization;
        var requests = ready.ConvertAll(p => Number(PodResources.Requests(p.Spec).GetValueOrDefault(name)));
        if (percent is not null && requests.IndexOf(0) is >= 0 and var without)
        {
            return new Measured(
                null, "FailedGetResourceMetric", $"failed to get {name} utilization: missing request for {name} in Pod {ready[without].Metadata.Name}", null);
        }
        var aims = requests.ConvertAll(r => percent is { } share ? r * share / 100 : Number(PodResources.Read(resource.Target.AverageValue!.Value)));
        // A pod nobody measured is taken to use at least what it requests (upstream: fallbackUtilization).
        var missing = percent is { } p ? Math.Max(100, p) / (double)p : 1;
        if (HpaScaler.Propose(current, [.. amounts.Zip(aims, (a, aim) => a / aim)], unready, missing) is not { } proposed)
        {
            return new Measured(null, "FailedGetResourceMetric", $"failed to get {name} {(percent is null ? "usage" : "utilization")}: no pod was measured yet", null);
        }
        var sum = amounts.Sum() ?? 0;
        var average = sum / amounts.Count(a => a is not null);
        var now = new JsonObject { ["averageValue"] = name == "cpu" ? $"{Math.Ceiling(average * 1000):0}m" : Math.Ceiling(average).ToString("0", CultureInfo.InvariantCulture) };
        if (percent is not null)
        {
            now["averageUtilization"] = (int)Math.Min(int.MaxValue, Math.Round(100 * sum / requests.Zip(amounts, (r, a) => a is null ? 0 : r).Sum()));
        }
        var status = new JsonObject { ["type"] = "Resource", ["resource"] = new JsonObject { ["name"] = name, ["current"] = now } };
        return new Measured(proposed, "", $"{name} resource{(percent is null ? "" : " utilization (percentage of request)")}", status);
    }

    private static double Number(Quantity amount) => amount.MilliValue / 1000.0;

    private async Task ReportAsync(
        KubeObject stored, DeploymentConditions conditions, int current, int desired, List<Measured> measures, bool rescaled,
        CancellationToken ct)
    {
        var status = new JsonObject { ["observedGeneration"] = stored.Metadata.Generation, ["desiredReplicas"] = desired, ["conditions"] = conditions.ToJson(updates: false) };
        status.Put("currentReplicas", current);
        if (measures.Select(m => m.Status).OfType<JsonObject>().ToArray() is { Length: > 0 } shown)
        {
            status["currentMetrics"] = new JsonArray([.. shown]);
        }
        if (rescaled)
        {
            status["lastScaleTime"] = KubeTime.Text(time.GetUtcNow());
        }
        else
        {
            StatusFields.Copy(status, stored, "lastScaleTime");
        }
        await OwnedObjects.PatchStatusAsync(client, Kinds.HorizontalPodAutoscaler, stored, status, Name, ct);
    }

    /// <param name="Proposed">Replicas; null when it could not be measured.</param>
    /// <param name="Reason">Why not, in a word.</param>
    /// <param name="Words">What was measured, or why it could not be.</param>
    /// <param name="Status">As status.currentMetrics has it.</param>
    private sealed record Measured(int? Proposed, string Reason, string Words, JsonObject? Status);

    /// <summary>What is remembered of an autoscaler; one run at a time has it.</summary>
    private sealed class Followed
    {
        private readonly Dictionary<string, (TimeSpan At, TimeSpan Cpu)> _samples = [];

        internal string Uid { get; set; } = "";

        internal long Generation { get; set; }

        internal TimeSpan Due { get; set; }

        internal HpaScaler Scaler { get; } = new();

        /// <summary>Cores since the last sample, and bytes; null when there is none.</summary>
        internal (double? Cpu, double? Memory) Sample(string uid, PodUsage? now, TimeSpan at)
        {
            if (now is not { } used)
            {
                return (null, null);
            }
            at -= used.Age;
            double? cores = _samples.TryGetValue(uid, out var before) && at > before.At && used.Cpu >= before.Cpu ? (used.Cpu - before.Cpu) / (at - before.At) : null;
            _samples[uid] = (at, used.Cpu);
            return (cores, used.Memory);
        }

        internal void Keep(IEnumerable<string> uids)
        {
            foreach (var gone in _samples.Keys.Except(uids).ToList())
            {
                _samples.Remove(gone);
            }
        }
    }
}
