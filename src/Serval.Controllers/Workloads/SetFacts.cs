using System.Globalization;
using Serval.Api;
using Serval.Api.Apps;

namespace Serval.Controllers.Workloads;

/// <summary>What of a ReplicaSet a rollout is planned and reported with.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Spec">Replicas it is to have.</param>
/// <param name="Replicas">Replicas it says it has.</param>
internal sealed record SetFacts(string Name, int Spec, int Replicas)
{
    /// <summary>Says how many replicas the whole Deployment wanted when the set was last scaled (apps/v1).</summary>
    internal const string DesiredAnnotation = "deployment.kubernetes.io/desired-replicas";

    /// <summary>As <see cref="DesiredAnnotation"/>, with maxSurge: the measure of a set's share.</summary>
    internal const string MaxAnnotation = "deployment.kubernetes.io/max-replicas";

    internal int Ready { get; init; }

    internal int Available { get; init; }

    internal DateTimeOffset? Created { get; init; }

    /// <summary>Number of the rollout that last used the set; 0 when none is written.</summary>
    internal long Revision { get; init; }

    /// <summary>The value of <see cref="DesiredAnnotation"/>.</summary>
    internal int? Desired { get; init; }

    /// <summary>The value of <see cref="MaxAnnotation"/>.</summary>
    internal int? Max { get; init; }

    /// <summary>Whether its status is about its present spec.</summary>
    internal bool Observed { get; init; } = true;

    /// <summary>Whether processes of it may still run, those that are being stopped included.</summary>
    internal bool Runs { get; init; }

    /// <summary>Its condition that its pods may not be made, while it has it.</summary>
    internal Condition? Failure { get; init; }

    internal bool IsActive => Spec > 0;

    /// <param name="set">The ReplicaSet.</param>
    /// <param name="runs">See <see cref="Runs"/>.</param>
    internal static SetFacts Of(KubeObject set, bool runs = false)
    {
        var view = set.As<ReplicaSet>();
        return new SetFacts(set.Metadata.Name, view.Spec.Replicas ?? 1, view.Status.Replicas)
        {
            Ready = view.Status.ReadyReplicas,
            Available = view.Status.AvailableReplicas,
            Created = set.Metadata.CreationTimestamp,
            Revision = Number(set, RolloutHistory.RevisionAnnotation) ?? 0,
            Desired = (int?)Number(set, DesiredAnnotation),
            Max = (int?)Number(set, MaxAnnotation),
            Observed = view.Status.ObservedGeneration >= set.Metadata.Generation,
            Runs = runs,
            Failure = view.Status.Conditions.FirstOrDefault(c => c is { Type: ReplicaSetReconciler.ReplicaFailure, Status: "True" }),
        };
    }

    private static long? Number(KubeObject set, string annotation) =>
        long.TryParse(set.Metadata.Annotation(annotation), NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number <= int.MaxValue ? number : null;
}
