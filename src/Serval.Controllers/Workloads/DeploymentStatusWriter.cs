using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Apps;
using Serval.Kube;

namespace Serval.Controllers.Workloads;

/// <summary>status of a Deployment from its ReplicaSets (apps/v1: conditions Available, Progressing and ReplicaFailure). Pure.</summary>
internal static class DeploymentStatusWriter
{
    private const string Progressing = "Progressing";
    private const string SetAvailable = "NewReplicaSetAvailable";
    private const string TimedOut = "ProgressDeadlineExceeded";
    private const string Paused = "DeploymentPaused";

    /// <param name="stored">The Deployment.</param>
    /// <param name="current">Its set for the present template; null when there is none, as while it is paused or an old one has to end first.</param>
    /// <param name="sets">All its sets.</param>
    /// <param name="now">The time.</param>
    /// <param name="ageOf">How long ago a stored time was.</param>
    /// <param name="recheck">When the progress deadline has to be looked at again; null when it is not running.</param>
    internal static JsonObject Write(
        KubeObject stored, SetFacts? current, IReadOnlyList<SetFacts> sets, DateTimeOffset now, Func<DateTimeOffset, TimeSpan> ageOf, out TimeSpan? recheck)
    {
        var deployment = stored.As<Deployment>();
        var budget = RollingBudget.Of(deployment);
        var counts = new Counts(sets.Sum(s => s.Replicas), current?.Replicas ?? 0, sets.Sum(s => s.Available));
        var status = new JsonObject { ["observedGeneration"] = stored.Metadata.Generation };
        status.Put("replicas", counts.Total);
        status.Put("updatedReplicas", counts.Updated);
        status.Put("readyReplicas", sets.Sum(s => s.Ready));
        status.Put("availableReplicas", counts.Available);
        status.Put("unavailableReplicas", Math.Max(0, sets.Sum(s => s.Spec) - counts.Available));

        var conditions = new DeploymentConditions(deployment.Status.Conditions, now);
        if (counts.Available >= budget.Fewest)
        {
            conditions.Set("Available", "True", "MinimumReplicasAvailable", "Deployment has minimum availability.");
        }
        else
        {
            conditions.Set("Available", "False", "MinimumReplicasUnavailable", "Deployment does not have minimum availability.");
        }
        if ((current?.Failure ?? sets.FirstOrDefault(s => s.Failure is not null)?.Failure) is { } failure)
        {
            conditions.Set(ReplicaSetReconciler.ReplicaFailure, "True", failure.Reason, failure.Message);
        }
        else
        {
            conditions.Remove(ReplicaSetReconciler.ReplicaFailure);
        }
        recheck = MarkProgress(conditions, stored, deployment, current, counts, ageOf);
        status["conditions"] = conditions.ToJson();
        return status;
    }

    /// <summary>Whether the rollout has come to its end: every wanted replica is of the present template and available, and no other is left.</summary>
    internal static bool IsComplete(Deployment deployment, SetFacts? current, IReadOnlyList<SetFacts> sets) =>
        new Counts(sets.Sum(s => s.Replicas), current?.Replicas ?? 0, sets.Sum(s => s.Available)).IsComplete(deployment.Spec.Replicas ?? 1);

    private static TimeSpan? MarkProgress(
        DeploymentConditions conditions, KubeObject stored, Deployment deployment, SetFacts? current, Counts counts, Func<DateTimeOffset, TimeSpan> ageOf)
    {
        if (deployment.Spec.ProgressDeadlineSeconds is not ({ } seconds and not int.MaxValue))
        {
            conditions.Remove(Progressing);
            return null;
        }
        if (deployment.Spec.Paused)
        {
            if (conditions[Progressing]?.Reason != TimedOut)
            {
                conditions.Set(Progressing, "Unknown", Paused, "Deployment is paused");
            }
            return null;
        }
        if (conditions[Progressing]?.Reason == Paused)
        {
            conditions.Set(Progressing, "Unknown", "DeploymentResumed", "Deployment is resumed");
        }
        if (current is not null && current.Revision.ToString() != stored.Metadata.Annotation(RolloutHistory.RevisionAnnotation))
        {
            // A rollout that the Deployment does not know of yet: its time begins.
            conditions.Renew(Progressing, "True", "NewReplicaSetCreated", $"Created new replica set \"{current.Name}\"");
        }
        Estimate(conditions, deployment, current, counts, TimeSpan.FromSeconds(seconds), ageOf);
        return conditions[Progressing] is { Reason: not (SetAvailable or TimedOut) } runs ? TimeSpan.FromSeconds(seconds + 1) - Age(runs, ageOf) : null;
    }

    /// <summary>In upstream's order: done, moving, out of time; else it stays as it was. What once was complete is not measured while it only scales.</summary>
    private static void Estimate(
        DeploymentConditions conditions, Deployment deployment, SetFacts? current, Counts counts, TimeSpan deadline, Func<DateTimeOffset, TimeSpan> ageOf)
    {
        var before = conditions[Progressing];
        if (before?.Reason == SetAvailable && counts.Total == counts.Updated)
        {
            return;
        }
        var who = current is null ? $"Deployment \"{deployment.Metadata.Name}\"" : $"ReplicaSet \"{current.Name}\"";
        if (counts.IsComplete(deployment.Spec.Replicas ?? 1))
        {
            conditions.Set(Progressing, "True", SetAvailable, $"{who} has successfully progressed.");
        }
        else if (before is null || counts.IsFurtherThan(deployment.Status))
        {
            conditions.Renew(Progressing, "True", "ReplicaSetUpdated", $"{who} is progressing.");
        }
        else if (before.Reason is not (SetAvailable or TimedOut) && Age(before, ageOf) > deadline)
        {
            conditions.Set(Progressing, "False", TimedOut, $"{who} has timed out progressing.");
        }
    }

    private static TimeSpan Age(Condition condition, Func<DateTimeOffset, TimeSpan> ageOf) =>
        (condition.LastUpdateTime ?? condition.LastTransitionTime) is { } said ? ageOf(said) : TimeSpan.Zero;

    private readonly record struct Counts(int Total, int Updated, int Available)
    {
        public bool IsComplete(int desired) => Updated == desired && Total == desired && Available == desired;

        /// <summary>More replicas of the present template, fewer others, or more available ones than the stored status says.</summary>
        public bool IsFurtherThan(DeploymentStatus before) =>
            Updated > before.UpdatedReplicas || Total - Updated < before.Replicas - before.UpdatedReplicas || Available > before.AvailableReplicas;
    }
}
