using System.Text.Json.Nodes;

namespace Serval.Api.Admission;

/// <summary>
/// Numbers of a status that somebody outside writes, which controllers and budgets reckon with (kubernetes pkg/apis/apps/validation, pkg/apis/policy/validation).
/// Serval's own controllers are not asked.
/// </summary>
internal static class StatusRules
{
    public static void Check(ResourceKind kind, JsonObject tree, JsonObject? old, Problems to)
    {
        var status = tree.Object("status");
        if (kind == Kinds.Deployment)
        {
            NotNegative(status, to, "observedGeneration", "replicas", "updatedReplicas", "readyReplicas", "availableReplicas", "unavailableReplicas", "terminatingReplicas", "collisionCount");
            NotMore(status, "updatedReplicas", "replicas", to);
            Counts(status, to);
        }
        else if (kind == Kinds.ReplicaSet)
        {
            NotNegative(status, to, "replicas", "fullyLabeledReplicas", "readyReplicas", "availableReplicas", "terminatingReplicas", "observedGeneration");
            NotMore(status, "fullyLabeledReplicas", "replicas", to);
            Counts(status, to);
        }
        else if (kind == Kinds.HorizontalPodAutoscaler)
        {
            NotNegative(status, to, "currentReplicas", "desiredReplicas");
        }
        else if (kind == StoredKinds.ApiService)
        {
            foreach (var (i, condition) in status.Objects("conditions"))
            {
                if (condition.String("status") is not ("True" or "False" or "Unknown") and var said)
                {
                    to.Unsupported($"status.conditions[{i}].status", said, "True", "False", "Unknown");
                }
            }
        }
        else if (kind == BatchKinds.Job)
        {
            JobStatusRules.Check(tree, old, to);
        }
        else if (kind == PolicyKinds.PodDisruptionBudget)
        {
            NotNegative(status, to, "disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods");
            foreach (var (i, condition) in status.Objects("conditions"))
            {
                var path = $"status.conditions[{i}]";
                to.Need(condition, "type", path);
                to.Need(condition, "status", path);
                to.Need(condition, "lastTransitionTime", path);
                to.Need(condition, "reason", path);
            }
        }
    }

    private static void Counts(JsonObject? status, Problems to)
    {
        NotMore(status, "readyReplicas", "replicas", to);
        NotMore(status, "availableReplicas", "replicas", to);
        NotMore(status, "availableReplicas", "readyReplicas", to);
    }

    private static void NotNegative(JsonObject? status, Problems to, params ReadOnlySpan<string> fields)
    {
        foreach (var field in fields)
        {
            if (status.Number(field) is < 0 and var number)
            {
                to.Invalid("status." + field, $"{number}", "must be greater than or equal to 0");
            }
        }
    }

    private static void NotMore(JsonObject? status, string field, string bound, Problems to)
    {
        if ((status.Number(field) ?? 0) > (status.Number(bound) ?? 0))
        {
            to.Invalid("status." + field, $"{status.Number(field)}", bound == "replicas" ? "cannot be greater than status.replicas" : $"cannot be greater than {bound}");
        }
    }
}
