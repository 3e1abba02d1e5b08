using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Apps;
using Serval.Api.Core;
using Serval.Controllers.Autoscaler;
using Serval.Kube;

namespace Serval.Controllers.Workloads;

/// <summary>
/// Deployment → ReplicaSets (apps/v1). One ReplicaSet a pod template; a changed template rolls over by maxSurge and maxUnavailable.
/// When only the scale changes, the one write is the new ReplicaSet's replicas; the status trails.
/// </summary>
internal sealed class DeploymentReconciler(IKubeClient client, IEventRecorder events, TimeProvider time) : IReconciler
{
    internal const string HashLabel = "pod-template-hash";

    private const string Manager = "deployment-controller";
    private const string CreateError = "ReplicaSetCreateError";

    private readonly StatusTrail _trail = new(time);
    private readonly SteadyClock _clock = new(time);
    private readonly ConcurrentDictionary<ObjectKey, (DateTimeOffset Said, DateTimeOffset Since)> _progress = new(); // of rollouts under way
    private readonly EventReporter _events = new(events, Manager);
    private readonly ChildClaims _claims = new(
        client, Kinds.Deployment, Kinds.ReplicaSet, d => d.As<Deployment>().Spec.Selector, s => !s.Metadata.IsDeleting, Manager);

    public string Name => Manager;

    public ResourceKind Kind => Kinds.Deployment;

    public IEnumerable<ReconcilerWatch> Watches =>
    [
        .. _claims.Watches,
        new ReconcilerWatch(Kinds.Pod, Awaited),
    ];

    public async Task<ReconcileResult> ReconcileAsync(ObjectKey key, CancellationToken ct)
    {
        if (client.Cache(Kinds.Deployment).Get(key) is not { } stored || stored.Metadata.IsDeleting || Namespaces.IsClosing(client, key.Namespace))
        {
            _trail.Forget(key);
            _progress.TryRemove(key, out _);
            return ReconcileResult.Done;
        }
        var deployment = stored.As<Deployment>();
        var sets = await _claims.ClaimAsync(stored, ct);
        var template = stored.ToTree()["spec"]!["template"]!.AsObject();
        var hash = TemplateHash.Of(CanonicalJson.Serialize(template), 10);
        var current = sets.FirstOrDefault(s => s.Metadata.Label(HashLabel) == hash) ?? SetOf(template, sets);
        var old = sets.Where(s => s != current).ToList();
        var recreates = deployment.Spec.Strategy.Type == "Recreate";
        var oldFacts = old.ConvertAll(s => SetFacts.Of(s, recreates && Runs(s)));
        var plan = RolloutPlan.For(deployment, current is null ? null : SetFacts.Of(current), oldFacts);

        if (plan.Create is { } size)
        {
            current = await CreateAsync(stored, NewSet(stored, template, hash, size, oldFacts), size, ct);
        }
        else if (current is not null)
        {
            current = await UpdateAsync(stored, current, Size(current), RolloutHistory.Missing(stored, current, oldFacts), deployment.Spec.MinReadySeconds, ct);
        }
        for (var i = 0; i < old.Count; i++)
        {
            old[i] = await UpdateAsync(stored, old[i], Size(old[i]), [], null, ct);
        }
        return await ReportAsync(stored, deployment, current, old, ct);

        int? Size(KubeObject set) => plan.Sizes.TryGetValue(set.Metadata.Name, out var replicas) ? replicas : null;
    }

    /// <summary>
    /// The set that was made of the same template, whatever hash it got: that of another writer, or of a version that kept more of a template. The first
    /// made of several (kubernetes pkg/controller/deployment/util: FindNewReplicaSet).
    /// </summary>
    private static KubeObject? SetOf(JsonObject template, IReadOnlyList<KubeObject> sets)
    {
        return sets.Where(IsAlike).OrderBy(s => s.Metadata.CreationTimestamp).ThenBy(s => s.Metadata.Name, StringComparer.Ordinal).FirstOrDefault();

        bool IsAlike(KubeObject set)
        {
            var made = set.ToTree()["spec"]?["template"];
            (made?["metadata"]?["labels"] as JsonObject)?.Remove(HashLabel);
            return JsonNode.DeepEquals(made, template);
        }
    }

    /// <summary>The Deployment that waits for the end of this pod, when it does: no status tells of pods that are being stopped.</summary>
    private IEnumerable<ObjectKey> Awaited(CacheChange change)
    {
        var ns = change.New.Metadata.Namespace;
        if (change.Type == WatchEventType.Deleted && change.New.Metadata.ControllerRef is { Kind: "ReplicaSet" } set
            && client.Cache(Kinds.ReplicaSet).Get(new ObjectKey(ns, set.Name))?.Metadata.ControllerRef is { Kind: "Deployment" } owner
            && client.Cache(Kinds.Deployment).Get(new ObjectKey(ns, owner.Name)) is { } deployment
            && deployment.As<Deployment>().Spec.Strategy.Type == "Recreate")
        {
            yield return deployment.Key;
        }
    }

