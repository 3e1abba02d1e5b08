using Serval.Api;
using Serval.Kube;
using Serval.Node.Containers;

namespace Serval.Node.Agent;

// What the pod tells of itself: reasons, types and words are kubelet's (pkg/kubelet: events, kuberuntime, images, prober).
internal sealed partial class PodWorker
{
    private void TellPulled(ContainerSlot slot) =>
        _node.Events.Normal(About(slot), "Pulled", $"Container image \"{slot.Spec.Image}\" already present on machine");

    private void TellStarted(ContainerSlot slot)
    {
        _node.Events.Normal(About(slot), "Created", $"Created container: {slot.Spec.Name}");
        _node.Events.Normal(About(slot), "Started", $"Started container {slot.Spec.Name}");
    }

    private void TellStopping(ContainerSlot slot) => _node.Events.Normal(About(slot), "Killing", $"Stopping container {slot.Spec.Name}");

    private void TellUnhealthy(ContainerSlot slot, string probe, string message) =>
        _node.Events.Warning(About(slot), "Unhealthy", $"{probe} probe failed: {message}");

    private void TellKilledUnhealthy(ContainerSlot slot, string probe) =>
        _node.Events.Normal(About(slot), "Killing", $"Container {slot.Spec.Name} failed {probe.ToLowerInvariant()} probe, will be restarted");

    private void TellRedefined(ContainerSlot slot) => _node.Events.Normal(
        About(slot), "Killing", slot.IsInit ? $"Init container {slot.Spec.Name} definition changed" : $"Container {slot.Spec.Name} definition changed, will be restarted");

    private void TellHookFailed(ContainerSlot slot, string hook, string message) =>
        _node.Events.Warning(About(slot), $"Failed{hook}Hook", $"{hook}Hook failed: {message}");

    private void TellUserNotHonoured(ContainerSlot slot, string asked)
    {
        if (asked.Length > 0 && !slot.ToldUser)
        {
            slot.ToldUser = true;
            _node.Events.Warning(
                About(slot), "UserNotHonored",
                $"Container {slot.Spec.Name} runs as Serval's own user, not with {asked}: run Serval as root with all capabilities to have that honored");
        }
    }

    private void TellBackOff(ContainerSlot slot) => _node.Events.Warning(
        About(slot), "BackOff", $"Back-off restarting failed container {slot.Spec.Name} in pod {_key.Name}_{_key.Namespace}({_uid})");

    private void TellImageMissing(ContainerSlot slot, string reason, string message)
    {
        var about = About(slot);
        if (reason == "ErrImageNeverPull")
        {
            _node.Events.Warning(about, reason, $"Container image \"{slot.Spec.Image}\" is not present with pull policy of Never");
        }
        else
        {
            _node.Events.Warning(about, "Failed", $"Failed to pull image \"{slot.Spec.Image}\": {message}");
            _node.Events.Normal(about, "BackOff", $"Back-off pulling image \"{slot.Spec.Image}\"");
        }
        _node.Events.Warning(about, "Failed", $"Error: {reason}");
    }

    private void TellCannotStart(ContainerSlot slot, Exception e)
    {
        if (e is ContainerConfigException { Volume: { Length: > 0 } volume })
        {
            _node.Events.Warning(About(null), "FailedMount", $"MountVolume.SetUp failed for volume \"{volume}\": {e.Message}");
        }
        else
        {
            _node.Events.Warning(About(slot), "Failed", $"Error: {e.Message}");
        }
    }

    /// <summary>The pod, or a container of it.</summary>
    private EventSubject About(ContainerSlot? slot)
    {
        var pod = EventSubject.Of(Kinds.Pod.ApiVersion, Kinds.Pod.Kind, _pod.Metadata);
        return slot is null ? pod : pod with { FieldPath = $"spec.{(slot.IsInit ? "initContainers" : "containers")}{{{slot.Spec.Name}}}" };
    }
}
