using System.Diagnostics;
using Serval.Node.Network;
using Serval.Node.Processes;

namespace Serval.Node.Sockets;

/// <summary>
/// The one prober of a node: while instances are starting a thread asks the kernel for listening sockets, often at first and less often the
/// longer an instance takes; when nothing starts it sleeps. A port counts only when its socket belongs to the instance's own processes.
/// </summary>
internal sealed unsafe class ListenProber : IDisposable
{
    private const double FirstInterval = 0.0005;
    private const double LongestInterval = 0.25;
    private const double PartOfAge = 0.01; // a program that took 3 s waits at most 30 ms more
    private const double OwnerRecheck = 0.02;

    private readonly SockDiag _diag = new();
    private readonly Lock _lock = new();
    private readonly List<Watch> _watches = []; // guarded by _lock
    private readonly int _wake;
    private readonly Thread _thread;
    private volatile bool _stopping;

    public ListenProber()
    {
        _wake = Libc.eventfd(0, Libc.O_CLOEXEC | Libc.O_NONBLOCK);
        _thread = new Thread(Run) { IsBackground = true, Name = "serval-node-prober" };
        _thread.Start();
    }

    /// <summary>
    /// Calls <paramref name="listening"/> once, on the prober's thread, when the instance listens on the port. Disposing ends the watch.
    /// </summary>
    /// <param name="leader">Its first process.</param>
    /// <param name="pod">Its network; null is the machine's.</param>
    /// <param name="port">The port.</param>
    /// <param name="listening">Told.</param>
    public IDisposable WhenListening(int leader, PodNamespace? pod, int port, Action listening)
    {
        var watch = new Watch(this, leader, pod, port, listening);
        lock (_lock)
        {
            _watches.Add(watch);
        }
        Wake();
        return watch;
    }

    public void Dispose()
    {
        _stopping = true;
        Wake();
        _thread.Join();
        _diag.Dispose();
        _ = Libc.close(_wake);
    }

    private void Wake()
    {
        ulong one = 1;
        _ = Libc.write(_wake, &one, 8);
    }

    private void Run()
    {
        var sockets = new List<ListeningSocket>(128);
        var due = new List<Watch>();
        while (!_stopping)
        {
            var wait = Due(due);
            if (due.Count > 0)
            {
                foreach (var network in due.GroupBy(w => w.Pod?.Diag ?? _diag))
                {
                    network.Key.Dump(sockets);
                    foreach (var watch in network)
                    {
                        Look(watch, sockets);
                    }
                }
                continue;
            }
            Sleep(wait);
        }
    }

    /// <returns>Seconds until the next watch is due; negative when there is none.</returns>
    private double Due(List<Watch> due)
    {
        due.Clear();
        var now = Stopwatch.GetTimestamp();
        var next = -1.0;
        lock (_lock)
        {
            foreach (var watch in _watches)
            {
                var left = Seconds(now, watch.NextLook);
                if (left <= 0)
                {
                    due.Add(watch);
                    var age = Seconds(watch.Since, now);
                    watch.NextLook = now + Ticks(Math.Clamp(age * PartOfAge, age < 0.01 ? FirstInterval : 0.001, LongestInterval));
                }
                else if (next < 0 || left < next)
                {
                    next = left;
                }
            }
        }
        return next;
    }

    private void Look(Watch watch, List<ListeningSocket> sockets)
    {
        foreach (var socket in sockets)
        {
            if (socket.Port == watch.Port && socket.Takes(watch.Pod?.Address) && watch.Owns(socket.Inode))
            {
                watch.Dispose();
                watch.Listening();
                return;
            }
        }
    }

    private void Sleep(double seconds)
    {
        var time = stackalloc long[2];
        time[0] = (long)seconds;
        time[1] = (long)((seconds - Math.Floor(seconds)) * 1e9);
        var fd = stackalloc int[2];
        fd[0] = _wake;
        fd[1] = 1; // POLLIN
        if (Libc.ppoll(fd, 1, seconds < 0 ? null : time, null) > 0)
        {
            ulong value;
            _ = Libc.read(_wake, &value, 8);
        }
    }

    private static double Seconds(long from, long to) => (to - from) / (double)Stopwatch.Frequency;

    private static long Ticks(double seconds) => (long)(seconds * Stopwatch.Frequency);

    private sealed class Watch(ListenProber owner, int leader, PodNamespace? pod, int port, Action listening) : IDisposable
    {
        private uint _foreign; // prober thread only: a socket on the port that was not ours, and when to look at it again
        private long _recheck;

        public long Since { get; } = Stopwatch.GetTimestamp();
        public long NextLook { get; set; } // guarded by owner._lock
        public PodNamespace? Pod { get; } = pod;
        public int Port { get; } = port;
        public Action Listening { get; } = listening;

        public bool Owns(uint inode)
        {
            var now = Stopwatch.GetTimestamp();
            if (inode == _foreign && now < _recheck)
            {
                return false;
            }
            if (Holds(inode))
            {
                return true;
            }
            (_foreign, _recheck) = (inode, now + Ticks(OwnerRecheck));
            return false;
        }

        private bool Holds(uint inode)
        {
            try
            {
                return InstanceSockets.Holds(leader, inode);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                return false; // /proc cannot be read just now (too many open files): looked at again
            }
        }

        public void Dispose()
        {
            lock (owner._lock)
            {
                owner._watches.Remove(this);
            }
        }
    }
}
