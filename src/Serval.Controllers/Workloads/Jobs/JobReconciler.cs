using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Batch;
using Serval.Api.Core;
using Serval.Kube;

namespace Serval.Controllers.Workloads.Jobs;

/// <summary>
/// Job → Pods (batch/v1). As many as may run at a time until as many as wanted have succeeded; then, or when too much failed, the rest is stopped and
/// the end is said. What has ended is in the <see cref="JobLedger"/>, so pods need no finalizers.
/// </summary>
internal sealed class JobReconciler(IKubeClient client, NodeRoom room, IEventRecorder events, TimeProvider time) : IReconciler
{
    private const string Manager = "job-controller";
    private const string BuiltIn = "kubernetes.io/job-controller";

    private readonly ConcurrentDictionary<ObjectKey, JobLedger> _ledgers = new();
    private readonly StatusTrail _trail = new(time);
    private readonly EventReporter _events = new(events, Manager);
    private readonly PodMaker _pods = new(client, room, events, Manager);

    public string Name => Manager;

    public ResourceKind Kind => BatchKinds.Job;

    public IEnumerable<ReconcilerWatch> Watches => [ReconcilerWatch.Owned(Kinds.Pod, BatchKinds.Job)];

    public async Task<ReconcileResult> ReconcileAsync(ObjectKey key, CancellationToken ct)
    {
        if (client.Cache(BatchKinds.Job).Get(key) is not { } stored || stored.Metadata.IsDeleting || stored.As<Job>().Spec.ManagedBy is not ("" or BuiltIn))
        {
            Forget(key);
            return ReconcileResult.Done;
        }
        var job = stored.As<Job>();
        if (job.Status.Conditions.FirstOrDefault(c => c is { Type: "Complete" or "Failed", Status: "True" }) is { } end)
        {
            Forget(key);
            return await ExpireAsync(stored, job, end, ct);
        }
        var now = time.GetUtcNow();
        var pods = PodsOf(stored);
        var ledger = _ledgers.AddOrUpdate(key, _ => JobLedger.Open(job, Views(pods)), (_, l) => l.Uid == stored.Metadata.Uid ? l : JobLedger.Open(job, Views(pods)));
        ledger.Count(job, Views(pods));
        var active = pods.Where(p => PodFacts.IsActive(p.As<Pod>())).ToList();
        var verdict = JobVerdict.Of(job, ledger, [.. Views(active)], now);
        TimeSpan? again = null;
        if (verdict is not null || job.Spec.Suspend)
        {
            await _pods.DeleteAsync(stored, active, ct);
        }
        else if (!Namespaces.IsClosing(client, key.Namespace))
        {
            again = await ScaleAsync(stored, job, ledger, pods, now, ct);
        }
        if (await ReportAsync(stored, job, ledger, verdict, ct) is { } wait)
        {
            return ReconcileResult.After(wait);
        }
        return new ReconcileResult(Sooner(again, verdict is null ? JobVerdict.Deadline(job) - now : null));
    }

    private List<KubeObject> PodsOf(KubeObject job) => [.. client.Cache(Kinds.Pod).OwnedBy(job.Metadata.Uid)];

    private static IEnumerable<Pod> Views(IEnumerable<KubeObject> pods) => pods.Select(p => p.As<Pod>());

    private void Forget(ObjectKey key)
    {
        _ledgers.TryRemove(key, out _);
        _trail.Forget(key);
    }

    /// <summary>A job that has ended is deleted when its time has come, and its pods after it.</summary>
    private async Task<ReconcileResult> ExpireAsync(KubeObject stored, Job job, Condition end, CancellationToken ct)
    {
        if (job.Spec.TtlSecondsAfterFinished is not { } seconds)
        {
            return ReconcileResult.Done;
        }
        var left = (end.LastTransitionTime ?? time.GetUtcNow()) + TimeSpan.FromSeconds(seconds) - time.GetUtcNow();
        if (left > TimeSpan.Zero)
        {
            return ReconcileResult.After(left);
        }
        await OwnedObjects.DeleteIfPresentAsync(client, BatchKinds.Job, stored, ct);
        return ReconcileResult.Done;
    }

    /// <returns>When to look again, for a pod that waits for the back-off.</returns>
    private async Task<TimeSpan?> ScaleAsync(KubeObject stored, Job job, JobLedger ledger, List<KubeObject> pods, DateTimeOffset now, CancellationToken ct)
    {
        var active = pods.Where(p => PodFacts.IsActive(p.As<Pod>())).ToList();
        var ending = job.Spec.PodReplacementPolicy == "Failed" ? Views(pods).Count(p => p.Metadata.IsDeleting && !PodFacts.IsFinished(p)) : 0;
        var wanted = job.Spec.Completions is { } completions ? Math.Min(job.Spec.Parallelism, completions - ledger.Succeeded)
            : ledger.Succeeded > 0 ? Math.Min(job.Spec.Parallelism, active.Count)
            : job.Spec.Parallelism;
        if (active.Count > wanted)
        {
            var surplus = active.OrderBy(p => PodFacts.IsReady(p.As<Pod>())).ThenByDescending(p => p.Version).Take(active.Count - Math.Max(wanted, 0));
            await _pods.DeleteAsync(stored, surplus, ct);
            return null;
        }
        var missing = Math.Min(wanted - active.Count - ending, ReplicaSetReconciler.BurstReplicas);
        if (missing <= 0)
        {
            return null;
        }
        if (ledger.Backoff(now) is { Ticks: > 0 } wait)
        {
            return wait;
        }
        await Task.WhenAll(Edits(job, ledger, pods).Take(missing).Select(edit => _pods.CreateAsync(stored, job.Spec.Template.Spec, edit, ct)));
        return null;
    }

