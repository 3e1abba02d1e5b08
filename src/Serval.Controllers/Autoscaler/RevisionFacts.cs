using Serval.Api;
using Serval.Api.Apps;
using Serval.Api.Autoscaling;
using Serval.Api.Core;
using Serval.Controllers.Workloads;
using Serval.Kube;

namespace Serval.Controllers.Autoscaler;

/// <summary>What the autoscaler sees of a revision in the caches.</summary>
internal static class RevisionFacts
{
    /// <summary>The object a PodAutoscaler scales; null when it is not there.</summary>
    internal static KubeObject? Target(IKubeClient client, ObjectKey key, PodAutoscaler autoscaler) =>
        client.Cache(Kinds.Deployment).Get(new ObjectKey(key.Namespace, autoscaler.Spec.ScaleTargetRef.Name));

    /// <summary>Instances asked for.</summary>
    internal static int Replicas(KubeObject? deployment) => deployment is null ? 0 : deployment.As<Deployment>().Spec.Replicas ?? 1;

    /// <summary>Pods of the deployment that take requests.</summary>
    internal static int Ready(IKubeClient client, KubeObject? deployment)
    {
        if (deployment is null)
        {
            return 0;
        }
        var ready = 0;
        foreach (var set in client.Cache(Kinds.ReplicaSet).OwnedBy(deployment.Metadata.Uid))
        {
            foreach (var pod in client.Cache(Kinds.Pod).OwnedBy(set.Metadata.Uid))
            {
                ready += !pod.Metadata.IsDeleting && PodFacts.IsReady(pod.As<Pod>()) ? 1 : 0;
            }
        }
        return ready;
    }

    /// <summary>Whether the revision once reached its initial scale.</summary>
    internal static bool Initialised(PodAutoscaler autoscaler) =>
        autoscaler.Status.Conditions.Any(c => c is { Type: AutoscalerConditions.Initialised, Status: "True" });

    /// <summary>Whether a pod's change is one of readiness: others mean nothing to the autoscaler.</summary>
    internal static bool ReadinessChanged(CacheChange change) =>
        change.Type == WatchEventType.Deleted || change.New.Metadata.IsDeleting || change.Old is null
        || PodFacts.IsReady(change.New.As<Pod>()) != PodFacts.IsReady(change.Old.As<Pod>());
}
