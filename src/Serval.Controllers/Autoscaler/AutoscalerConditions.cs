using Serval.Kube;

namespace Serval.Controllers.Autoscaler;

/// <summary>The PodAutoscaler's conditions and when they move (knative/serving: computeActiveCondition, pa_lifecycle).</summary>
internal static class AutoscalerConditions
{
    internal const string Active = "Active";
    internal const string Initialised = "ScaleTargetInitialized";
    internal const string ServiceReady = "SKSReady";

    /// <summary>Marks what is true of the pods and their Services.</summary>
    /// <param name="conditions">As stored.</param>
    /// <param name="ready">Pods that take requests.</param>
    /// <param name="threshold">Ready pods that count as active.</param>
    /// <param name="reachable">Whether the revision's Services exist.</param>
    internal static void MarkTarget(ConditionSet conditions, int ready, int threshold, bool reachable)
    {
        if (ready >= threshold && reachable)
        {
            conditions.MarkTrue(Initialised);
        }
        MarkService(conditions, ready, reachable);
    }

    /// <summary>Marks whether a revision that may be at zero takes requests.</summary>
    /// <param name="conditions">As stored.</param>
    /// <param name="want">Desired scale; -1 when nothing is known.</param>
    /// <param name="ready">Pods that take requests.</param>
    /// <param name="threshold">Ready pods that count as active.</param>
    internal static void MarkActive(ConditionSet conditions, int want, int ready, int threshold)
    {
        if (want == 0 || threshold == 0)
        {
            if (threshold > 0 && conditions[Active]!.Status == "Unknown")
            {
                // While instances are waited for zero is only ever wanted because they did not come up in time.
                conditions.MarkFalse(Active, "TimedOut", "The target could not be activated.");
            }
            else
            {
                Inactive(conditions);
            }
        }
        else if (want < 0 && conditions.IsFalse(Active))
        {
            Inactive(conditions);
        }
        else if (ready < threshold)
        {
            conditions.MarkUnknown(Active, "Queued", "Requests to the target are being buffered as resources are provisioned.");
        }
        else
        {
            conditions.MarkTrue(Active);
        }
    }

    private static void Inactive(ConditionSet conditions)
    {
        if (!(conditions.IsFalse(Active) && conditions[Active]!.Reason == "TimedOut"))
        {
            conditions.MarkFalse(Active, "NoTraffic", "The target is not receiving traffic.");
        }
    }

    private static void MarkService(ConditionSet conditions, int ready, bool reachable)
    {
        if (!reachable)
        {
            conditions.MarkUnknown(ServiceReady, "NotReady", "No Private Service Name");
        }
        else if (ready == 0)
        {
            conditions.MarkUnknown(ServiceReady, "NotReady", "K8s Service is not ready");
        }
        else
        {
            conditions.MarkTrue(ServiceReady);
        }
    }
}
