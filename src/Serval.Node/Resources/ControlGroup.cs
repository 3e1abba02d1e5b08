using System.Globalization;
using Serval.Node.Processes;

namespace Serval.Node.Resources;

/// <summary>
/// The control group of one container: a directory in each tree. A thread can enter one of version 1 alone, and starts the program there; in version 2
/// the program begins in it where the C library can do that (glibc 2.39), else it is moved right after its start. Disposed when the first process has ended.
/// </summary>
/// <param name="owner">Removes the directories as soon as the kernel lets it.</param>
/// <param name="directories">Controller → directory; one without a name where all controllers have one tree.</param>
/// <param name="limited">Whether it sets anything.</param>
internal sealed class ControlGroup(ControlGroups owner, IReadOnlyDictionary<string, string> directories, bool limited) : IDisposable
{
    public IReadOnlyDictionary<string, string> Directories => directories;

    /// <summary>The directory where all controllers have one tree; else null.</summary>
    public string? Unified => directories.GetValueOrDefault("");

    /// <summary>What moves the thread that calls it, which must be one that ends, whatever it then sees of the file system; null when none can move alone.</summary>
    public Action? OpenDoor()
    {
        if (Unified is not null)
        {
            return null;
        }
        var doors = directories.Values.Select(d => File.OpenHandle(Path.Combine(d, "tasks"), FileMode.Open, FileAccess.Write, FileShare.ReadWrite)).ToList();
        return () =>
        {
            foreach (var door in doors)
            {
                RandomAccess.Write(door, "0"u8, 0);
                door.Dispose();
            }
        };
    }

    /// <summary>Moves a process just started, if it did not begin here: not without need, for that takes the kernel about 10 ms.</summary>
    public void Add(int pid)
    {
        if (limited && Unified is not null && !ProcessSpawner.StartsInGroup)
        {
            File.WriteAllText(Path.Combine(Unified, "cgroup.procs"), pid.ToString(CultureInfo.InvariantCulture));
        }
    }

    /// <summary>Whether the kernel has ended one of its processes for want of memory.</summary>
    public bool RanOutOfMemory()
    {
        var file = Unified is { } all ? Path.Combine(all, "memory.events") : Path.Combine(directories["memory"], "memory.oom_control");
        try
        {
            return File.ReadLines(file).Any(l => l.StartsWith("oom_kill ", StringComparison.Ordinal) && l[9..].Trim() != "0");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false; // the group is gone
        }
    }

    public void Dispose() => owner.Remove(directories.Values);
}
