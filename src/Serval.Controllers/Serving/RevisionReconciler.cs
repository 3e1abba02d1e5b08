using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Apps;
using Serval.Api.Autoscaling;
using Serval.Api.Core;
using Serval.Api.Serving;
using Serval.Api.Stories;
using Serval.Controllers.Workloads;
using Serval.Kube;

namespace Serval.Controllers.Serving;

/// <summary>
/// Revision → Deployment and PodAutoscaler (serving v1: revision_lifecycle). Phases in order: image digests, deployment, autoscaler, status.
/// </summary>
internal sealed class RevisionReconciler(
    IKubeClient client, IImageResolver images, ServingConfigSource config, IEventRecorder events, TimeProvider time) : IReconciler
{
    /// <summary>How often a missing image is looked for again.</summary>
    internal static readonly TimeSpan MissingImageRetry = TimeSpan.FromSeconds(5);

    /// <summary>How often it is asked again what an image is, while nobody can say: a node may just be starting.</summary>
    internal static readonly TimeSpan NoAnswerRetry = TimeSpan.FromSeconds(1);

    /// <summary>How often what was refused is tried again.</summary>
    internal static readonly TimeSpan RejectedRetry = TimeSpan.FromSeconds(30);

    /// <summary>For how long a pod that is not ready needs no explanation.</summary>
    private static readonly TimeSpan s_explainAfter = TimeSpan.FromSeconds(2);

    private readonly StatusReport _report = new(time);
    private readonly EventReporter _events = new(events, "revision-controller");

    public string Name => "revision-controller";

    public ResourceKind Kind => Kinds.Revision;

    public int Concurrency => 8;

    public IEnumerable<ReconcilerWatch> Watches =>
    [
        ReconcilerWatch.Owned(Kinds.Deployment, Kinds.Revision),
        ReconcilerWatch.Owned(Kinds.PodAutoscaler, Kinds.Revision),
        new ReconcilerWatch(Kinds.Pod, Troubled),
    ];

    public void Started(Action<ObjectKey> enqueue) => config.RunAll(client, Kinds.Revision, enqueue);

    public async Task<ReconcileResult> ReconcileAsync(ObjectKey key, CancellationToken ct)
    {
        if (client.Cache(Kinds.Revision).Get(key) is not { } stored || stored.Metadata.IsDeleting)
        {
            return ReconcileResult.Done;
        }
        var revision = stored.As<Revision>();
        var conditions = new ConditionSet(revision.Status.Conditions, time.GetUtcNow(), "ResourcesAvailable", "ContainerHealthy");
        var status = new JsonObject { ["observedGeneration"] = stored.Metadata.Generation };
        if (config.Current.Observability.LogUrlFor(stored.Metadata.Uid) is { Length: > 0 } logUrl)
        {
            status["logUrl"] = logUrl;
        }
        var result = ReconcileResult.Done;
        try
        {
            result = await BuildAsync(stored, revision, conditions, status, ct);
        }
        catch (OwnerConflictException e)
        {
            conditions.MarkFalse("ResourcesAvailable", "NotOwned", $"There is an existing {e.Kind.Kind} \"{e.Key.Name}\" that we do not own.");
            _events.Warning(stored, "InternalError", e.Message);
        }
        catch (ApiException e) when (e.IsRejection)
        {
            // Kubernetes refuses what Knative's own rules let pass: nobody else would tell.
            conditions.MarkFalse("ResourcesAvailable", "FailedCreate", e.Message);
            _events.Warning(stored, "InternalError", e.Message);
            result = ReconcileResult.After(RejectedRetry); // a quota or a policy may change its mind, and tells nobody
        }
        status["conditions"] = conditions.ToJson();
        // What a tag meant once cannot be derived again: the first status that says it is waited for (docs/decisions/0002).
        var resolved = status["containerStatuses"] is not null && revision.Status.ContainerStatuses.Count == 0;
        var durability = resolved ? WriteDurability.Synced : WriteDurability.Derived;
        var reported = await _report.WriteAsync(client, Kinds.Revision, stored, status, conditions.Ready, Name, ct, durability);
        if (reported.RequeueAfter is not null)
        {
            return reported;
        }
        if (conditions.Ready.Status == "True" && !revision.Status.Conditions.Any(c => c is { Type: "Ready", Status: "True" }))
        {
            _events.Normal(stored, "RevisionReady", "Revision becomes ready upon all resources being ready");
        }
        return result;
    }

    private async Task<ReconcileResult> BuildAsync(
        KubeObject stored, Revision revision, ConditionSet conditions, JsonObject status, CancellationToken ct)
    {
        Dictionary<string, string>? digests;
        try
        {
            digests = await ResolveAsync(stored, revision, conditions, ct);
        }
        catch (ApiException e) when (e.Code == 503)
        {
            conditions.MarkUnknown("ResourcesAvailable", "ResolvingDigests", e.Message);
            return ReconcileResult.After(NoAnswerRetry);
        }
        if (digests is null)
        {
            return ReconcileResult.After(MissingImageRetry);
        }
        status["containerStatuses"] = ContainerStatuses(revision.Spec.Containers, digests);
        if (revision.Spec.InitContainers.Count > 0)
        {
            status["initContainerStatuses"] = ContainerStatuses(revision.Spec.InitContainers, digests);
        }
        var deploymentObject = await EnsureDeploymentAsync(stored, revision, digests, ct);
        var autoscaler = await OwnedObjects.MirrorAsync(
            client, Kinds.PodAutoscaler, AutoscalerMaker.Make(stored, revision, deploymentObject), AutoscalerMaker.IsDefaulted, Name, ct);
        Propagate(deploymentObject.As<Deployment>(), conditions);
        var unready = UnreadyPods(deploymentObject);
        MarkTroubledPods(deploymentObject.As<Deployment>(), unready, conditions);
        PropagateAutoscaler(autoscaler.As<PodAutoscaler>().Status, conditions, status);
        return Explain(unready, conditions);
    }

    /// <summary>Container → the reference its pods use; null: one cannot be had.</summary>
    private async Task<Dictionary<string, string>?> ResolveAsync(KubeObject stored, Revision revision, ConditionSet conditions, CancellationToken ct)
    {
        var known = revision.Status.ContainerStatuses.Concat(revision.Status.InitContainerStatuses)
            .Where(s => s.ImageDigest.Length > 0).ToDictionary(s => s.Name, s => s.ImageDigest);
        var digests = new Dictionary<string, string>();
        foreach (var container in revision.Spec.InitContainers.Concat(revision.Spec.Containers))
        {
            try
            {
                digests[container.Name] = known.TryGetValue(container.Name, out var digest)
                    ? digest // resolved once: a revision never moves with its tag
                    : await DigestAsync(container.Image, ct);
            }
            catch (ImageNotFoundException e)
            {
                var why = $"Unable to fetch image \"{container.Image}\": {e.Message}";
                conditions.MarkFalse("ContainerHealthy", "ContainerMissing", why);
                _events.Warning(stored, "InternalError", why);
                conditions.MarkUnknown("ResourcesAvailable", "ResolvingDigests");
                return null;
            }
        }
        return digests;
    }

    /// <summary>
    /// An image by its content (knative/serving: reconciler/revision/resolve). A digest is not looked up; a tag is pinned whatever its registry
    /// (docs/decisions/0007).
    /// </summary>
    private async ValueTask<string> DigestAsync(string image, CancellationToken ct)
    {
        if (ImageNames.HasDigest(image))
        {
            return image;
        }
        var timeout = config.Current.Deployment.DigestResolutionTimeout;
        using var patience = new CancellationTokenSource(timeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(ct, patience.Token);
        try
        {
            return (await images.ResolveAsync(image, either.Token)).Reference;
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            throw new ImageNotFoundException($"no answer within digest-resolution-timeout ({timeout.TotalSeconds:0.###} s, config-deployment)");
        }
    }

    private static JsonArray ContainerStatuses(IReadOnlyList<Container> containers, Dictionary<string, string> digests) =>
        new([.. containers.Select(c => (JsonNode)new JsonObject { ["name"] = c.Name, ["imageDigest"] = digests[c.Name] })]);

    private async Task<KubeObject> EnsureDeploymentAsync(
        KubeObject stored, Revision revision, Dictionary<string, string> digests, CancellationToken ct)
    {
        var desired = DeploymentMaker.Make(stored, revision, digests, config.Current);
        var key = new ObjectKey(stored.Metadata.Namespace, DeploymentMaker.NameOf(stored));
        if (client.Cache(Kinds.Deployment).Get(key) is not null)
        {
            desired["spec"]!.AsObject().Remove("replicas"); // the autoscaler's from the first day on
        }
        else
        {
            // Its first rollout's number, which would be one more write later; from here on the number is the Deployment controller's.
            var metadata = desired["metadata"]!.AsObject();
            metadata["annotations"] ??= new JsonObject();
            metadata["annotations"]![RolloutHistory.RevisionAnnotation] = "1";
        }
        return await OwnedObjects.EnsureAsync(client, Kinds.Deployment, desired, Name, ct);
    }

    private static void Propagate(Deployment deployment, ConditionSet conditions)
    {
        var status = deployment.Status;
        var failed = status.Conditions.FirstOrDefault(c => c is { Type: "ReplicaFailure", Status: "True" })
            ?? status.Conditions.FirstOrDefault(c => c is { Type: "Progressing", Status: "False" });
        if (failed is not null)
        {
            conditions.MarkFalse("ResourcesAvailable", failed.Reason, failed.Message);
        }
        else if (status.Conditions.Count == 0)
        {
            conditions.MarkUnknown("ResourcesAvailable", "Deploying");
            conditions.MarkUnknown("ContainerHealthy", "Deploying");
        }
        else if (status.Conditions.Any(c => c is { Type: "Progressing", Status: "True", Reason: "NewReplicaSetAvailable" }))
        {
            conditions.MarkTrue("ResourcesAvailable");
        }
        else if (!conditions.IsTrue("ResourcesAvailable"))
        {
            conditions.MarkUnknown("ResourcesAvailable", "Deploying");
        }
        if (status.ReadyReplicas > 0)
        {
            conditions.MarkTrue("ContainerHealthy");
        }
    }

    /// <summary>The pods, when some are wanted and none is ready.</summary>
    private List<Pod> UnreadyPods(KubeObject deployment)
    {
        if ((deployment.As<Deployment>().Spec.Replicas ?? 1) == 0)
        {
            return [];
        }
        var pods = client.Cache(Kinds.ReplicaSet).OwnedBy(deployment.Metadata.Uid)
            .SelectMany(s => client.Cache(Kinds.Pod).OwnedBy(s.Metadata.Uid)).Select(p => p.As<Pod>())
            .Where(p => !p.Metadata.IsDeleting).ToList();
        return pods.Exists(PodTroubles.IsReady) ? [] : pods;
    }

    /// <summary>The reason is in the first pod's containers.</summary>
    private void MarkTroubledPods(Deployment view, List<Pod> pods, ConditionSet conditions)
    {
        if (pods.Count == 0)
        {
            return;
        }
        // Containers of a pod without a place say nothing (knative/serving: reconciler/revision: reconcileDeployment).
        if (!config.Current.Deployment.PodIsAlwaysSchedulable
            && pods[0].Status.Conditions.FirstOrDefault(IsPlaceless) is { } placeless)
        {
            conditions.MarkFalse("ResourcesAvailable", placeless.Reason, placeless.Message);
        }
        var timedOut = view.Status.Conditions.Any(c => c is { Type: "Progressing", Status: "False", Reason: "ProgressDeadlineExceeded" });
        foreach (var container in PodTroubles.Containers(pods[0]))
        {
            if ((container.LastState.Terminated ?? container.State.Terminated) is { } ended
                && !(ended.ExitCode == 0 && pods[0].Status.InitContainerStatuses.Contains(container)))
            {
                var message = ended.Message.TrimEnd() is { Length: > 0 } said ? said
                    : ended.ExitCode == 0 ? "container exited with no error" : PodTroubles.Ending(ended);
                conditions.MarkFalse("ContainerHealthy", $"ExitCode{ended.ExitCode}", $"Container failed with: {message}");
                return;
            }
            // Configuration and image errors do not heal by waiting: they are said at once, the rest when the deadline has passed.
            if (container.State.Waiting is { Reason.Length: > 0 } waiting
                && (timedOut || waiting.Reason is "CreateContainerConfigError" or "CreateContainerError" or "ErrImageNeverPull" or "ImagePullBackOff" or "ErrImagePull" or "InvalidImageName"))
            {
                conditions.MarkFalse("ResourcesAvailable", waiting.Reason, waiting.Message);
                return;
            }
        }
        if (timedOut && pods[0].Status.Conditions.FirstOrDefault(c => c is { Type: "Ready", Status: "False" }) is { Message.Length: > 0 } why)
        {
            conditions.MarkFalse("ResourcesAvailable", "ProgressDeadlineExceeded", why.Message);
        }
    }

    /// <summary>
    /// Where the lifecycle says only that it deploys, the message says what is waited for: a program that does not listen, a probe that fails.
    /// </summary>
    private ReconcileResult Explain(List<Pod> unready, ConditionSet conditions)
    {
        if (conditions.IsFalse("ContainerHealthy") || conditions["ResourcesAvailable"] is not { Status: "Unknown", Reason: "Deploying", Message: "" }
            || unready.Select(p => (Pod: p, Trouble: PodTroubles.Of(p))).FirstOrDefault(t => t.Trouble is not null) is not { Trouble: { } trouble } first)
        {
            return ReconcileResult.Done;
        }
        var left = (first.Pod.Status.StartTime ?? default) + s_explainAfter - time.GetUtcNow();
        if (left > TimeSpan.Zero && left <= s_explainAfter) // else the clock went back
        {
            return ReconcileResult.After(left);
        }
        conditions.MarkUnknown("ResourcesAvailable", "Deploying", PodTroubles.Message(first.Pod, trouble));
        return ReconcileResult.Done;
    }

    private static void PropagateAutoscaler(PodAutoscalerStatus scaler, ConditionSet conditions, JsonObject status)
    {
        if (scaler.ActualScale is >= 0 and { } actual)
        {
            status["actualReplicas"] = actual;
        }
        if (scaler.DesiredScale is >= 0 and { } desired)
        {
            status["desiredReplicas"] = desired;
        }
        var unavailable = conditions.IsFalse("ResourcesAvailable") || conditions.IsFalse("ContainerHealthy");
        var ready = scaler.Conditions.FirstOrDefault(c => c.Type == "Ready");
        var initialized = scaler.Conditions.Any(c => c is { Type: "ScaleTargetInitialized", Status: "True" });
        if (ready is null)
        {
            conditions.MarkUnknown("Active", "Deploying", severity: "Info");
            if (!unavailable)
            {
                conditions.MarkUnknown("ResourcesAvailable", "Deploying");
            }
            return;
        }
        if (initialized && !unavailable)
        {
            conditions.MarkTrue("ResourcesAvailable");
            conditions.MarkTrue("ContainerHealthy");
        }
        if (conditions.IsTrue("ResourcesAvailable") && (scaler.ServiceName.Length == 0 || !initialized))
        {
            conditions.MarkUnknown("ResourcesAvailable", "Deploying");
        }
        if (ready.Status == "False" && !initialized && !unavailable && scaler.ServiceName.Length > 0)
        {
            conditions.MarkFalse("ResourcesAvailable", "ProgressDeadlineExceeded", "Initial scale was never achieved");
        }
        switch (ready.Status)
        {
            case "True":
                conditions.MarkTrue("Active", severity: "Info");
                break;
            case "False":
                conditions.MarkFalse("Active", ready.Reason, ready.Message, "Info");
                break;
            default:
                conditions.MarkUnknown("Active", ready.Reason, ready.Message, "Info");
                break;
        }
    }

    private static bool IsPlaceless(Condition condition) => condition is { Type: "PodScheduled", Status: "False" };

    /// <summary>A pod that is not ready and says why runs its revision again.</summary>
    private static IEnumerable<ObjectKey> Troubled(CacheChange change)
    {
        var name = change.New.Metadata.Label(KnativeNames.RevisionLabel);
        // Its end too: the number of the Deployment's ready pods may not have changed meanwhile.
        return name is { Length: > 0 } && (IsTroubled(change.New) || (change.Old is { } old && IsTroubled(old))) ? [new ObjectKey(change.New.Metadata.Namespace, name)] : [];

        static bool IsTroubled(KubeObject pod) => PodTroubles.Of(pod.As<Pod>()) is not null;
    }
}
