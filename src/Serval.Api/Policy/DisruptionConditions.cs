using System.Text.Json.Nodes;

namespace Serval.Api.Policy;

/// <summary>The one condition of a budget: whether a pod may go now (component-helpers: apps/poddisruptionbudget).</summary>
public static class DisruptionConditions
{
    private const string Type = "DisruptionAllowed";

    /// <param name="budget">As it is stored.</param>
    /// <param name="allowed">How many pods may go.</param>
    /// <param name="now">When the answer changed, if it did.</param>
    /// <param name="failure">Why that is not known; null when it is.</param>
    public static JsonArray Of(PodDisruptionBudget budget, int allowed, DateTimeOffset now, string? failure = null)
    {
        var status = allowed > 0 ? "True" : "False";
        var before = budget.Status.Conditions.FirstOrDefault(c => c.Type == Type);
        return
        [
            new JsonObject
            {
                ["type"] = Type, ["status"] = status, ["observedGeneration"] = budget.Metadata.Generation,
                ["reason"] = failure is not null ? "SyncFailed" : allowed > 0 ? "SufficientPods" : "InsufficientPods", ["message"] = failure ?? "",
                ["lastTransitionTime"] = KubeTime.Text(before?.Status == status && before.LastTransitionTime is { } since ? since : now),
            },
        ];
    }
}
