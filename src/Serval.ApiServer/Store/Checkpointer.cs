using Microsoft.Extensions.Logging;

namespace Serval.ApiServer.Store;

/// <summary>
/// Moves the write-ahead log into the database on a thread of its own, so that no write ever waits for it. (SQLite would do it inside
/// a commit, with two syncs.)
/// </summary>
internal sealed partial class Checkpointer : IDisposable
{
    /// <summary>A guess: the change's row, and what points to it.</summary>
    private const int PagesPerChange = 2;

    private const int PageBytes = 4096;
    private const int MostPasses = 4;

    private readonly SqliteDatabase _database;
    private readonly StoreOptions _options;
    private readonly Action _tooLong;
    private readonly Thread _thread;
    private readonly object _lock = new(); // a monitor, because the thread waits on it
    private bool _wanted; // guarded by _lock
    private bool _closed; // guarded by _lock
    private long _pages; // the writer thread's

    public Checkpointer(string path, StoreOptions options, Action tooLong)
    {
        _options = options;
        _tooLong = tooLong;
        _database = new SqliteDatabase(path);
        _database.Execute("PRAGMA synchronous=NORMAL; PRAGMA cache_size=-64");
        _thread = new Thread(Run) { IsBackground = true, Name = "serval-checkpoint" };
        _thread.Start();
    }

    /// <summary>On the writer thread after each commit.</summary>
    /// <param name="changes">How many changes.</param>
    /// <param name="bytes">What their objects hold.</param>
    public void Committed(int changes, long bytes)
    {
        _pages += (changes * PagesPerChange) + (bytes / PageBytes);
        if (_pages < _options.CheckpointPages)
        {
            return;
        }
        _pages = 0;
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
            if (pages > _options.LogPages)
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
