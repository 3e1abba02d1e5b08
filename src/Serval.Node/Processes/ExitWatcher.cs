using System.Collections.Concurrent;
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

    private readonly ConcurrentDictionary<long, Entry> _children = new();
    private readonly Epoll _epoll = new();
    private readonly ILogger _logger;
    private readonly Thread _thread;

    public ExitWatcher(ILogger? logger = null)
    {
        _logger = logger ?? NullLogger.Instance;
        _thread = new Thread(() => _epoll.Run(Report)) { IsBackground = true, Name = "serval-node-exits" };
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
            if (!_epoll.Add(pidfd, Epoll.In | Epoll.OneShot, pidfd))
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
        _epoll.Stop();
        _thread.Join();
        foreach (var pidfd in _children.Keys)
        {
            _ = Libc.close((int)pidfd);
        }
        _epoll.Dispose();
    }

    private void Report(long pidfd)
    {
        if (_children.TryRemove(pidfd, out var entry))
        {
            Report((int)pidfd, entry);
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
