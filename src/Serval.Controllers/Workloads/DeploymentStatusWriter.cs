using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Apps;
using Serval.Kube;

namespace Serval.Controllers.Workloads;

/// <summary>status of a Deployment from its ReplicaSets (apps/v1: conditions Available and Progressing).</summary>
internal static class DeploymentStatusWriter
{
    /// <param name="recheck">When the progress deadline has to be looked at again; null when it is not running.</param>
    internal static JsonObject Write(
        KubeObject stored, Deployment deployment, IReadOnlyList<SetFacts> sets, DateTimeOffset now, out TimeSpan? recheck)
    {
        var desired = deployment.Spec.Replicas ?? 1;
        var current = sets[0];
        var total = sets.Sum(s => s.Replicas);
        var ready = sets.Sum(s => s.Ready);
        var available = sets.Sum(s => s.Available);
        var status = new JsonObject { ["observedGeneration"] = stored.Metadata.Generation };
        Put(status, "replicas", total);
        Put(status, "updatedReplicas", current.Replicas);
        Put(status, "readyReplicas", ready);
        Put(status, "availableReplicas", available);
        Put(status, "unavailableReplicas", Math.Max(0, Math.Max(desired, total) - available));

        var conditions = new ConditionSet(deployment.Status.Conditions, now);
        conditions.Clear("Ready");
        if (available >= desired)
        {
            conditions.MarkTrue("Available", "MinimumReplicasAvailable", "Deployment has minimum availability.");
        }
        else
        {
            conditions.MarkFalse("Available", "MinimumReplicasUnavailable", "Deployment does not have minimum availability.");
        }
        recheck = MarkProgress(conditions, deployment, current, desired, available, total, now);
        status["conditions"] = conditions.ToJson();
        return status;
    }

    private static TimeSpan? MarkProgress(
        ConditionSet conditions, Deployment deployment, SetFacts current, int desired, int available, int total, DateTimeOffset now)
    {
        if (current.Replicas == desired && available >= desired && total == desired)
        {
            conditions.MarkTrue("Progressing", "NewReplicaSetAvailable", $"ReplicaSet \"{current.Name}\" has successfully progressed.");
            return null;
        }
        var deadline = TimeSpan.FromSeconds(deployment.Spec.ProgressDeadlineSeconds ?? 600);
        var before = deployment.Status.Conditions.FirstOrDefault(c => c.Type == "Progressing");
        var waitsSince = deployment.Status.Conditions.FirstOrDefault(c => c is { Type: "Available", Status: "False" })?.LastTransitionTime ?? now;
        var left = waitsSince + deadline - now;
        if (left <= TimeSpan.Zero || before is { Reason: "ProgressDeadlineExceeded" })
        {
            conditions.MarkFalse("Progressing", "ProgressDeadlineExceeded", $"ReplicaSet \"{current.Name}\" has timed out progressing.");
            return null;
        }
        conditions.MarkTrue("Progressing", "ReplicaSetUpdated", $"ReplicaSet \"{current.Name}\" is progressing.");
        return left + TimeSpan.FromMilliseconds(100);
    }

    private static void Put(JsonObject status, string name, int value)
    {
        if (value != 0)
        {
            status[name] = value;
        }
    }
}
