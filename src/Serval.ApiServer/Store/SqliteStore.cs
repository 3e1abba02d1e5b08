using System.Collections.Concurrent;
using System.Collections.Frozen;
using Microsoft.Extensions.Logging;
using Serval.Api;
using Serval.ApiServer.Certificates;
using Serval.ApiServer.Selectors;
using Serval.Kube;

namespace Serval.ApiServer.Store;

/// <summary>
/// The embedded state: every object in memory as canonical bytes, and in SQLite so that it survives. One writer thread, group commit;
/// watchers are told after commit, in resource-version order.
/// </summary>
public sealed partial class SqliteStore : IAsyncDisposable
{
    /// <summary>
    /// Of a new database; one that is there keeps its own. A log entry of a page holds several objects of usual size: they are 1 to 4 KB.
    /// </summary>
    private const int PageBytes = 8192;

    private readonly StoreOptions _options;
    private readonly SqliteDatabase _database;
    private readonly DirectoryLock? _lock;
    private readonly FrozenDictionary<ResourceKind, KindTable> _tables;
    private readonly ConcurrentDictionary<string, KindTable> _customTables = new(StringComparer.Ordinal);
    private readonly Dictionary<string, (long Id, List<KeptRow> Rows)> _kept = new(StringComparer.Ordinal); // guarded by itself: of no table yet
    private readonly List<(long After, long Before)> _gaps;
    private readonly ChangeLog _log;
    private readonly ChangeRing _ring;
    private readonly StoreWriter _writer;
    private readonly Checkpointer? _checkpointer;
    private readonly WriterQueue _queue = new();
    private readonly Thread _thread;
    private readonly CancellationTokenSource _closing = new();
    private long _version;
    private readonly CancellationToken _closed;
    private int _disposed;

    private SqliteStore(StoreOptions options, DirectoryLock? held)
    {
        _options = options;
        _lock = held;
        _closed = _closing.Token;
        Where = options.Directory ?? "memory";
        _database = new SqliteDatabase(options.Directory is null ? ":memory:" : DatabasePath(options.Directory));
        try
        {
            _database.Execute($"PRAGMA page_size={PageBytes}; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=0; PRAGMA temp_store=MEMORY");
            var layout = StoreSchema.Layout(_database, Where);
            if (options.Directory is not null && layout == 0 && Directory.Exists(Path.Combine(options.Directory, "certificates")))
            {
                Log.Emptied(options.Logger, Where);
            }
            if (options.Directory is not null && layout is > 0 and < StoreSchema.Current)
            {
                var kept = $"{DatabasePath(options.Directory)}.before-{StoreSchema.Current}";
                StoreCopy.Replace(_database, kept);
                Log.Migrating(options.Logger, Where, layout, StoreSchema.Current, kept);
            }
            StoreSchema.Migrate(_database, layout, Where);
            if (layout is > 0 and < StoreSchema.Current)
            {
                _database.Checkpoint(truncate: true); // or the log stays as long as the database
            }
            var builtIn = KindRegistry.BuiltIn.Resources;
            var numbers = StoreSchema.ReadKinds(_database, builtIn.Select(k => k.ResourceName));
            _tables = builtIn.ToFrozenDictionary(k => k, k => new KindTable(this, k, numbers[k.ResourceName]));
            var loader = new StoreLoader(_database, Where);
            var others = loader.LoadObjects(_tables.Values.ToDictionary(t => t.Id));
            foreach (var (name, id) in numbers.ExceptBy(builtIn.Select(k => k.ResourceName), n => n.Key))
            {
                _kept.Add(name, (id, others.GetValueOrDefault(id, []))); // without objects too: the log may hold changes of it
            }
            loader.LoadVersions(options.VersionBlock);
            _gaps = loader.Gaps;
            _version = loader.Last;
            _log = new ChangeLog(_database, options);
            _ring = new ChangeRing(options.RecentChanges, loader.Last);
            if (options is { Directory: not null, CheckpointBytes: > 0 })
            {
                _checkpointer = new Checkpointer(DatabasePath(options.Directory), options, MoveLogAsync);
            }
            _writer = new StoreWriter(this, _database, options, _log, _ring, loader, _checkpointer);
        }
        catch
        {
            _database.Dispose();
            throw;
        }
        Kinds.Changed += name => _customTables.GetValueOrDefault(name)?.EndWatches();
        _thread = new Thread(() => _writer.Run(_queue)) { IsBackground = true, Name = "serval-store" };
    }

