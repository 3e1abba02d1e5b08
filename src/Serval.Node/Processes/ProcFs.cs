using System.Buffers.Text;
using System.IO.Enumeration;
using System.Text;

namespace Serval.Node.Processes;

/// <summary>A line of <c>/proc/&lt;pid&gt;/stat</c>.</summary>
internal readonly record struct ProcStat(int Pid, char State, int Parent, int Session, long StartTicks)
{
    private const int TicksASecond = 100; // what /proc counts in, whatever the kernel's own (proc(5): USER_HZ)

    /// <summary>Processor time in such ticks, that of its children that ended included.</summary>
    public long CpuTicks { get; init; }

    /// <summary>Resident pages.</summary>
    public long Pages { get; init; }

    public TimeSpan Cpu => TimeSpan.FromSeconds((double)CpuTicks / TicksASecond);

    public long Memory => Pages * Environment.SystemPageSize;
}

/// <summary>What <c>/proc</c> says about processes. Every answer may be stale when it arrives: processes come and go.</summary>
internal static unsafe class ProcFs
{
    private static ReadOnlySpan<byte> SocketPrefix => "socket:["u8;

    /// <summary>The process, or null when there is none.</summary>
    public static ProcStat? Stat(int pid)
    {
        var buffer = stackalloc byte[1024];
        var length = ReadSmall($"/proc/{pid}/stat\0", buffer, 1024);
        return length <= 0 ? null : Parse(pid, new ReadOnlySpan<byte>(buffer, length));
    }

    /// <summary>
    /// The processes of an instance: those of the leader's session and all descendants of these. The leader may be gone already.
    /// </summary>
    public static IReadOnlyList<ProcStat> Tree(int leader)
    {
        var all = All();
        var members = new HashSet<int>();
        foreach (var stat in all)
        {
            if (stat.Session == leader || stat.Pid == leader)
            {
                members.Add(stat.Pid);
            }
        }
        if (members.Count == 0)
        {
            return [];
        }
        for (var grown = true; grown;)
        {
            grown = false;
            foreach (var stat in all)
            {
                grown |= members.Contains(stat.Parent) && members.Add(stat.Pid);
            }
        }
        return [.. all.Where(s => members.Contains(s.Pid))];
    }

    /// <summary>Whether any thread of the process has children; true when the kernel does not say.</summary>
    public static bool HasChildren(int pid)
    {
        try
        {
            var threads = new FileSystemEnumerable<string>($"/proc/{pid}/task", static (ref FileSystemEntry e) => e.FileName.ToString());
            var buffer = stackalloc byte[16];
            foreach (var thread in threads)
            {
                var length = ReadSmall($"/proc/{pid}/task/{thread}/children\0", buffer, 16);
                if (length != 0)
                {
                    return true;
                }
            }
            return false;
        }
        catch (IOException)
        {
            return false;
        }
    }

    /// <summary>Inodes of the sockets a process holds.</summary>
    public static void AddSockets(int pid, HashSet<uint> inodes)
    {
        try
        {
            var descriptors = new FileSystemEnumerable<string>($"/proc/{pid}/fd", static (ref FileSystemEntry e) => e.FileName.ToString());
            foreach (var descriptor in descriptors)
            {
                if (SocketInode($"/proc/{pid}/fd/{descriptor}\0") is { } inode)
                {
                    inodes.Add(inode);
                }
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // It ended, or belongs to someone else: then it holds nothing of ours.
        }
    }

    /// <summary>Every process that can be read.</summary>
    public static List<ProcStat> All()
    {
        var result = new List<ProcStat>(128);
        var pids = new FileSystemEnumerable<int>("/proc", static (ref FileSystemEntry e) => int.Parse(e.FileName))
        {
            ShouldIncludePredicate = static (ref FileSystemEntry e) => char.IsAsciiDigit(e.FileName[0]),
        };
        foreach (var pid in pids)
        {
            if (Stat(pid) is { } stat)
            {
                result.Add(stat);
            }
        }
        return result;
    }

    /// <summary>Where a symbolic link below /proc leads, or null.</summary>
    public static string? LinkTarget(string path)
    {
        var buffer = stackalloc byte[4096];
        fixed (byte* name = Encoding.UTF8.GetBytes(path + "\0"))
        {
            var length = (int)Libc.readlink(name, buffer, 4096);
            return length > 0 ? Encoding.UTF8.GetString(buffer, length) : null;
        }
    }

    private static uint? SocketInode(string nullTerminated)
    {
        var buffer = stackalloc byte[64];
        var name = stackalloc byte[64];
        Encoding.UTF8.GetBytes(nullTerminated, new Span<byte>(name, 64));
        var length = (int)Libc.readlink(name, buffer, 64);
        if (length <= SocketPrefix.Length)
        {
            return null;
        }
        var target = new ReadOnlySpan<byte>(buffer, length);
        return target.StartsWith(SocketPrefix) && Utf8Parser.TryParse(target[SocketPrefix.Length..], out uint inode, out _) ? inode : null;
    }

    // "pid (name) state ppid pgrp session …": the name may hold spaces and brackets, so fields count from the last bracket.
    private static ProcStat? Parse(int pid, ReadOnlySpan<byte> line)
    {
        var close = line.LastIndexOf((byte)')');
        if (close < 0 || close + 2 >= line.Length)
        {
            return null;
        }
        var rest = line[(close + 2)..];
        int parent = 0, session = 0;
        long start = 0, cpu = 0, pages = 0;
        var field = 3;
        foreach (var range in rest.Split((byte)' '))
        {
            var text = rest[range];
            switch (field++)
            {
                case 4: _ = Utf8Parser.TryParse(text, out parent, out _); break;
                case 6: _ = Utf8Parser.TryParse(text, out session, out _); break;
                case 22: _ = Utf8Parser.TryParse(text, out start, out _); break;
                case 14 or 15 or 16 or 17: cpu += Utf8Parser.TryParse(text, out long ticks, out _) ? ticks : 0; break;
                case 24: _ = Utf8Parser.TryParse(text, out pages, out _); break;
                default: break;
            }
            if (field > 24)
            {
                break;
            }
        }
        return new ProcStat(pid, (char)rest[0], parent, session, start) { CpuTicks = cpu, Pages = pages };
    }

    private static int ReadSmall(string nullTerminated, byte* buffer, int size)
    {
        var name = stackalloc byte[64];
        Encoding.UTF8.GetBytes(nullTerminated, new Span<byte>(name, 64));
        var fd = Libc.open(name, Libc.O_RDONLY | Libc.O_CLOEXEC, 0);
        if (fd < 0)
        {
            return -1;
        }
        var length = (int)Libc.read(fd, buffer, (nuint)size);
        _ = Libc.close(fd);
        return length;
    }
}
