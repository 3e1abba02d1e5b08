using Microsoft.Extensions.Logging;
using Serval.Api;
using Serval.Kube;
using Serval.Node.Processes;

namespace Serval.Node.Agent;

// Ending the pod: requests drain, the programs are asked to end, and what is left when the grace period is over is killed.
internal sealed partial class PodWorker
{
    /// <summary>What a pod removed by force still gets: Kubernetes speaks of a small grace period.</summary>
    private static readonly TimeSpan s_forced = TimeSpan.FromSeconds(2);

    private TaskCompletionSource? _allStopped; // set while waiting for the last container to end
    private CancellationTokenSource? _limit; // the end of the grace period
    private DateTimeOffset _limitEnds;

    private TimeSpan GracePeriod() =>
        Seconds.Clamped(_pod.Metadata.DeletionGracePeriodSeconds ?? _pod.Spec.TerminationGracePeriodSeconds ?? 30);

    private void Stop(TimeSpan grace, bool deleteObject, bool keep = false)
    {
        var ends = _node.Time.GetUtcNow() + grace;
        if (_stopping)
        {
            if (ends < _limitEnds && !_done)
            {
                _limitEnds = ends;
                _limit!.CancelAfter(grace); // a second delete shortens, never lengthens
            }
            return;
        }
        _stopping = true;
        _limitEnds = ends;
        _limit = new CancellationTokenSource(grace, _node.Time);
        _life.Cancel();
        foreach (var slot in _slots)
        {
            slot.Run?.Cancel();
            if (slot.Process is not null && !keep)
            {
                TellStopping(slot);
            }
        }
        var wasReady = _published == InstanceState.Ready;
        if (wasReady)
        {
            Publish(InstanceState.Draining);
        }
        _allStopped = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        NoteStopped();
        _ = StopAsync(wasReady && grace > TimeSpan.Zero, deleteObject, keep, _limit.Token);
    }

    private async Task StopAsync(bool drain, bool deleteObject, bool keep, CancellationToken limit)
    {
        try
        {
            if (drain)
            {
                await DrainAsync(limit);
            }
            await EndProcessesAsync(limit);
            if (!keep)
            {
                PodDirectory.Delete(_directory, _node.Logger);
            }
            if (deleteObject)
            {
                await DeleteObjectAsync();
            }
        }
        catch (Exception e)
        {
            Log.Failed(_node.Logger, e, _key);
        }
        Post(() => Close(keep));
    }

    private async Task DrainAsync(CancellationToken limit)
    {
        try
        {
            await _node.Drain.WhenIdleAsync(_revision, _uid, limit);
        }
        catch (OperationCanceledException)
        {
            Log.DrainTimeout(_node.Logger, _key);
        }
    }

    private async Task EndProcessesAsync(CancellationToken limit)
    {
        var stopped = _allStopped!.Task;
        if (!stopped.IsCompleted)
        {
            Post(() => SignalAll(limit.IsCancellationRequested ? Libc.SIGKILL : Libc.SIGTERM));
            try
            {
                await stopped.WaitAsync(limit);
            }
            catch (OperationCanceledException)
            {
                Post(() => SignalAll(Libc.SIGKILL));
                await stopped;
            }
        }
        Post(() =>
        {
            if (_published is not null and not InstanceState.Gone)
            {
                Publish(InstanceState.Gone);
            }
        });
    }

    private async Task DeleteObjectAsync()
    {
        var level = LogLevel.Warning;
        for (var wait = TimeSpan.FromMilliseconds(100); ; wait = wait * 2 < TimeSpan.FromSeconds(2) ? wait * 2 : wait)
        {
            try
            {
                await _node.Client.DeleteAsync(Kinds.Pod, _key, new DeleteOptions { GracePeriodSeconds = 0, Uid = _uid });
                return;
            }
            catch (ApiException e) when (e.IsNotFound || e.IsConflict)
            {
                return; // gone already, or the name belongs to another pod now
            }
            catch (Exception e)
            {
                Log.DeleteFailed(_node.Logger, level, e, _key);
                level = LogLevel.Debug;
                if (_shuttingDown)
                {
                    return;
                }
                await Task.Delay(wait, _node.Time);
            }
        }
    }

    private void Close(bool keep)
    {
        if (keep && !_wasFinished)
        {
            _ = WriteLastStatusAsync();
        }
        else
        {
            _done = true;
        }
    }

    private void SignalAll(int signal)
    {
        foreach (var slot in _slots)
        {
            slot.Process?.Signal(signal);
        }
    }

    private void NoteStopped()
    {
        if (_allStopped is { } stopped && _slots.All(s => s.Process is null))
        {
            stopped.TrySetResult();
        }
    }
}
