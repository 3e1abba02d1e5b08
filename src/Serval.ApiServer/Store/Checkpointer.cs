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

    private const int MostPasses = 4;

    private readonly SqliteDatabase _database;
    private readonly StoreOptions _options;
    private readonly Action _tooLong;
    private readonly long _mostPages;
    private readonly Thread _thread;
    private readonly object _lock = new(); // a monitor, because the thread waits on it
    private bool _wanted; // guarded by _lock
    private bool _closed; // guarded by _lock
    private long _bytes; // the writer thread's

    public Checkpointer(string path, StoreOptions options, Action tooLong)
    {
        _options = options;
        _tooLong = tooLong;
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
    /// While the log is moved it gets longer, and a log that is longer than ever costs its file new room at each sync. So the little that came meanwhile is
    /// moved at once, and mostly nothing came while that was done.
    /// </summary>
    private void MoveLog()
    {
        for (var pass = 0; pass < MostPasses; pass++)
        {
            var (pages, left) = _database.Checkpoint(truncate: false);
            if (pages > _mostPages)
            {
                _tooLong();
                return;
            }
            if (left == 0)
            {
                return;
            }
        }
    }

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
