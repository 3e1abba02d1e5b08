using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Serval.Node.Processes;

namespace Serval.Node.Logs;

/// <summary>
/// Learns from inotify when logs of running containers grow, notes the times and wakes those who follow. One thread; a busy log is looked
/// at every 10 ms, which is the precision of time stamps.
/// </summary>
internal sealed unsafe partial class LogIndexer : IDisposable
{
    private const uint IN_MODIFY = 2;
    private const int EventHead = 16;
    private const int BufferSize = 16 * 1024;
    private const long CoalesceNanoseconds = 10_000_000;
    private const short POLLIN = 1;

    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly ConcurrentDictionary<int, LogTrack> _byWatch = new();
    private readonly ConcurrentDictionary<string, LogTrack> _byPath = new(StringComparer.Ordinal);
    private readonly int _inotify;
    private readonly int _stop;
    private readonly Thread _thread;

    public LogIndexer(TimeProvider time, ILogger? logger = null)
    {
        (_time, _logger) = (time, logger ?? NullLogger.Instance);
        _inotify = Libc.inotify_init1(Libc.O_CLOEXEC | Libc.O_NONBLOCK);
        if (_inotify < 0)
        {
            throw new InvalidOperationException(
                $"cannot watch log files: inotify_init1: {Libc.LastErrorText()}; raise the sysctl fs.inotify.max_user_instances");
        }
        _stop = Libc.eventfd(0, Libc.O_CLOEXEC | Libc.O_NONBLOCK);
        _thread = new Thread(Run) { IsBackground = true, Name = "serval-node-logs" };
        _thread.Start();
    }

    /// <summary>How many entries an index may hold before it is thinned: 4 MB.</summary>
    public int MostEntries { get; init; } = 1 << 18;

    /// <summary>Begins to watch an existing log file; disposing the track ends it.</summary>
    public LogTrack Track(string path)
    {
        var watch = Libc.inotify_add_watch(_inotify, path, IN_MODIFY);
        var track = new LogTrack(this, path, watch, _time);
        _byPath[path] = track;
        if (watch >= 0)
        {
            _byWatch[watch] = track;
        }
        Look(track); // what was written before the watch began
        return track;
    }

    /// <summary>The track of a file whose container runs, or null.</summary>
    public LogTrack? Find(string path) => _byPath.GetValueOrDefault(path);

    public void Dispose()
    {
        ulong one = 1;
        _ = Libc.write(_stop, &one, 8);
        _thread.Join();
        foreach (var track in _byPath.Values)
        {
            track.Dispose();
        }
        _ = Libc.close(_inotify);
        _ = Libc.close(_stop);
    }

    internal void Forget(LogTrack track)
    {
        _byPath.TryRemove(new KeyValuePair<string, LogTrack>(track.Path, track));
        if (track.Watch >= 0 && _byWatch.TryRemove(new KeyValuePair<int, LogTrack>(track.Watch, track)))
        {
            _ = Libc.inotify_rm_watch(_inotify, track.Watch);
        }
    }

    internal void IndexFailed(Exception error, LogTrack track)
    {
        if (track.FailsFirst())
        {
            Log.IndexFailed(_logger, error, track.Path);
        }
    }

    private void Run()
    {
        var buffer = stackalloc byte[BufferSize];
        var pause = stackalloc long[2];
        pause[0] = 0;
        pause[1] = CoalesceNanoseconds;
        var changed = new HashSet<int>();
        while (Wait(_inotify, null))
        {
            changed.Clear();
            for (nint length; (length = Libc.read(_inotify, buffer, BufferSize)) > 0;)
            {
                for (nint at = 0; at + EventHead <= length; at += EventHead + *(int*)(buffer + at + 12))
                {
                    changed.Add(*(int*)(buffer + at));
                }
            }
            foreach (var watch in changed)
            {
                if (_byWatch.TryGetValue(watch, out var track))
                {
                    Look(track);
                }
            }
            if (!Wait(-1, pause))
            {
                return;
            }
        }
    }

    private void Look(LogTrack track)
    {
        try
        {
            track.Look();
        }
        catch (Exception e)
        {
            IndexFailed(e, track); // the other logs must still be looked at
        }
    }

    /// <returns>False when the indexer stops.</returns>
    private bool Wait(int fd, long* time)
    {
        var fds = stackalloc long[2]; // struct pollfd { int fd; short events; short revents }
        var poll = (int*)fds;
        poll[0] = _stop;
        poll[1] = POLLIN;
        poll[2] = fd;
        poll[3] = POLLIN;
        _ = Libc.ppoll(fds, 2, time, null);
        return (poll[1] >> 16 & POLLIN) == 0;
    }

    private static partial class Log
    {
        [LoggerMessage(42, LogLevel.Warning, "The times of lines in {Path} cannot be noted; the log itself is the program's and goes on")]
        public static partial void IndexFailed(ILogger logger, Exception error, string path);
    }
}
