namespace Serval.ApiServer.Http;

/// <summary>The group policy.</summary>
internal static partial class ProtobufTable
{
    private const string Policy = """
        Eviction: 1 metadata ObjectMeta, 2 deleteOptions DeleteOptions
        PodDisruptionBudget: 1 metadata ObjectMeta, 2 spec PodDisruptionBudgetSpec, 3 status PodDisruptionBudgetStatus
        PodDisruptionBudgetSpec: 1 minAvailable ?x, 2 selector LabelSelector, 3 maxUnavailable ?x, 4 unhealthyPodEvictionPolicy ?s
        PodDisruptionBudgetStatus: 1 observedGeneration i, 2 disruptedPods %t, 3 disruptionsAllowed i, 4 currentHealthy i, 5 desiredHealthy i, 6 expectedPods i, 7 conditions *Condition
        """;
}
