using Serval.Node.Processes;

namespace Serval.Node.Agent;

// Containers that are added to a running pod, for debugging: started once each, with no probes, and none for whose end or readiness anybody waits.
internal sealed partial class PodWorker
{
    private volatile IReadOnlyList<ContainerSlot> _added = []; // replaced whole on the pod's own turn

    private IEnumerable<ContainerSlot> All => _slots.Concat(_added);

    private void StartAdded()
    {
        foreach (var spec in _pod.Spec.EphemeralContainers)
        {
            if ((spec.Name == RequestLogContainer && _requestLog is not null) || _added.Any(s => s.Spec.Name == spec.Name))
            {
                continue;
            }
            var slot = new ContainerSlot(spec, isInit: false) { IsEphemeral = true };
            _added = [.. _added, slot];
            if (EndBefore(spec.Name) is { } end)
            {
                (slot.Phase, slot.Terminated, slot.Starting) = (ContainerPhase.Terminated, end, true);
                MarkDirty(now: true);
            }
            else if (!IsFinished)
            {
                Open(slot);
            }
        }
    }

    /// <summary>How it ended in an earlier run of the agent; null when it was not started there.</summary>
    private Termination? EndBefore(string name)
    {
        var now = _node.Time.GetUtcNow();
        return _pod.Status.EphemeralContainerStatuses.FirstOrDefault(s => s.Name == name)?.State switch
        {
            { Terminated: { } end } => new Termination(end.ExitCode, end.Signal, end.Reason, end.Message, end.StartedAt ?? now, end.FinishedAt ?? now),
            { Running: { } running } => new Termination(
                137, Libc.SIGKILL, "Error", "Serval stopped while the container ran; its process was ended", running.StartedAt ?? now, now),
            _ => null,
        };
    }
}
