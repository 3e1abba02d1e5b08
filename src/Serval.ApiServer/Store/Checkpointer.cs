using Microsoft.Extensions.Logging;

namespace Serval.ApiServer.Store;

/// <summary>
/// Moves the write-ahead log into the database on a thread of its own, so that no write ever waits for it. (SQLite would do it inside
/// a commit, with two syncs.)
/// </summary>
internal sealed partial class Checkpointer : IDisposable
{
    /// <summary>A guess: what a change takes in the log beside its object, most of all the page of what points to it.</summary>
    private const int BytesPerChange = 8192;

    private const int Passes = 2;

    private readonly SqliteDatabase _database;
    private readonly StoreOptions _options;
    private readonly Func<bool, Task> _moveByWriter;
    private readonly long _mostPages;
    private readonly Thread _thread;
    private readonly object _lock = new(); // a monitor, because the thread waits on it
    private bool _wanted; // guarded by _lock
    private bool _closed; // guarded by _lock
    private long _bytes; // the writer thread's

    /// <param name="path">The database.</param>
    /// <param name="options">When.</param>
    /// <param name="moveByWriter">Has the writer move what is left between two commits, and cut the log when asked to, for a moment that is felt.</param>
    public Checkpointer(string path, StoreOptions options, Func<bool, Task> moveByWriter)
    {
        _options = options;
        _moveByWriter = moveByWriter;
        _database = new SqliteDatabase(path);
        _database.Execute("PRAGMA synchronous=NORMAL; PRAGMA cache_size=-64");
        _mostPages = options.LogBytes / (_database.Scalar("PRAGMA page_size") ?? 4096);
        _thread = new Thread(Run) { IsBackground = true, Name = "serval-checkpoint" };
        _thread.Start();
    }

    /// <summary>On the writer thread after each commit.</summary>
    /// <param name="changes">How many changes.</param>
    /// <param name="bytes">What their objects hold.</param>
    public void Committed(int changes, long bytes)
    {
        _bytes += (changes * BytesPerChange) + bytes;
        if (_bytes < _options.CheckpointBytes)
        {
            return;
        }
        _bytes = 0;
        lock (_lock)
        {
            _wanted = true;
            Monitor.Pulse(_lock);
        }
    }

    public void Dispose()
    {
        lock (_lock)
        {
            _closed = true;
            Monitor.Pulse(_lock);
        }
        _thread.Join();
        _database.Dispose();
    }

    private void Run()
    {
        while (WaitForWork())
        {
            try
            {
                MoveLog();
            }
            catch (SqliteFailure e)
            {
                Log.Failed(_options.Logger, e, e.Advice);
            }
        }
    }

    /// <summary>
    /// The log starts over only when a commit finds all of it moved. What comes while it is moved is moved by a second pass, and what came during that one, a
    /// little, by the writer between two commits.
    /// </summary>
    private void MoveLog()
    {
        for (var pass = 0; pass < Passes; pass++)
        {
            if (_database.Checkpoint(truncate: false) > _mostPages)
            {
                LetWriterMove(cut: true);
                return;
            }
        }
        LetWriterMove(cut: false);
    }

    // Waits for it: two that move the log at once are in each other's way. What fails there fails here the next time.
    private void LetWriterMove(bool cut) => _moveByWriter(cut).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing).GetAwaiter().GetResult();

    private bool WaitForWork()
    {
        lock (_lock)
        {
            while (!_wanted && !_closed)
            {
                Monitor.Wait(_lock);
            }
            _wanted = false;
            return !_closed;
        }
    }

    private static partial class Log
    {
        [LoggerMessage(30, LogLevel.Warning, "The write-ahead log could not be moved into the database and grows until that works; {Advice}")]
        public static partial void Failed(ILogger logger, Exception e, string advice);
    }
}
