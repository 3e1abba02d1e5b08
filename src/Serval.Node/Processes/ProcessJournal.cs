using System.Globalization;
using System.Text;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Serval.Node.Processes;

/// <summary>
/// Which processes this node started and has not seen end: one appended line each, never synced (a machine that loses it lost the processes too).
/// After a crash the next start finds its orphans here and knows them by pid and start time. Best effort: a full disk stops nothing, and
/// <see cref="UnrecordedOrphans"/> finds what was not written.
/// </summary>
internal sealed partial class ProcessJournal : IDisposable
{
    private const long CompactAt = 1 << 20;

    private static readonly TimeSpan s_longestSpawn = TimeSpan.FromSeconds(2);

    private readonly string _path;
    private readonly ILogger _logger;
    private readonly Lock _lock = new();
    private readonly Dictionary<(int Pid, long Start), string> _live = []; // guarded by _lock
    private FileStream? _file; // guarded by _lock; null when the last write failed: the next one writes all anew
    private bool _told; // guarded by _lock
    private readonly ReaderWriterLockSlim _spawns = new(); // never disposed: KillAll may come at any time
    private volatile bool _ending;

    private ProcessJournal(string path, ILogger logger)
    {
        (_path, _logger) = (path, logger);
        Write(() => _file = Create(path, []));
    }

    /// <summary>Whether <see cref="KillAll"/> was called.</summary>
    public bool IsEnding => _ending;

    /// <summary>Kills what the last run left behind, then begins a journal of this run.</summary>
    public static ProcessJournal Open(string directory, out int orphans, ILogger? logger = null)
    {
        Directory.CreateDirectory(directory);
        var path = Path.Combine(directory, "processes");
        orphans = 0;
        try
        {
            orphans = File.Exists(path) ? KillOrphans(Read(path)) : 0;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Log.NotRead(logger ?? NullLogger.Instance, e, path);
        }
        return new ProcessJournal(path, logger ?? NullLogger.Instance);
    }

    /// <summary>
    /// Starts a process and notes it, in one piece for <see cref="KillAll"/>: a process that is there but not known yet would outlive this one.
    /// Throws <see cref="OperationCanceledException"/> once everything is to end.
    /// </summary>
    public ChildProcess Spawn(Func<ChildProcess> spawn)
    {
        _spawns.EnterReadLock();
        try
        {
            return _ending ? throw new OperationCanceledException("every process of this node is being ended") : spawn();
        }
        finally
        {
            _spawns.ExitReadLock();
        }
    }

    public void Started(ChildProcess child, string podUid, string container)
    {
        lock (_lock)
        {
            var line = string.Create(CultureInfo.InvariantCulture, $"+ {child.Pid} {child.StartTicks} {podUid} {container}");
            _live[(child.Pid, child.StartTicks)] = line;
            Append(line);
        }
        if (_ending)
        {
            child.KillSession(); // its start took longer than KillAll waits
        }
    }

    /// <summary>Kills every process of this run's sessions, and lets none start from now on.</summary>
    public void KillAll()
    {
        _ending = true;
        if (_spawns.TryEnterWriteLock(s_longestSpawn))
        {
            _spawns.ExitWriteLock(); // what was being started is known now
        }
        (int Pid, long StartTicks)[] live;
        lock (_lock)
        {
            live = [.. _live.Keys];
        }
        KillOrphans(live);
    }

    public void Ended(ChildProcess child)
    {
        lock (_lock)
        {
            if (_live.Remove((child.Pid, child.StartTicks)))
            {
                Append(string.Create(CultureInfo.InvariantCulture, $"- {child.Pid} {child.StartTicks}"));
            }
        }
    }

    public void Dispose()
    {
        lock (_lock)
        {
            _file?.Dispose();
        }
    }

    /// <summary>Kills every process of the sessions left behind whose leader still is the recorded one. Returns how many sessions.</summary>
    private static int KillOrphans(IReadOnlyList<(int Pid, long StartTicks)> left)
    {
        var killed = 0;
        foreach (var (pid, start) in left)
        {
            // Another start time means the number was given to someone else, and that the old session is gone:
            // the kernel does not reuse a number while a session of that number lives.
            if (ProcFs.Stat(pid) is { } now && now.StartTicks != start)
            {
                continue;
            }
            var members = ProcFs.Tree(pid);
            foreach (var member in members)
            {
                _ = Libc.kill(member.Pid, Libc.SIGKILL);
            }
            killed += members.Count > 0 ? 1 : 0;
        }
        return killed;
    }

    private static List<(int Pid, long StartTicks)> Read(string path)
    {
        var left = new List<(int, long)>();
        var lines = File.ReadAllLines(path);
        if (lines.Length == 0 || lines[0] != BootLine())
        {
            return left; // the machine was started since: none of them lives
        }
        foreach (var line in lines.Skip(1))
        {
            var fields = line.Split(' ');
            if (fields.Length < 3 || !int.TryParse(fields[1], out var pid) || !long.TryParse(fields[2], out var start))
            {
                continue; // the line a crash cut off
            }
            if (fields[0] == "+")
            {
                left.Add((pid, start));
            }
            else
            {
                left.Remove((pid, start));
            }
        }
        return left;
    }

    private static string BootLine() => "boot " + File.ReadAllText("/proc/sys/kernel/random/boot_id").Trim();

    private static FileStream Create(string path, IEnumerable<string> lines)
    {
        var file = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
        try
        {
            file.Write(Encoding.UTF8.GetBytes(string.Concat(lines.Prepend(BootLine()).Select(l => l + "\n"))));
            return file;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    private void Append(string line) => Write(() =>
    {
        if (_file is null || _file.Position > CompactAt)
        {
            Compact(); // the live ones are all it holds then, this one among them
        }
        else
        {
            _file.Write(Encoding.UTF8.GetBytes(line + "\n"));
        }
    });

    private void Compact()
    {
        var fresh = _path + ".new";
        var file = Create(fresh, _live.Values);
        File.Move(fresh, _path, overwrite: true);
        _file?.Dispose();
        _file = file;
    }

    private void Write(Action write)
    {
        try
        {
            write();
            _told = false;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            _file?.Dispose();
            _file = null;
            if (!_told)
            {
                _told = true;
                Log.NotWritten(_logger, e, _path);
            }
        }
    }

    private static partial class Log
    {
        [LoggerMessage(41, LogLevel.Warning, "The journal of processes {Path} cannot be written; containers run on without it")]
        public static partial void NotWritten(ILogger logger, Exception error, string path);

        [LoggerMessage(43, LogLevel.Warning, "The journal of processes {Path} cannot be read; orphans are known by their log files alone")]
        public static partial void NotRead(ILogger logger, Exception error, string path);
    }
}
