using Microsoft.Win32.SafeHandles;
using Serval.Node.Containers;
using Serval.Node.Processes;

namespace Serval.Node.Resources;

/// <summary>
/// The control group of one container: a directory in each tree. A thread can enter one of version 1 alone, and starts the program there; in version 2
/// the program begins in it where the C library can do that (glibc 2.39) and it runs as root, else it is moved right after its start. Disposed when the
/// first process has ended.
/// </summary>
/// <param name="owner">Removes the directories as soon as the kernel lets it.</param>
/// <param name="directories">Controller → directory; one without a name where all controllers have one tree.</param>
/// <param name="limited">Whether it sets anything.</param>
internal sealed class ControlGroup(ControlGroups owner, IReadOnlyDictionary<string, string> directories, bool limited) : IDisposable
{
    public IReadOnlyDictionary<string, string> Directories => directories;

    /// <summary>The directory where all controllers have one tree; else null.</summary>
    public string? Unified => directories.GetValueOrDefault("");

    /// <summary>The way in for one program. Throws <see cref="SpawnException"/>.</summary>
    /// <param name="user">Whom the program runs as.</param>
    /// <param name="canStart">Whether a program can begin in a group of version 2.</param>
    public GroupDoor OpenDoor(ContainerUser? user, bool canStart)
    {
        if (Unified is null)
        {
            return new GroupDoor { Threads = [.. directories.Values.Select(d => Open(Path.Combine(d, "tasks"), Libc.O_WRONLY))] };
        }
        if (canStart && (user?.Uid ?? 0) == 0)
        {
            return new GroupDoor { Start = Open(Unified, Libc.O_PATH) };
        }
        return limited ? new GroupDoor { Processes = Open(Path.Combine(Unified, "cgroup.procs"), Libc.O_WRONLY) } : new GroupDoor();
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

    private static SafeFileHandle Open(string path, int flags)
    {
        var fd = Libc.open(path, flags | Libc.O_CLOEXEC, 0);
        return fd >= 0 ? new SafeFileHandle(fd, ownsHandle: true) : throw new SpawnException($"cannot open control group {path}: {Libc.LastErrorText()}");
    }
}
