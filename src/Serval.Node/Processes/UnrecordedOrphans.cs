namespace Serval.Node.Processes;

/// <summary>
/// Processes that a crash left behind between their spawn and their line in the journal. Whatever this node spawned writes to a log file below
/// the pods' directory from its first instruction on, so the kernel itself says whose child it was.
/// </summary>
internal static class UnrecordedOrphans
{
    /// <summary>Kills the sessions of processes whose standard output is a file below <paramref name="pods"/>. Returns how many.</summary>
    internal static int Kill(string pods)
    {
        var prefix = pods + Path.DirectorySeparatorChar;
        var killed = 0;
        foreach (var process in ProcFs.All())
        {
            if (process.Pid == Environment.ProcessId || ProcFs.LinkTarget($"/proc/{process.Pid}/fd/1")?.StartsWith(prefix, StringComparison.Ordinal) != true)
            {
                continue;
            }
            foreach (var member in ProcFs.Tree(process.Pid))
            {
                _ = Libc.kill(member.Pid, Libc.SIGKILL);
            }
            _ = Libc.kill(process.Pid, Libc.SIGKILL);
            killed++;
        }
        return killed;
    }
}
