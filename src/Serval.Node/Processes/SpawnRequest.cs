using Serval.Node.Containers;

namespace Serval.Node.Processes;

/// <summary>Everything a child needs; paths are as the child's namespace sees them.</summary>
internal sealed record SpawnRequest
{
    /// <summary>Absolute path of the program.</summary>
    public required string Program { get; init; }

    /// <summary>argv, argv[0] included.</summary>
    public required IReadOnlyList<string> Arguments { get; init; }

    /// <summary>The whole environment as <c>NAME=value</c>; nothing is inherited.</summary>
    public required IReadOnlyList<string> Environment { get; init; }

    public required string WorkingDirectory { get; init; }

    /// <summary>An open, close-on-exec descriptor that becomes stdin; -1 is /dev/null. The caller closes it, as those below.</summary>
    public int Input { get; init; } = -1;

    /// <summary>What becomes stdout.</summary>
    public required int Output { get; init; }

    /// <summary>What becomes stderr; -1 is <see cref="Output"/>.</summary>
    public int Error { get; init; } = -1;

    /// <summary><see cref="Output"/> is a terminal, which becomes the child's controlling one and all three.</summary>
    public bool Terminal { get; init; }

    /// <summary>Whom it runs as; null is this process' user. Then the calling thread must be one that ends.</summary>
    public ContainerUser? User { get; init; }

    /// <summary>What it may be allowed to do; null is what this process may. Then too the calling thread must be one that ends.</summary>
    public ContainerPrivileges? Privileges { get; init; }

    /// <summary>
    /// An open descriptor of the control group's directory (version 2) that it begins in, where <see cref="ProcessSpawner.CanStartInGroup"/>; -1 is
    /// this process'. The kernel asks whether the child's user may write there, so a launch as another user has none.
    /// </summary>
    public int Group { get; init; } = -1;
}

/// <summary>A root directory for a child, open as a descriptor that the spawn closes.</summary>
/// <param name="Directory">The descriptor.</param>
/// <param name="IsMount">Whether it is a mount of the thread's own namespace, which can put it in the place of all others (pivot_root(2)).</param>
internal readonly record struct ChildRoot(int Directory, bool IsMount);

/// <summary>How a process ended: an exit code, or the signal that killed it; and whether the kernel had to end something for want of memory.</summary>
internal readonly record struct ExitStatus(int Code, int Signal, bool OutOfMemory = false)
{
    /// <summary>The exit code as Kubernetes reports it: 128 + signal for a killed process.</summary>
    public int ExitCode => Signal == 0 ? Code : 128 + Signal;
}

/// <summary>A process could not be started; the message says why.</summary>
internal sealed class SpawnException(string message) : Exception(message);
