using System.Globalization;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Serval.Node.Resources;

/// <summary>The way of one program into a control group, open whatever its thread then sees of the file system. That thread must be one that ends.</summary>
internal sealed class GroupDoor : IDisposable
{
    /// <summary>What moves single threads (version 1).</summary>
    public IReadOnlyList<SafeFileHandle> Threads { get; init; } = [];

    /// <summary>The directory that the program begins in (version 2).</summary>
    public SafeFileHandle? Start { get; init; }

    /// <summary>What moves a process that did not begin there: not without need, for that takes the kernel about 10 ms.</summary>
    public SafeFileHandle? Processes { get; init; }

    /// <summary>The descriptor of <see cref="Start"/>, or -1.</summary>
    public int Directory => (int)(Start?.DangerousGetHandle() ?? -1);

    /// <summary>Moves the thread that calls it, where one can move alone.</summary>
    public void Enter()
    {
        foreach (var threads in Threads)
        {
            RandomAccess.Write(threads, "0"u8, 0);
        }
    }

    /// <summary>Moves a process just started, if it did not begin there.</summary>
    public void Add(int pid)
    {
        if (Processes is not null)
        {
            RandomAccess.Write(Processes, Encoding.ASCII.GetBytes(pid.ToString(CultureInfo.InvariantCulture)), 0);
        }
    }

    public void Dispose()
    {
        foreach (var handle in Threads.Append(Start).Append(Processes))
        {
            handle?.Dispose();
        }
    }
}
