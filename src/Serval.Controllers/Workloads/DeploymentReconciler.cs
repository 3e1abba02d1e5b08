using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Apps;
using Serval.Kube;

namespace Serval.Controllers.Workloads;

/// <summary>
/// Deployment → ReplicaSets (apps/v1). One ReplicaSet a pod template; a changed template rolls over by maxSurge and maxUnavailable.
/// When only the scale changes, the one write is the new ReplicaSet's replicas; the status trails.
/// </summary>
internal sealed class DeploymentReconciler(IKubeClient client, IEventRecorder events, TimeProvider time) : IReconciler
{
    internal const string HashLabel = "pod-template-hash";

    private readonly StatusTrail _trail = new(time);
    private readonly EventReporter _events = new(events, "deployment-controller");

    public string Name => "deployment-controller";

    public ResourceKind Kind => Kinds.Deployment;

    public IEnumerable<ReconcilerWatch> Watches => [ReconcilerWatch.Owned(Kinds.ReplicaSet, Kinds.Deployment)];

    public async Task<ReconcileResult> ReconcileAsync(ObjectKey key, CancellationToken ct)
    {
        if (client.Cache(Kinds.Deployment).Get(key) is not { } stored || stored.Metadata.IsDeleting || Namespaces.IsClosing(client, key.Namespace))
        {
            _trail.Forget(key);
            return ReconcileResult.Done;
        }
        var deployment = stored.As<Deployment>();
        var sets = client.Cache(Kinds.ReplicaSet).OwnedBy(stored.Metadata.Uid).Where(s => s.Metadata.ControllerRef?.Uid == stored.Metadata.Uid).ToList();
        if (!deployment.Spec.Paused)
        {
            sets = await RollAsync(stored, deployment, sets, ct);
        }
        return await ReportAsync(stored, deployment, sets, ct);
    }

    private async Task<List<KubeObject>> RollAsync(KubeObject stored, Deployment deployment, List<KubeObject> sets, CancellationToken ct)
    {
        var template = stored.ToTree()["spec"]!["template"]!.AsObject();
        var hash = TemplateHash.Of(CanonicalJson.Serialize(template), 10);
        var desired = deployment.Spec.Replicas ?? 1;
        var current = sets.FirstOrDefault(s => s.Metadata.Label(HashLabel) == hash);
        var old = sets.Where(s => s != current).ToList();
        var plan = RolloutPlan.For(deployment, Facts(current), [.. old.Select(s => Facts(s)!)]);

        if (current is null)
        {
            current = await CreateSetAsync(stored, NewSet(stored, template, hash, plan.Current), plan.Current, ct);
        }
        else
        {
            current = await ScaleAsync(stored, current, plan.Current, ct);
        }
        var result = new List<KubeObject> { current };
        foreach (var set in old)
        {
            var replicas = plan.Old[set.Metadata.Name];
            var status = set.As<ReplicaSet>().Status;
            if (replicas == 0 && status.Replicas == 0 && old.Count > (deployment.Spec.RevisionHistoryLimit ?? 10)
                && client.Cache(Kinds.Pod).OwnedBy(set.Metadata.Uid).Count == 0)
            {
                await OwnedObjects.DeleteIfPresentAsync(client, Kinds.ReplicaSet, set, ct);
                continue;
            }
            result.Add(await ScaleAsync(stored, set, replicas, ct));
        }
        return result;

        static SetFacts? Facts(KubeObject? set) => set is null ? null : SetFacts.Of(set);
    }

    private async Task<KubeObject> CreateSetAsync(KubeObject deployment, KubeObject set, int replicas, CancellationToken ct)
    {
        try
        {
            var created = await client.CreateAsync(Kinds.ReplicaSet, set, WriteOptions.By(Name), ct);
            AnnounceScale(deployment, created, 0, replicas);
            return created;
        }
        catch (ApiException e) when (!e.IsNamespaceTerminating && !e.IsAlreadyExists)
        {
            _events.Warning(deployment, "ReplicaSetCreateError", $"Failed to create new replica set \"{set.Metadata.Name}\": {e.Message}");
            throw;
        }
    }

    private async Task<KubeObject> ScaleAsync(KubeObject deployment, KubeObject set, int replicas, CancellationToken ct)
    {
        var before = set.As<ReplicaSet>().Spec.Replicas ?? 1;
        if (before == replicas)
        {
            return set;
        }
        var patch = CanonicalJson.Serialize(new JsonObject { ["spec"] = new JsonObject { ["replicas"] = replicas } });
        var scaled = await client.PatchAsync(Kinds.ReplicaSet, set.Key, new KubePatch(PatchType.Merge, patch), WriteOptions.By(Name), ct);
        AnnounceScale(deployment, scaled, before, replicas);
        return scaled;
    }

    private void AnnounceScale(KubeObject deployment, KubeObject set, int from, int to)
    {
        if (from != to)
        {
            _events.Normal(deployment, "ScalingReplicaSet", $"Scaled {(from < to ? "up" : "down")} replica set {set.Metadata.Name} from {from} to {to}");
        }
    }

    private static KubeObject NewSet(KubeObject deployment, JsonObject template, string hash, int replicas)
    {
        var labels = template["metadata"]?["labels"]?.DeepClone() as JsonObject ?? [];
        labels[HashLabel] = hash;
        var set = OwnedObjects.New(Kinds.ReplicaSet, deployment, $"{deployment.Metadata.Name}-{hash}", labels);
        var podTemplate = template.DeepClone().AsObject();
        var metadata = podTemplate["metadata"] as JsonObject ?? [];
        podTemplate["metadata"] = metadata;
        metadata["labels"] = labels.DeepClone();
        var selector = deployment.ToTree()["spec"]!["selector"]!.DeepClone().AsObject();
        var matchLabels = selector["matchLabels"] as JsonObject ?? [];
        selector["matchLabels"] = matchLabels;
        matchLabels[HashLabel] = hash;
        set["spec"] = new JsonObject { ["replicas"] = replicas, ["selector"] = selector, ["template"] = podTemplate };
        return KubeObject.From(set);
    }

    private async Task<ReconcileResult> ReportAsync(KubeObject stored, Deployment deployment, List<KubeObject> sets, CancellationToken ct)
    {
        var facts = sets.ConvertAll(SetFacts.Of);
        var status = DeploymentStatusWriter.Write(stored, deployment, facts, time.GetUtcNow(), out var recheck);
        if (JsonDiff.MergePatch(stored.ToTree()["status"] as JsonObject ?? [], status) is not null)
        {
            if (_trail.Wait(stored.Key, facts.Sum(f => f.Ready) < (deployment.Spec.Replicas ?? 1)) is var wait && wait > TimeSpan.Zero)
            {
                return ReconcileResult.After(wait);
            }
            await OwnedObjects.PatchStatusAsync(client, Kinds.Deployment, stored, status, Name, ct);
        }
        else
        {
            _trail.Forget(stored.Key);
        }
        return new ReconcileResult(recheck);
    }
}

/// <summary>The numbers of a ReplicaSet that a rollout is planned with.</summary>
internal sealed record SetFacts(string Name, int Spec, int Replicas, int Ready, int Available, DateTimeOffset? Created)
{
    internal static SetFacts Of(KubeObject set)
    {
        var view = set.As<ReplicaSet>();
        return new SetFacts(
            set.Metadata.Name, view.Spec.Replicas ?? 1, view.Status.Replicas, view.Status.ReadyReplicas, view.Status.AvailableReplicas,
            set.Metadata.CreationTimestamp);
    }
}
