using Serval.Api;
using Serval.Node.Logs;

namespace Serval.Node.Agent;

// Which file holds a container's log. Messages are kubelet's, which kubectl shows.
internal sealed partial class PodWorker
{
    /// <summary>The log of a container's present or last run, or of the run before. Any thread.</summary>
    public Task<(string Path, LogTrack? Track)> FindLogAsync(string container, bool previous) => OnTurnAsync(() => FindLog(container, previous));

    private (string Path, LogTrack? Track) FindLog(string container, bool previous)
    {
        if (container == RequestLogContainer && _requestLog is not null)
        {
            return previous ? throw NoPrevious(container) : _requestLog.Open();
        }
        var slot = SlotOf(container);
        var run = slot.RestartCount - (previous ? 1 : 0);
        if (!previous && slot.Process is null && !File.Exists(NodePaths.Log(_directory, slot.Spec.Name, run)))
        {
            run--; // it waits to be started again: the last run's log
        }
        var path = NodePaths.Log(_directory, slot.Spec.Name, run);
        if (run >= 0 && File.Exists(path))
        {
            return (path, _node.Logs.Find(path));
        }
        throw previous ? NoPrevious(slot.Spec.Name) : ApiException.BadRequest(
            $"container \"{slot.Spec.Name}\" in pod \"{_key.Name}\" is waiting to start: {slot.WaitingReason}"
            + (slot.WaitingMessage.Length > 0 ? $": {slot.WaitingMessage}" : ""));
    }

    private ApiException NoPrevious(string container) =>
        ApiException.BadRequest($"previous terminated container \"{container}\" in pod \"{_key.Name}\" not found");
}
