namespace Serval.Node.Probes;

/// <summary>
/// Runs a probe over a container's life. The first run happens as soon as it can succeed, and runs follow quickly until the first success
/// (1 → 20 ms, a command 20 → 500 ms); after that every period with both thresholds.
/// </summary>
/// <param name="plan">The probe.</param>
/// <param name="time">The clock.</param>
/// <param name="unhealthy">Hears of every failed run, but not of the quick ones at the start: there a failure is no news before a period is over.</param>
internal sealed class ProbeLoop(ProbePlan plan, TimeProvider time, Action<string>? unhealthy = null)
{
    private static readonly TimeSpan s_quick = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan s_quickMost = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan s_exec = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan s_execMost = TimeSpan.FromMilliseconds(500);

    /// <summary>Readiness: reports every change, and each failure's message, until cancelled.</summary>
    public async Task WatchReadinessAsync(Action<ProbeResult> report, CancellationToken ct)
    {
        await UntilFirstSuccessAsync(report, quickFor: Timeout.InfiniteTimeSpan, ct);
        report(ProbeResult.Success);
        var (ready, successes, failures) = (true, 0, 0);
        while (true)
        {
            await Task.Delay(plan.Period, time, ct);
            var result = await RunAndTellAsync(ct);
            (successes, failures) = result.Ok ? (successes + 1, 0) : (0, failures + 1);
            if (ready && failures >= plan.FailureThreshold)
            {
                ready = false;
                report(result);
            }
            else if (!ready && successes >= plan.SuccessThreshold)
            {
                ready = true;
                report(ProbeResult.Success);
            }
        }
    }

    /// <summary>Startup: reports one success, or one failure when the threshold is used up.</summary>
    public async Task WatchStartupAsync(Action<ProbeResult> report, CancellationToken ct)
    {
        var last = ProbeResult.Failure("");
        var done = await UntilFirstSuccessAsync(r => last = r, plan.Budget, ct);
        report(done ? ProbeResult.Success : last);
    }

    /// <summary>Liveness: reports one failure when the threshold is used up.</summary>
    public async Task WatchLivenessAsync(Action<ProbeResult> report, CancellationToken ct)
    {
        await Task.Delay(plan.InitialDelay, time, ct);
        for (var failures = 0; failures < plan.FailureThreshold;)
        {
            await Task.Delay(plan.Period, time, ct);
            var result = await RunAndTellAsync(ct);
            failures = result.Ok ? 0 : failures + 1;
            if (failures == plan.FailureThreshold)
            {
                report(result);
            }
        }
    }

    private async Task<bool> UntilFirstSuccessAsync(Action<ProbeResult> failed, TimeSpan quickFor, CancellationToken ct)
    {
        if (plan.Probe.InitialDelaySeconds > 0)
        {
            await Task.Delay(plan.InitialDelay, time, ct);
        }
        var start = time.GetTimestamp();
        using var deadline = new CancellationTokenSource(quickFor, time);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(ct, deadline.Token);
        try
        {
            if (plan.Listening is { } listening)
            {
                await listening(limit.Token);
                if (plan.ListeningIsEnough)
                {
                    return true;
                }
            }
            await RepeatQuicklyAsync(failed, start, limit.Token);
            return true;
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            return false;
        }
    }

    private async Task RepeatQuicklyAsync(Action<ProbeResult> failed, long start, CancellationToken ct)
    {
        var (wait, most) = plan.IsExec ? (s_exec, s_execMost) : (s_quick, s_quickMost);
        var message = "";
        for (var successes = 0; ;)
        {
            var result = await RunAsync(plan.EagerTimeout ?? plan.Timeout, ct);
            successes = result.Ok ? successes + 1 : 0;
            if (successes >= plan.SuccessThreshold)
            {
                return;
            }
            if (!result.Ok && result.Message != message)
            {
                message = result.Message;
                failed(result);
            }
            var slow = time.GetElapsedTime(start) > plan.Period;
            if (slow && !result.Ok)
            {
                unhealthy?.Invoke(result.Message);
            }
            // A program that is not ready after a whole period is not about to be: probe it no more often than its author asked.
            await Task.Delay(slow ? plan.Period : wait, time, ct);
            wait = wait * 2 < most ? wait * 2 : most;
        }
    }

    private async Task<ProbeResult> RunAndTellAsync(CancellationToken ct)
    {
        var result = await RunAsync(plan.Timeout, ct);
        if (!result.Ok)
        {
            unhealthy?.Invoke(result.Message);
        }
        return result;
    }

    private async Task<ProbeResult> RunAsync(TimeSpan timeout, CancellationToken ct)
    {
        using var deadline = new CancellationTokenSource(timeout, time);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(ct, deadline.Token);
        try
        {
            return await plan.Check(timeout, limit.Token);
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            return ProbeResult.Failure($"probe timed out after {timeout.TotalSeconds:0.###}s");
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            return ProbeResult.Failure(e.Message); // a run that could not be made counts as one that failed, and the next is made
        }
    }
}
