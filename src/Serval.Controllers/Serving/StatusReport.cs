using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Controllers.Workloads;
using Serval.Kube;

namespace Serval.Controllers.Serving;

/// <summary>
/// Writes statuses of Knative objects: an ending (Ready is True or False) at once, the steps on the way there a moment later, so that a deploy
/// of some milliseconds is one write and not one for each step.
/// </summary>
internal sealed class StatusReport(TimeProvider time)
{
    private readonly StatusTrail _trail = new(time);

    internal async Task<ReconcileResult> WriteAsync(
        IKubeClient client, ResourceKind kind, KubeObject stored, JsonObject status, Condition ready, string manager, CancellationToken ct,
        WriteDurability durability = WriteDurability.Derived)
    {
        var differs = JsonDiff.MergePatch(StatusFields.Of(stored), status) is not null;
        if (differs && ready.Status == "Unknown" && _trail.Wait(stored.Key, waking: false) is var wait && wait > TimeSpan.Zero)
        {
            return ReconcileResult.After(wait);
        }
        if (differs)
        {
            await OwnedObjects.PatchStatusAsync(client, kind, stored, status, manager, ct, durability);
        }
        _trail.Forget(stored.Key);
        return ReconcileResult.Done;
    }
}
