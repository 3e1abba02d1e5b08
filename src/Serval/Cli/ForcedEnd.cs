namespace Serval.Cli;

/// <summary>What is done in any case when a second signal ends this program at once.</summary>
internal sealed class ForcedEnd
{
    private volatile Action? _last;
    private volatile bool _begun;

    public void Register(Action last) => _last = last;

    /// <summary>Does it. A failure is told to <paramref name="warn"/>: the program has to end all the same.</summary>
    public void Run(Action<string> warn)
    {
        _begun = true;
        try
        {
            _last?.Invoke();
        }
#pragma warning disable CA1031 // an exception that nobody catches aborts the program with a core dump, and its exit code is another
        catch (Exception e)
#pragma warning restore CA1031
        {
            warn($"not everything may have ended: {e.Message}");
        }
    }

    /// <summary>
    /// The exit code of a command that returned. What holds it up is gone once the end is forced, so it may return before the thread of the signal
    /// ends the program.
    /// </summary>
    public int CodeAfter(int code) => _begun ? ExitCodes.Interrupted : code;
}