    /// <summary>What each further pod has that the template has not: an indexed job's has the next index that nobody has or did.</summary>
    private static IEnumerable<Action<JsonObject, JsonObject>?> Edits(Job job, JobLedger ledger, List<KubeObject> pods)
    {
        if (ledger.Indexes is not { } done)
        {
            return Enumerable.Repeat<Action<JsonObject, JsonObject>?>(null, int.MaxValue);
        }
        var taken = Views(pods).Where(PodFacts.IsActive).Select(JobIndexes.Of).ToHashSet();
        return Enumerable.Range(0, job.Spec.Completions ?? 0).Where(i => !done.Contains(i) && !taken.Contains(i))
            .Select(i => (Action<JsonObject, JsonObject>)((metadata, spec) => Number(job.Metadata.Name, i, metadata, spec)));
    }

    private static void Number(string job, int index, JsonObject metadata, JsonObject spec)
    {
        var text = index.ToString(CultureInfo.InvariantCulture);
        metadata["generateName"] = $"{job}-{text}-";
        foreach (var field in (ReadOnlySpan<string>)["annotations", "labels"])
        {
            (metadata[field] ??= new JsonObject())[JobIndexes.Annotation] = text;
        }
        spec["hostname"] = $"{job}-{text}";
        foreach (var container in (spec["containers"] as JsonArray ?? []).Concat(spec["initContainers"] as JsonArray ?? []).OfType<JsonObject>())
        {
            var env = container["env"] as JsonArray ?? [];
            if (!env.Any(e => (string?)e?["name"] == "JOB_COMPLETION_INDEX"))
            {
                env.Add(new JsonObject { ["name"] = "JOB_COMPLETION_INDEX", ["value"] = text });
                container["env"] = env.Parent is null ? env : container["env"];
            }
        }
    }

    /// <returns>How long the status still waits; null when it is written or right.</returns>
    private async Task<TimeSpan?> ReportAsync(KubeObject stored, Job job, JobLedger ledger, JobVerdict? verdict, CancellationToken ct)
    {
        var now = time.GetUtcNow();
        var pods = Views(PodsOf(stored)).Where(p => !PodFacts.IsFinished(p)).ToList();
        var active = pods.Where(PodFacts.IsActive).ToList();
        var isOver = verdict is not null && pods.Count == 0;
        var conditions = new DeploymentConditions(job.Status.Conditions, now);
        Say(conditions, job, verdict, isOver);
        var status = new JsonObject { ["uncountedTerminatedPods"] = new JsonObject(), ["ready"] = active.Count(PodFacts.IsReady), ["terminating"] = pods.Count - active.Count };
        status.Put("active", active.Count);
        status.Put("succeeded", ledger.Succeeded);
        status.Put("failed", ledger.Failed);
        status.Put("completedIndexes", ledger.Indexes is { } done ? JobIndexes.Text(done) : "");
        status.Put("startTime", job.Spec.Suspend ? "" : KubeTime.Text(job.Status.StartTime ?? now));
        status.Put("completionTime", isOver && verdict!.IsSuccess ? KubeTime.Text(now) : "");
        if (conditions.ToJson(updates: false) is { Count: > 0 } said)
        {
            status["conditions"] = said;
        }
        if (JsonDiff.MergePatch(StatusFields.Of(stored), status) is not null)
        {
            if (!isOver && _trail.Wait(stored.Key, waking: false) is var wait && wait > TimeSpan.Zero)
            {
                return wait;
            }
            await OwnedObjects.PatchStatusAsync(client, BatchKinds.Job, stored, status, Name, ct);
            Tell(stored, job, verdict, isOver);
        }
        _trail.Forget(stored.Key);
        return null;
    }

    private static void Say(DeploymentConditions conditions, Job job, JobVerdict? verdict, bool isOver)
    {
        if (verdict is not null)
        {
            conditions.Set(verdict.Early, "True", verdict.Reason, verdict.Message);
        }
        if (isOver)
        {
            conditions.Set(verdict!.Final, "True", verdict.Reason, verdict.Message);
        }
        else if (job.Spec.Suspend)
        {
            conditions.Set("Suspended", "True", "JobSuspended", "Job suspended");
        }
        else if (conditions["Suspended"] is { Status: "True" })
        {
            conditions.Set("Suspended", "False", "JobResumed", "Job resumed");
        }
    }

    private void Tell(KubeObject stored, Job before, JobVerdict? verdict, bool isOver)
    {
        var wasSuspended = before.Status.Conditions.Any(c => c is { Type: "Suspended", Status: "True" });
        if (isOver && verdict!.IsSuccess)
        {
            _events.Normal(stored, "Completed", "Job completed");
        }
        else if (isOver)
        {
            _events.Warning(stored, verdict!.Reason, verdict.Message);
        }
        else if (before.Spec.Suspend && !wasSuspended)
        {
            _events.Normal(stored, "Suspended", "Job suspended");
        }
        else if (!before.Spec.Suspend && wasSuspended)
        {
            _events.Normal(stored, "Resumed", "Job resumed");
        }
    }

    private static TimeSpan? Sooner(TimeSpan? a, TimeSpan? b)
    {
        var next = a is null || b < a ? b : a;
        return next is { Ticks: <= 0 } ? TimeSpan.FromMilliseconds(1) : next;
    }
}
