namespace Serval.Cli;

/// <summary>Waits for Ctrl-C without treating it as a failure.</summary>
internal static class CancellationSignal
{
    public static async Task WaitAsync(CancellationToken ct)
    {
        var stopped = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var registration = ct.Register(stopped.SetResult);
        await stopped.Task;
    }
}
