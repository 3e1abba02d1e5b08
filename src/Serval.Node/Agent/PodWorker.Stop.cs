using Microsoft.Extensions.Logging;
using Serval.Api;
using Serval.Kube;
using Serval.Node.Processes;

namespace Serval.Node.Agent;

// Ending the pod: requests drain, the programs are asked to end, and what is left when the grace period is over is killed, but never unasked.
internal sealed partial class PodWorker
{
    /// <summary>What a pod removed by force still gets, and a program asked to end when the grace period is over: Kubernetes speaks of a small grace period.</summary>
    private static readonly TimeSpan s_forced = TimeSpan.FromSeconds(2);

    /// <summary>How long a program that was asked to end may keep upgraded connections; upstream's hijackDrainDuration (pkg/queue/sharedmain).</summary>
    private static readonly TimeSpan s_upgraded = TimeSpan.FromSeconds(60);

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
        _ = _life.CancelAsync(); // what this sets off must not keep the pod from ending
        foreach (var slot in All)
        {
            _ = slot.Run?.CancelAsync();
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
        _ = StopAsync(RunningOf(All), wasReady && grace > TimeSpan.Zero, deleteObject, keep, _limit.Token);
    }

    private async Task StopAsync(IReadOnlyList<RunningContainer> running, bool drain, bool deleteObject, bool keep, CancellationToken limit)
    {
        try
        {
            if (drain)
            {
                await DrainAsync(limit);
            }
            await EndProcessesAsync(running, limit);
            await GoneAsync();
            if (!keep)
            {
                _requestLog?.Dispose(); // a late line would make the directory again
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

    // Containers first, all at once; then the sidecars they may need to the last, the latest first.
    private async Task EndProcessesAsync(IReadOnlyList<RunningContainer> running, CancellationToken limit)
    {
        await Task.WhenAll(running.Where(r => !r.Slot.IsSidecar).Select(r => EndAsync(r, limit)));
        foreach (var sidecar in running.Where(r => r.Slot.IsSidecar).Reverse())
        {
            await EndAsync(sidecar, limit);
        }
    }

    private async Task EndAsync(RunningContainer run, CancellationToken limit)
    {
        if (run.Slot.BeginEnd() && !limit.IsCancellationRequested)
        {
            if (run.Slot.Spec.Lifecycle?.PreStop is { } hook)
            {
                await PreStopAsync(run, hook, limit);
            }
            if (!limit.IsCancellationRequested && run.Slot.BeginAsk())
            {
                run.Process.Signal(run.Slot.StopSignal);
                limit = await LimitUpgradedAsync(run.Exit, limit);
            }
        }
        if (await EndsAsync(run.Exit, limit))
        {
            return;
        }
        if (run.Slot.BeginAsk())
        {
            using var late = new CancellationTokenSource(s_forced, _node.Time);
            run.Process.Signal(run.Slot.StopSignal);
            if (await EndsAsync(run.Exit, late.Token))
            {
                return;
            }
        }
        run.Process.Signal(Libc.SIGKILL);
        await run.Exit;
    }

    /// <summary>The rest of the grace period, but nothing of it for a program that keeps its upgraded connections although it was asked to end.</summary>
    private async Task<CancellationToken> LimitUpgradedAsync(Task exit, CancellationToken limit)
    {
        var disconnected = _node.Drain.WhenEmptyAsync(_revision, _uid, limit);
        try
        {
            await Task.WhenAny(exit, disconnected).WaitAsync(s_upgraded, _node.Time, limit);
        }
        catch (TimeoutException)
        {
            Log.UpgradedTimeout(_node.Logger, _key, s_upgraded);
            return new CancellationToken(canceled: true);
        }
        catch (OperationCanceledException)
        {
            // the limit came first
        }
        return limit;
    }

    private static async Task<bool> EndsAsync(Task exit, CancellationToken limit)
    {
        try
        {
            await exit.WaitAsync(limit);
            return true;
        }
        catch (OperationCanceledException)
        {
            return exit.IsCompleted;
        }
    }

    private List<RunningContainer> RunningOf(IEnumerable<ContainerSlot> slots) =>
        [.. slots.Where(s => s.Process is not null).Select(s => new RunningContainer(s, s.Process!, s.Exit!.Task))];

    // The other containers are done, and the pod with them.
    private void EndSidecars()
    {
        foreach (var slot in _slots.Where(s => s is { IsSidecar: true, Phase: ContainerPhase.Waiting, LastTerminated: not null }))
        {
            (slot.Phase, slot.Terminated) = (ContainerPhase.Terminated, slot.LastTerminated); // it waited to be started again
        }
        var sidecars = All.Where(s => s is { Process: not null } and ({ IsSidecar: true } or { IsEphemeral: true })).ToList();
        sidecars.ForEach(TellStopping);
        EndEarly(sidecars, null);
    }

    /// <summary>Ends containers of a pod that stays.</summary>
    private void EndEarly(IEnumerable<ContainerSlot> slots, long? graceSeconds)
    {
        var grace = Seconds.Clamped(graceSeconds ?? _pod.Spec.TerminationGracePeriodSeconds ?? 30);
        _ = EndAllAsync(RunningOf(slots));

        async Task EndAllAsync(List<RunningContainer> running)
        {
            try
            {
                using var limit = new CancellationTokenSource(grace, _node.Time);
                await EndProcessesAsync(running, limit.Token);
            }
            catch (Exception e)
            {
                Log.Failed(_node.Logger, e, _key);
            }
        }
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

    // Before the object is: whoever waits for its end may count on its ports.
    private Task GoneAsync()
    {
        var gone = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Post(() =>
        {
            try
            {
                PublishGone();
            }
            finally
            {
                _ports?.Dispose();
                gone.SetResult();
            }
        });
        return gone.Task;
    }

    private void PublishGone()
    {
        if (_published is not null and not InstanceState.Gone)
        {
            Publish(InstanceState.Gone);
        }
    }

    private sealed record RunningContainer(ContainerSlot Slot, ChildProcess Process, Task Exit);
}
