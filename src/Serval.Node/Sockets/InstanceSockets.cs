using Serval.Node.Network;
using Serval.Node.Processes;

namespace Serval.Node.Sockets;

/// <summary>Which sockets belong to an instance's processes.</summary>
internal static class InstanceSockets
{
    /// <summary>Whether a process of the instance holds the socket.</summary>
    public static bool Holds(int leader, uint inode)
    {
        var inodes = new HashSet<uint>();
        ProcFs.AddSockets(leader, inodes); // nearly always the program itself
        if (inodes.Contains(inode))
        {
            return true;
        }
        foreach (var member in ProcFs.Tree(leader))
        {
            if (member.Pid != leader)
            {
                ProcFs.AddSockets(member.Pid, inodes);
            }
        }
        return inodes.Contains(inode);
    }

    /// <summary>What the instance listens on, by port.</summary>
    public static IReadOnlyList<ListeningSocket> Listening(int leader, PodNamespace? pod)
    {
        var inodes = new HashSet<uint>();
        foreach (var member in ProcFs.Tree(leader))
        {
            ProcFs.AddSockets(member.Pid, inodes);
        }
        return [.. Dump(pod).Where(s => inodes.Contains(s.Inode)).OrderBy(s => s.Port)];
    }

    /// <summary>Every listening TCP socket of the pod's network; of the machine's when it has none.</summary>
    public static List<ListeningSocket> Dump(PodNamespace? pod = null)
    {
        var sockets = new List<ListeningSocket>();
        using var machine = pod is null ? new SockDiag() : null;
        (pod?.Diag ?? machine!).Dump(sockets);
        return sockets;
    }
}
