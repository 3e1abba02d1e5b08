namespace Serval.Node.Processes;

/// <summary>
/// A process this agent started: leader of its own session. Until it is reaped its pid cannot be reused, so signals are safe.
/// </summary>
internal sealed class ChildProcess(int pid, long startTicks)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<int, long> _members = []; // pid → start time; guarded by _lock
    private bool _reaped; // guarded by _lock

    public int Pid { get; } = pid;

    /// <summary>Start time in clock ticks since boot: with the pid it names one process for ever.</summary>
    public long StartTicks { get; } = startTicks;

    /// <summary>Whether its number still means it: then what was looked up by that before is its own.</summary>
    public bool IsHere => ProcFs.Stat(Pid)?.StartTicks == StartTicks;

    /// <summary>Signals the process group; false when nothing of it is left.</summary>
    public bool Signal(int signal)
    {
        if (ProcFs.HasChildren(Pid))
        {
            Remember(); // once their parent is dead, children that left the session cannot be told from strangers
        }
        lock (_lock)
        {
            return !_reaped && Libc.kill(-Pid, signal) == 0;
        }
    }

    /// <summary>Kills what is left of the session, also members that left the process group, then gives the pid back.</summary>
    internal unsafe void Reap()
    {
        KillSession();
        lock (_lock)
        {
            if (_reaped)
            {
                return;
            }
            _reaped = true;
            var info = stackalloc byte[ExitWatcher.SignalInfoSize];
            _ = Libc.waitid(ExitWatcher.P_PID, Pid, info, ExitWatcher.WEXITED);
        }
    }

    /// <summary>SIGKILL to every process of the session and every descendant known.</summary>
    public void KillSession()
    {
        Remember();
        lock (_lock)
        {
            if (!_reaped)
            {
                _ = Libc.kill(-Pid, Libc.SIGKILL);
            }
            foreach (var (pid, start) in _members)
            {
                if (pid != Pid && ProcFs.Stat(pid) is { } now && now.StartTicks == start)
                {
                    _ = Libc.kill(pid, Libc.SIGKILL);
                }
            }
        }
    }

    private void Remember()
    {
        IReadOnlyList<ProcStat> tree;
        try
        {
            tree = ProcFs.Tree(Pid);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return; // /proc cannot be read (too many open files): the group gets its signal all the same
        }
        lock (_lock)
        {
            foreach (var member in tree)
            {
                _members[member.Pid] = member.StartTicks;
            }
        }
    }
}
