using Serval.Api.Core;
using Serval.Node.Probes;

namespace Serval.Node.Agent;

// What the author wants done when a container has been started and before it is asked to end (core/v1 Lifecycle).
internal sealed partial class PodWorker
{
    private async Task PostStartAsync(ContainerSlot slot, LifecycleHandler hook, CancellationToken run)
    {
        var message = await TryHookAsync(slot, "PostStart", hook, run);
        Post(() =>
        {
            if (run.IsCancellationRequested || _stopping)
            {
                return;
            }
            if (message.Length == 0)
            {
                Running(slot);
                MarkDirty(now: false);
                return;
            }
            TellHookFailed(slot, "PostStart", message);
            slot.KilledBecause = $"PostStartHook failed: {message}";
            EndEarly([slot], null);
        });
    }

    private async Task PreStopAsync(RunningContainer run, LifecycleHandler hook, CancellationToken limit)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(limit);
        var done = TryHookAsync(run.Slot, "PreStop", hook, ended.Token);
        if (await Task.WhenAny(done, run.Exit) != done)
        {
            await ended.CancelAsync(); // nobody is left to prepare
        }
        var message = await done;
        if (message.Length > 0 && !run.Exit.IsCompleted)
        {
            TellHookFailed(run.Slot, "PreStop", message);
        }
    }

    /// <returns>What went wrong; empty when nothing did.</returns>
    private async Task<string> TryHookAsync(ContainerSlot slot, string what, LifecycleHandler hook, CancellationToken ct)
    {
        try
        {
            return (await HookAsync(slot, what, hook, ct)).Message;
        }
        catch (OperationCanceledException)
        {
            return "it did not end in time";
        }
        catch (Exception e)
        {
            return e.Message;
        }
    }

    private async Task<ProbeResult> HookAsync(ContainerSlot slot, string what, LifecycleHandler hook, CancellationToken ct)
    {
        if (hook.Exec is { } exec)
        {
            return await ExecAsync(slot, what, exec.Command, ct);
        }
        if (hook.HttpGet is { } get)
        {
            return await NetworkChecks.HttpAsync(get, Target(slot.Spec, get.Host, get.Port).Target, ct, anyStatus: true);
        }
        if (hook.Sleep is { } sleep)
        {
            await Task.Delay(Seconds.Clamped(sleep.Seconds), _node.Time, ct);
            return ProbeResult.Success;
        }
        return ProbeResult.Failure("only exec, httpGet and sleep can be run");
    }
}
