using System.Globalization;

namespace Serval.Bench;

/// <summary>The process table.</summary>
internal static class Processes
{
    /// <summary>Living children of a process (zombies not counted).</summary>
    internal static IEnumerable<int> ChildrenOf(int pid)
    {
        foreach (var folder in Directory.EnumerateDirectories("/proc"))
        {
            if (int.TryParse(Path.GetFileName(folder), NumberStyles.None, CultureInfo.InvariantCulture, out var child) && Parent(child) is var (state, parent)
                && parent == pid && state != 'Z')
            {
                yield return child;
            }
        }
    }

    /// <summary>A process beyond doubt: numbers are given out again, start times are not.</summary>
    internal static (int Pid, string Started) Identify(int pid) => (pid, StartTime(pid));

    internal static bool IsAlive((int Pid, string Started) process) =>
        process.Started.Length > 0 && StartTime(process.Pid) == process.Started && Parent(process.Pid) is { State: not 'Z' };

    private static string StartTime(int pid)
    {
        var stat = Read($"/proc/{pid}/stat");
        return stat.Length == 0 ? "" : stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[19];
    }

    /// <summary>Living processes with this environment entry or argument in their command line.</summary>
    internal static IEnumerable<int> WithCommand(string part) =>
        from folder in Directory.EnumerateDirectories("/proc")
        where int.TryParse(Path.GetFileName(folder), NumberStyles.None, CultureInfo.InvariantCulture, out _)
        let line = Read(Path.Combine(folder, "cmdline"))
        where line.Contains(part, StringComparison.Ordinal)
        select int.Parse(Path.GetFileName(folder), CultureInfo.InvariantCulture);

    private static (char State, int Parent)? Parent(int pid)
    {
        var stat = Read($"/proc/{pid}/stat");
        var rest = stat.LastIndexOf(')');
        if (rest < 0)
        {
            return null;
        }
        var fields = stat[(rest + 2)..].Split(' ');
        return (fields[0][0], int.Parse(fields[1], CultureInfo.InvariantCulture));
    }

    private static string Read(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (IOException)
        {
            return ""; // ended meanwhile
        }
    }
}
