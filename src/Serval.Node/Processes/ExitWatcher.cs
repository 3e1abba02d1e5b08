using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Serval.Node.Processes;

/// <summary>
/// Learns of exits: one thread waits for all children through their pidfds. Per child: the status is reported first, then what the
/// program left behind in its session is killed, and only then the pid is given back.
/// </summary>
internal sealed unsafe partial class ExitWatcher : IDisposable
{
    internal const int P_PID = 1;
    internal const int WEXITED = 4;
    internal const int SignalInfoSize = 128;
    private const int WNOHANG = 1;
    private const int WNOWAIT = 0x01000000;
    private const int CLD_EXITED = 1;
    private const int SysPidfdOpen = 434;
    private const uint EPOLLIN = 1;
    private const uint EPOLLONESHOT = 1u << 30;
    private const int EpollAdd = 1;
    private const int Batch = 64;

    // struct epoll_event is packed on x86-64 only.
    private static readonly int s_eventSize = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 12 : 16;
    private static readonly int s_dataOffset = s_eventSize - 8;

    private readonly ConcurrentDictionary<long, Entry> _children = new();
    private readonly int _epoll;
    private readonly int _stop;
    private readonly ILogger _logger;
    private readonly Thread _thread;

    public ExitWatcher(ILogger? logger = null)
    {
        _logger = logger ?? NullLogger.Instance;
        _epoll = Libc.epoll_create1(Libc.O_CLOEXEC);
        _stop = Libc.eventfd(0, Libc.O_CLOEXEC | Libc.O_NONBLOCK);
        if (_epoll < 0 || _stop < 0 || !Add(_stop, EPOLLIN))
        {
            throw new InvalidOperationException($"cannot watch processes: epoll: {Libc.LastErrorText()}; raise the limit of open files");
        }
        _thread = new Thread(Run) { IsBackground = true, Name = "serval-node-exits" };
        _thread.Start();
    }

    /// <summary>
    /// Watches a child just started. <paramref name="started"/> runs at once, before any exit is reported; <paramref name="exited"/> runs on
    /// the watching thread: it must only pass the news on. When this throws nothing of the child is left.
    /// </summary>
    public ChildProcess Watch(int pid, Action<ChildProcess> started, Action<ChildProcess, ExitStatus> exited)
    {
        var child = new ChildProcess(pid, ProcFs.Stat(pid)?.StartTicks ?? 0);
        var pidfd = (int)Libc.syscall(SysPidfdOpen, pid, 0);
        try
        {
            if (pidfd < 0)
            {
                throw new SpawnException($"cannot watch process {pid}: pidfd_open: {Libc.LastErrorText()} (Linux 5.4 or newer is needed)");
            }
            started(child);
            _children[pidfd] = new Entry(child, exited);
            if (!Add(pidfd, EPOLLIN | EPOLLONESHOT))
            {
                throw new SpawnException($"cannot watch process {pid}: epoll_ctl: {Libc.LastErrorText()}");
            }
            return child;
        }
        catch
        {
            // A child nobody watches would run on for ever, and the next try would add another.
            if (pidfd >= 0)
            {
                _children.TryRemove(pidfd, out _);
                _ = Libc.close(pidfd);
            }
            child.Reap();
            throw;
        }
    }

    public void Dispose()
    {
        ulong one = 1;
        _ = Libc.write(_stop, &one, 8);
        _thread.Join();
        foreach (var pidfd in _children.Keys)
        {
            _ = Libc.close((int)pidfd);
        }
        _ = Libc.close(_epoll);
        _ = Libc.close(_stop);
    }

    private bool Add(int fd, uint events)
    {
        var e = stackalloc byte[16];
        *(uint*)e = events;
        *(long*)(e + s_dataOffset) = fd;
        return Libc.epoll_ctl(_epoll, EpollAdd, fd, e) == 0;
    }

    private void Run()
    {
        var events = stackalloc byte[16 * Batch];
        while (true)
        {
            var count = Libc.epoll_wait(_epoll, events, Batch, -1);
            for (var i = 0; i < count; i++)
            {
                var fd = *(long*)(events + (i * s_eventSize) + s_dataOffset);
                if (fd == _stop)
                {
                    return;
                }
                if (_children.TryRemove(fd, out var entry))
                {
                    Report((int)fd, entry);
                }
            }
        }
    }

    private void Report(int pidfd, Entry entry)
    {
        try
        {
            entry.Exited(entry.Child, Peek(entry.Child.Pid));
        }
        catch (Exception e)
        {
            Log.NotPassedOn(_logger, e, entry.Child.Pid); // the other children's exits must still be heard
        }
        ThreadPool.UnsafeQueueUserWorkItem(
            static state =>
            {
                state.entry.Child.Reap();
                _ = Libc.close(state.pidfd);
            },
            (pidfd, entry),
            preferLocal: false);
    }

    private static ExitStatus Peek(int pid)
    {
        var info = stackalloc byte[SignalInfoSize];
        if (Libc.waitid(P_PID, pid, info, WEXITED | WNOHANG | WNOWAIT) != 0)
        {
            return new ExitStatus(255, 0); // another part of the process reaped it
        }
        var code = *(int*)(info + 8);
        var status = *(int*)(info + 24);
        return code == CLD_EXITED ? new ExitStatus(status, 0) : new ExitStatus(0, status);
    }

    private readonly record struct Entry(ChildProcess Child, Action<ChildProcess, ExitStatus> Exited);

    private static partial class Log
    {
        [LoggerMessage(40, LogLevel.Error, "The exit of process {Pid} could not be passed on")]
        public static partial void NotPassedOn(ILogger logger, Exception error, int pid);
    }
}
