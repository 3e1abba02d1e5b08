using System.Threading.Channels;

namespace Serval.Remote;

/// <summary>
/// Follows one pod's log through the runs of its containers: a log ends with its run, and the next run is a log of its own. A run that ended
/// before it was its turn is left out.
/// </summary>
internal sealed class PodFollower
{
    private readonly Channel<int> _runs = Channel.CreateUnbounded<int>();
    private readonly Func<bool, Task> _follow;
    private int _last = -1;

    /// <param name="follow">Copies the log of the present run to its end; told whether there was one before.</param>
    /// <param name="ct">Ends all.</param>
    public PodFollower(Func<bool, Task> follow, CancellationToken ct)
    {
        _follow = follow;
        Ended = RunAsync(ct);
    }

    public Task Ended { get; }

    /// <summary>The pod was seen in this run; said again and again.</summary>
    public void Started(int run)
    {
        if (run > _last)
        {
            _last = run;
            _runs.Writer.TryWrite(run);
        }
    }

    private async Task RunAsync(CancellationToken ct)
    {
        var again = false;
        try
        {
            while (await _runs.Reader.WaitToReadAsync(ct))
            {
                while (_runs.Reader.TryRead(out _))
                {
                    // the latest is the one whose log is read
                }
                await _follow(again);
                again = true;
            }
        }
        catch (OperationCanceledException)
        {
            // Ctrl-C.
        }
    }
}
