using Serval.Api.Core;

namespace Serval.Node.Agent;

// Another image for a container of a pod that stays: the one thing about a container that an update may change (kubernetes: ValidatePodUpdate).
internal sealed partial class PodWorker
{
    private void TakeImages()
    {
        foreach (var slot in _slots)
        {
            var spec = (slot.IsInit ? _pod.Spec.InitContainers : _pod.Spec.Containers).FirstOrDefault(c => c.Name == slot.Spec.Name);
            if (spec is not null && spec.Image != (slot.Next ?? slot.Spec).Image)
            {
                Redefine(slot, spec);
            }
        }
    }

    // A program that runs is ended and started again, whatever the restart policy, but an init container runs to its end (kuberuntime: computePodActions).
    private void Redefine(ContainerSlot slot, Container spec)
    {
        if (slot.Process is not null || slot.Phase == ContainerPhase.Terminated)
        {
            var isAsked = slot.Next is not null;
            slot.Next = spec;
            if (slot.Process is not null && IsReplaceable(slot) && !isAsked)
            {
                TellRedefined(slot);
                EndEarly([slot], null);
            }
            return;
        }
        slot.Spec = spec;
        Forget(slot);
        if (slot.Terminated is not null)
        {
            Again(slot); // it was backing off
        }
        else if (slot.Starting)
        {
            slot.WaitsForReference = false;
            Open(slot);
        }
    }

    /// <summary>A run has ended: the next one is of what the container has become meanwhile. Whether there is to be one for that.</summary>
    private bool Renew(ContainerSlot slot)
    {
        if (slot.Next is not { } next)
        {
            return false;
        }
        (slot.Spec, slot.Next) = (next, null);
        Forget(slot);
        return IsReplaceable(slot);
    }

    private bool IsReplaceable(ContainerSlot slot) => _failure is null && (!slot.IsInit || (slot.IsSidecar && !IsFinished));

    private static void Forget(ContainerSlot slot) => (slot.BackOff, slot.StartRetry) = (default, TimeSpan.Zero);

    /// <summary>The action, unless the container has become another one when its time comes.</summary>
    private static Action While(ContainerSlot slot, Container spec, Action action) => () =>
    {
        if (ReferenceEquals(slot.Spec, spec))
        {
            action();
        }
    };
}
