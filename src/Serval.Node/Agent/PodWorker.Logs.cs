using Serval.Api;
using Serval.Node.Logs;

namespace Serval.Node.Agent;

// Which file holds a container's log. Messages are kubelet's, which kubectl shows.
internal sealed partial class PodWorker
{
    /// <summary>The log of a container's present or last run, or of the run before. Any thread.</summary>
    public async Task<(string Path, LogTrack? Track)> FindLogAsync(string container, bool previous)
    {
        var found = new TaskCompletionSource<(string, LogTrack?)>(TaskCreationOptions.RunContinuationsAsynchronously);
        Post(() =>
        {
            try
            {
                found.SetResult(FindLog(container, previous));
            }
            catch (Exception e) when (e is ApiException or IOException or UnauthorizedAccessException)
            {
                found.SetException(e);
            }
        });
        await Task.WhenAny(found.Task, _finished.Task);
        return found.Task.IsCompleted ? await found.Task : throw ApiException.NotFound(Kinds.Pod, _key.Name);
    }

    private (string Path, LogTrack? Track) FindLog(string container, bool previous)
    {
        if (container == RequestLogContainer && _requestLog is not null)
        {
            return previous ? throw NoPrevious(container) : _requestLog.Open();
        }
        var main = _slots.Where(s => !s.IsInit).ToList();
        if (container.Length == 0 && main.Count > 1)
        {
            throw ApiException.BadRequest(
                $"a container name must be specified for pod {_key.Name}, choose one of: [{string.Join(' ', main.Select(s => s.Spec.Name))}]");
        }
        var slot = container.Length == 0 ? main[0] : _slots.FirstOrDefault(s => s.Spec.Name == container)
            ?? throw ApiException.BadRequest($"container {container} is not valid for pod {_key.Name}");
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
