using Serval.Api.Core;
using Serval.Node.Network;

namespace Serval.Node.Agent;

// A pod that fails as a whole, because its time is over (kubernetes pkg/kubelet/active_deadline.go), and one that this node does not run.
internal sealed partial class PodWorker
{
    private PodFailure? _failure;
    private DateTimeOffset? _deadline; // when the timer that runs ends
    private bool _toldSysctls;

    /// <summary>Ends the pod when it has been active for as long as it may; the latest edit of the deadline counts.</summary>
    private void WatchDeadline()
    {
        if (_pod.Spec.ActiveDeadlineSeconds is not { } most || _stopping || _wasFinished || _failure is not null || IsFinished)
        {
            return;
        }
        var ends = _status.StartTime + TimeSpan.FromSeconds(most);
        var left = ends - _node.Time.GetUtcNow();
        if (left <= TimeSpan.Zero)
        {
            Fail(new PodFailure("DeadlineExceeded", "Pod was active on the node longer than the specified deadline"));
            return;
        }
        if (_deadline <= ends)
        {
            return; // whoever comes then looks again
        }
        _deadline = ends;
        After(Seconds.Clamped((long)Math.Ceiling(left.TotalSeconds)), () =>
        {
            _deadline = null;
            WatchDeadline();
        });
    }

    /// <summary>Whether this node does not run the pod. It waits and says why: kubelet has it fail, and whoever made it would make the next one at once.</summary>
    private bool IsRefused()
    {
        if (NodeSysctls.Refusal(_pod) is not { } refused)
        {
            return false;
        }
        _node.Events.Warning(About(null), NodeSysctls.Forbidden, refused);
        foreach (var slot in _slots)
        {
            slot.Starting = true;
            Wait(slot, NodeSysctls.Forbidden, refused);
        }
        return true;
    }

    private void Fail(PodFailure failure)
    {
        _failure = failure;
        _node.Events.Normal(About(null), failure.Reason, failure.Message);
        if (!_isSetUp)
        {
            RestoreCounts(); // nothing has been started in this run of the agent
        }
        foreach (var slot in _slots.Where(s => s is { Phase: ContainerPhase.Waiting, LastTerminated: not null }))
        {
            (slot.Phase, slot.Terminated) = (ContainerPhase.Terminated, slot.LastTerminated); // it waited to be started again
        }
        var running = All.Where(s => s.Process is not null).ToList();
        running.ForEach(TellStopping);
        EndEarly(running, null);
        MarkDirty(now: true);
    }

    /// <summary>Sets what the pod asks for in its own network, before anything runs in it. Throws <see cref="IOException"/>, <see cref="UnauthorizedAccessException"/>.</summary>
    private void SetSysctls()
    {
        foreach (var sysctl in _pod.Spec.SecurityContext.Sysctls)
        {
            var name = SysctlNames.Dotted(sysctl.Name);
            if (_network is not null && SysctlNames.Namespace(name) == "hostNetwork")
            {
                Set(name, sysctl.Value);
            }
            else if (!_toldSysctls)
            {
                _toldSysctls = true;
                _node.Events.Warning(About(null), "SysctlNotHonored", $"The pod has no namespace of its own for sysctl {name}: it keeps the machine's value");
            }
        }

        void Set(string name, string value)
        {
            try
            {
                _network!.Set(name, value);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or NetlinkException)
            {
                throw new IOException($"cannot set sysctl {name} to \"{value}\": {e.Message}", e);
            }
        }
    }
}