    /// <summary>Whether anything of it may still run, what is being stopped included.</summary>
    private bool Runs(KubeObject set) => client.Cache(Kinds.Pod).OwnedBy(set.Metadata.Uid).Any(p => !PodFacts.IsFinished(p.As<Pod>()));

    private async Task<KubeObject> CreateAsync(KubeObject deployment, KubeObject set, int replicas, CancellationToken ct)
    {
        try
        {
            var created = await client.CreateAsync(Kinds.ReplicaSet, set, WriteOptions.By(Name), ct);
            AnnounceScale(deployment, created, 0, replicas);
            return created;
        }
        catch (ApiException e) when (!e.IsNamespaceTerminating && !e.IsAlreadyExists)
        {
            var why = $"Failed to create new replica set \"{set.Metadata.Name}\": {e.Message}";
            _events.Warning(deployment, CreateError, why);
            if (e.IsRejection)
            {
                await StandStillAsync(deployment, why, ct);
            }
            throw;
        }
    }

    /// <summary>What is refused again and again is said where its author looks (kubernetes pkg/controller/deployment/sync.go: getNewReplicaSet).</summary>
    private async Task StandStillAsync(KubeObject deployment, string why, CancellationToken ct)
    {
        var view = deployment.As<Deployment>();
        if (view.Spec.ProgressDeadlineSeconds is null or int.MaxValue)
        {
            return; // its progress is nobody's matter
        }
        var conditions = new DeploymentConditions(view.Status.Conditions, time.GetUtcNow());
        if (conditions["Progressing"] is not { Status: "False", Reason: CreateError } before || before.Message != why)
        {
            conditions.Renew("Progressing", "False", CreateError, why); // of another set, whose own success may have had no time to be told
        }
        var status = deployment.ToTree()["status"] as JsonObject ?? [];
        status["conditions"] = conditions.ToJson();
        await OwnedObjects.PatchStatusAsync(client, Kinds.Deployment, deployment, status, Name, ct);
    }

    private void AnnounceScale(KubeObject deployment, KubeObject set, int from, int to)
    {
        if (from != to)
        {
            _events.Normal(deployment, "ScalingReplicaSet", $"Scaled {(from < to ? "up" : "down")} replica set {set.Metadata.Name} from {from} to {to}");
        }
    }

    /// <summary>Writes what differs, in one write.</summary>
    private async Task<KubeObject> UpdateAsync(
        KubeObject deployment, KubeObject set, int? size, JsonObject annotations, int? minReadySeconds, CancellationToken ct)
    {
        var view = set.As<ReplicaSet>();
        var spec = new JsonObject();
        if (size is { } replicas)
        {
            foreach (var (key, value) in ScaleAnnotations(deployment).Where(a => set.Metadata.Annotation(a.Key) != a.Value))
            {
                annotations[key] = value;
            }
            if (view.Spec.Replicas != replicas)
            {
                spec["replicas"] = replicas;
            }
        }
        if (minReadySeconds is { } seconds && view.Spec.MinReadySeconds != seconds)
        {
            spec["minReadySeconds"] = seconds;
        }
        var patch = new JsonObject();
        if (annotations.Count > 0)
        {
            patch["metadata"] = new JsonObject { ["annotations"] = annotations };
        }
        if (spec.Count > 0)
        {
            patch["spec"] = spec;
        }
        if (patch.Count == 0)
        {
            return set;
        }
        var changed = await client.PatchAsync(
            Kinds.ReplicaSet, set.Key, new KubePatch(PatchType.Merge, CanonicalJson.Serialize(patch)), WriteOptions.By(Name), ct);
        AnnounceScale(deployment, set, view.Spec.Replicas ?? 1, size ?? view.Spec.Replicas ?? 1);
        return changed;
    }

    private static Dictionary<string, string> ScaleAnnotations(KubeObject deployment)
    {
        var budget = RollingBudget.Of(deployment.As<Deployment>());
        return new()
        {
            [SetFacts.DesiredAnnotation] = budget.Desired.ToString(CultureInfo.InvariantCulture),
            [SetFacts.MaxAnnotation] = budget.Most.ToString(CultureInfo.InvariantCulture),
        };
    }