    /// <summary>The newest published resource version.</summary>
    public long Version => Volatile.Read(ref _version);

    /// <summary>False while the disk refuses what is written.</summary>
    public bool TakesWrites => _writer.TakesWrites;

    /// <summary>The kinds it keeps objects of: the built-in ones, and what is added here.</summary>
    internal KindRegistry Kinds { get; } = new();

    internal string Where { get; }

    internal StoreOptions Options => _options;

    /// <summary>Opens the store, creating or migrating the database. Throws <see cref="StoreException"/> with the cause and what to do.</summary>
    public static Task<SqliteStore> OpenAsync(StoreOptions options, CancellationToken ct = default) => Task.Run(() => Open(options), ct);

    /// <summary>The live cache of a kind.</summary>
    public IObjectCache Cache(ResourceKind kind) => Table(kind);

    /// <summary>A clean stop: what is queued is stored, and the version counter is recorded.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }
        _queue.Close();
        await Task.Run(_thread.Join);
        await _closing.CancelAsync();
        try
        {
            _checkpointer?.Dispose();
            _writer.RecordCleanStop();
        }
        catch (SqliteFailure e)
        {
            Log.UncleanStop(_options.Logger, e, Where, e.Advice);
        }
        Release();
    }

    internal KindTable Table(ResourceKind kind) =>
        _tables.TryGetValue(kind.ViewOf ?? kind, out var table) ? table
        : kind.Shape is null ? throw new ApiException(404, "NotFound", "the server could not find the requested resource")
        : _customTables.TryGetValue(kind.ResourceName, out table) ? table
        : AddTable(kind.StoredAs);

    internal void Advance(long version) => Volatile.Write(ref _version, version);

    /// <summary>Hands a write to the writer thread; completes after commit and publication.</summary>
    internal Task<WriteResult> WriteAsync(StoreWrite write)
    {
        Enqueue(write);
        return write.Task;
    }

    /// <summary>Changes of a kind; see <see cref="IKubeClient.WatchAsync"/>.</summary>
    internal IAsyncEnumerable<WatchEvent> Watch(ResourceKind kind, ObjectFilter filter, WatchStart start, bool bookmarks, CancellationToken ct) =>
        new WatchSession(this, kind, filter, bookmarks).RunAsync(start, _closed, ct);

    /// <summary>Throws Expired when changes after this version are not all known.</summary>
    internal void CheckResumable(long version)
    {
        if (version > Version || version < _log.Compacted || _gaps.Exists(g => version > g.After && version < g.Before))
        {
            throw ApiException.Expired(version > Version
                ? $"resource version {version} was never handed out by this server (newest: {Version}); list again and watch from there"
                : $"too old resource version: {version} ({Math.Max(_log.Compacted, 1)}); list again and watch from there");
        }
    }

    internal bool TryCopyRecent(KindTable table, long after, long upTo, List<StoreChange> target) => _ring.TryCopy(table, after, upTo, target);

    internal Task<List<LoggedChange>> ReadChangesAsync(KindTable table, long after, long upTo) => DoAsync(_ => _log.Read(table, after, upTo));

    internal Task<byte[]?> ReadStateAsync(KindTable table, long version) => DoAsync(_ => _log.ReadState(table, version));

    /// <summary>Runs something on the writer's connection between two transactions.</summary>
    internal Task<T> DoAsync<T>(Func<SqliteDatabase, T> work)
    {
        var chore = new StoreChore<T>(work);
        Enqueue(chore);
        return chore.Task;
    }

    /// <summary>Ends without a word to the disk, as a crash would (tests): nothing is recorded, files stay as they are.</summary>
    internal async Task AbandonAsync()
    {
        Interlocked.Exchange(ref _disposed, 1);
        _queue.Close();
        await Task.Run(_thread.Join);
        await _closing.CancelAsync();
        _checkpointer?.Dispose();
        Release();
    }

    internal static string DatabasePath(string directory) => Path.Combine(directory, StoreCopy.FileName);

    private static SqliteStore Open(StoreOptions options)
    {
        DirectoryLock? held = null;
        try
        {
            if (options.Directory is not null)
            {
                PrivateFile.CreateDirectory(options.Directory);
                held = DirectoryLock.Take(options.Directory);
                MakePrivate(DatabasePath(options.Directory));
            }
            var store = new SqliteStore(options, held);
            store._thread.Start();
            return store;
        }
        catch (Exception e)
        {
            held?.Dispose();
            throw e switch
            {
                SqliteFailure failure => new StoreException($"the database {(options.Directory is { } directory ? DatabasePath(directory) : "in memory")} cannot be opened: {failure.Message}; {failure.Advice}", e),
                UnauthorizedAccessException or IOException => new StoreException(
                    $"the data directory {options.Directory} cannot be used: {e.Message.TrimEnd('.')}; check its space, owner and mode, or choose another --data-dir", e),
                _ => e,
            };
        }
    }

    /// <summary>Secrets lie in the database. SQLite makes what lies beside it with the database's mode, but leaves what is there as it is.</summary>
    private static void MakePrivate(string database)
    {
        PrivateFile.Protect(database);
        PrivateFile.Tighten(database + "-wal");
        PrivateFile.Tighten(database + "-shm");
    }

    /// <summary>The table of a custom resource, with the objects that lie in the database.</summary>
    private KindTable AddTable(ResourceKind kind)
    {
        lock (_kept)
        {
            if (_customTables.TryGetValue(kind.ResourceName, out var known))
            {
                return known;
            }
            var (id, rows) = _kept.GetValueOrDefault(kind.ResourceName, (0, []));
            var table = new KindTable(this, kind, id);
            rows.ForEach(row => row.LoadInto(table, Where));
            _kept.Remove(kind.ResourceName);
            return _customTables[kind.ResourceName] = table;
        }
    }

    private Task MoveLogAsync(bool truncate)
    {
        var chore = new StoreChore<int>(db => db.Checkpoint(truncate));
        return _queue.TryAdd(chore) == WriterQueue.Admission.Accepted ? chore.Task : Task.CompletedTask;
    }

    private void Release()
    {
        _closing.Dispose();
        _database.Dispose();
        _lock?.Dispose();
    }

    private void Enqueue(StoreOperation operation)
    {
        switch (_queue.TryAdd(operation))
        {
            case WriterQueue.Admission.Full:
                throw ApiException.TooManyRequests("too many writes are waiting for the disk, please try again later", retryAfterSeconds: 1);
            case WriterQueue.Admission.Closed:
                throw new ApiException(503, "ServiceUnavailable", "the API server is shutting down");
            default:
                return;
        }
    }

    private static partial class Log
    {
        [LoggerMessage(21, LogLevel.Warning, "The database in {Where} is empty although the directory was used before; if it should not be, stop and restore a backup")]
        public static partial void Emptied(ILogger logger, string where);

        [LoggerMessage(22, LogLevel.Warning, "The database in {Where} is brought from layout {From} to {To}; a copy for the version before lies in {Kept}")]
        public static partial void Migrating(ILogger logger, string where, int from, int to, string kept);

        [LoggerMessage(20, LogLevel.Warning, "The clean stop of the database in {Where} could not be recorded, so the next start skips a block of versions; {Advice}")]
        public static partial void UncleanStop(ILogger logger, Exception e, string where, string advice);
    }
}
