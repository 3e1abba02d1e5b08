using Serval.Api;
using Serval.Api.Autoscaling;
using Serval.Api.Config;
using Serval.Api.Serving;
using Serval.Autoscaling;
using Serval.Kube;

namespace Serval.Controllers.Autoscaler;

/// <summary>What was read of a revision's objects, kept until one of them changes so that a tick parses nothing.</summary>
internal sealed class RevisionView
{
    private readonly KubeObject _autoscaler;
    private readonly ServingConfig _config;

    private RevisionView(KubeObject autoscaler, KubeObject? deployment, ServingConfig config, ScalingSpec spec, bool initialised, string target)
    {
        _autoscaler = autoscaler;
        _config = config;
        Deployment = deployment;
        Spec = spec;
        Initialised = initialised;
        TargetName = target;
        Replicas = RevisionFacts.Replicas(deployment);
    }

    internal ScalingSpec Spec { get; }

    internal KubeObject? Deployment { get; }

    internal bool Initialised { get; }

    internal int Replicas { get; }

    private string TargetName { get; }

    /// <summary>Reads the caches; null when there is no PodAutoscaler, or a HorizontalPodAutoscaler does its work.</summary>
    internal static RevisionView? Read(IKubeClient client, ObjectKey key, ServingConfig config)
    {
        if (client.Cache(Kinds.PodAutoscaler).Get(key) is not { } stored || stored.Metadata.IsDeleting
            || new AutoscalingAnnotations(stored.Metadata.Annotations, config.Autoscaler).Class == AutoscalingAnnotations.Hpa)
        {
            return null;
        }
        var view = stored.As<PodAutoscaler>();
        return new RevisionView(
            stored, RevisionFacts.Target(client, key, view), config, ScalingSpecs.From(view, config), RevisionFacts.Initialised(view),
            view.Spec.ScaleTargetRef.Name);
    }

    /// <summary>This view, or a new one when something changed; null when there is none any more.</summary>
    internal RevisionView? Refreshed(IKubeClient client, ServingConfig config)
    {
        var key = _autoscaler.Key;
        return ReferenceEquals(client.Cache(Kinds.PodAutoscaler).Get(key), _autoscaler) && ReferenceEquals(config, _config)
            && ReferenceEquals(client.Cache(Kinds.Deployment).Get(new ObjectKey(key.Namespace, TargetName)), Deployment)
            ? this
            : Read(client, key, config);
    }

    /// <summary>Since when the gateway is in the path, on the wall clock: the ServerlessService's creation; null before it.</summary>
    internal DateTimeOffset? GatewaySince(IKubeClient client) =>
        client.Cache(Kinds.ServerlessService).Get(_autoscaler.Key)?.Metadata.CreationTimestamp;

    /// <summary>The world as a decision sees it.</summary>
    internal ScaleObservation World(IKubeClient client, DateTimeOffset gatewaySince) =>
        new(Deployment is null || Replicas == 0 ? 0 : RevisionFacts.Ready(client, Deployment), Replicas, Initialised, gatewaySince);
}