    private static KubeObject NewSet(KubeObject deployment, JsonObject template, string hash, int replicas, IReadOnlyList<SetFacts> old)
    {
        var annotations = RolloutHistory.Missing(deployment, null, old);
        foreach (var (key, value) in ScaleAnnotations(deployment))
        {
            annotations[key] = value;
        }
        var labels = template["metadata"]?["labels"]?.DeepClone() as JsonObject ?? [];
        labels[HashLabel] = hash;
        var set = OwnedObjects.New(Kinds.ReplicaSet, deployment, $"{deployment.Metadata.Name}-{hash}", labels, annotations);
        var podTemplate = template.DeepClone().AsObject();
        var metadata = podTemplate["metadata"] as JsonObject ?? [];
        podTemplate["metadata"] = metadata;
        metadata["labels"] = labels.DeepClone();
        var selector = deployment.ToTree()["spec"]!["selector"]!.DeepClone().AsObject();
        var matchLabels = selector["matchLabels"] as JsonObject ?? [];
        selector["matchLabels"] = matchLabels;
        matchLabels[HashLabel] = hash;
        var spec = new JsonObject { ["replicas"] = replicas, ["selector"] = selector, ["template"] = podTemplate };
        if (deployment.As<Deployment>().Spec.MinReadySeconds is > 0 and var seconds)
        {
            spec["minReadySeconds"] = seconds;
        }
        set["spec"] = spec;
        return KubeObject.From(set);
    }

    private async Task<ReconcileResult> ReportAsync(KubeObject stored, Deployment deployment, KubeObject? current, List<KubeObject> old, CancellationToken ct)
    {
        var currentFacts = current is null ? null : SetFacts.Of(current);
        var oldFacts = old.ConvertAll(s => SetFacts.Of(s));
        List<SetFacts> facts = currentFacts is null ? oldFacts : [currentFacts, .. oldFacts];
        var status = DeploymentStatusWriter.Write(stored, currentFacts, facts, time.GetUtcNow(), said => AgeOf(stored.Key, said), out var recheck);
        var revision = current?.Metadata.Annotation(RolloutHistory.RevisionAnnotation);
        var numbered = revision is null || revision == stored.Metadata.Annotation(RolloutHistory.RevisionAnnotation);
        if (!numbered || JsonDiff.MergePatch(stored.ToTree()["status"] as JsonObject ?? [], status) is not null)
        {
            if (_trail.Wait(stored.Key, facts.Sum(f => f.Ready) < (deployment.Spec.Replicas ?? 1)) is var wait && wait > TimeSpan.Zero)
            {
                return ReconcileResult.After(wait);
            }
            await OwnedObjects.PatchStatusAsync(client, Kinds.Deployment, stored, status, Name, ct);
            if (!numbered)
            {
                await NumberAsync(stored, revision!, ct); // after the status: a rollout without its number is one whose time has not begun
            }
        }
        _trail.Forget(stored.Key);
        if (recheck is null)
        {
            _progress.TryRemove(stored.Key, out _);
        }
        if (deployment.Spec.Paused || DeploymentStatusWriter.IsComplete(deployment, currentFacts, facts))
        {
            await CleanUpAsync(old, RolloutHistory.Surplus(oldFacts, deployment.Spec.RevisionHistoryLimit ?? 10), ct);
        }
        return new ReconcileResult(recheck);
    }

    /// <summary>How long ago a rollout last made progress; setting the machine's clock meanwhile makes that neither longer nor shorter.</summary>
    private TimeSpan AgeOf(ObjectKey key, DateTimeOffset said)
    {
        said = DateTimeOffset.FromUnixTimeSeconds(said.ToUnixTimeSeconds()); // as it is stored
        if (!_progress.TryGetValue(key, out var seen) || seen.Said != said)
        {
            _progress[key] = seen = (said, _clock.Since(said));
        }
        return _clock.Now - seen.Since;
    }

    private async Task NumberAsync(KubeObject deployment, string revision, CancellationToken ct)
    {
        var patch = new JsonObject
        {
            ["metadata"] = new JsonObject { ["annotations"] = new JsonObject { [RolloutHistory.RevisionAnnotation] = revision } },
        };
        await client.PatchAsync(
            Kinds.Deployment, deployment.Key, new KubePatch(PatchType.Merge, CanonicalJson.Serialize(patch)), WriteOptions.By(Name, "status"), ct); // as upstream: it is no change of what is wanted
    }

    private async Task CleanUpAsync(List<KubeObject> old, IEnumerable<SetFacts> surplus, CancellationToken ct)
    {
        foreach (var set in surplus)
        {
            await OwnedObjects.DeleteIfPresentAsync(client, Kinds.ReplicaSet, old.Single(s => s.Metadata.Name == set.Name), ct);
        }
    }
}
