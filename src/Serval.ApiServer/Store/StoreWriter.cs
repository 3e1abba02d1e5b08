using System.Diagnostics;
using Microsoft.Extensions.Logging;
using Serval.Api;
using Serval.Kube;

namespace Serval.ApiServer.Store;

/// <summary>
/// The one thread that writes. It takes everything that queued up, and what comes while it works on that, into one transaction (group commit), then publishes in
/// version order, then answers the callers. Readers never see what is not committed.
/// </summary>
internal sealed partial class StoreWriter
{
    private const int MostJoined = 256; // operations in a transaction beyond which nothing joins it: its first caller waits
    private static readonly int s_patience = Environment.ProcessorCount > 1 ? 3000 : 0; // spins of lingering a transaction: about a millisecond
    private readonly SqliteStore _store;
    private readonly SqliteDatabase _database;
    private readonly StoreOptions _options;
    private readonly ChangeLog _log;
    private readonly ChangeRing _ring;
    private readonly Checkpointer? _checkpointer;
    private readonly SqliteStatement _begin;
    private readonly SqliteStatement _commit;
    private readonly SqliteStatement _put;
    private readonly SqliteStatement _remove;
    private readonly SqliteStatement _reserve;
    private readonly List<StoreChange> _changes = [];
    private readonly Dictionary<(KindTable, ObjectKey), KubeObject?> _uncommitted = [];
    private readonly List<KindTable> _numbered = []; // got their number in this transaction
    private long _next;
    private long _high;
    private bool _fullSync = true;
    private long _refused; // writes refused since the disk began to fail; 0 when all is well

    public StoreWriter(SqliteStore store, SqliteDatabase database, StoreOptions options, ChangeLog log, ChangeRing ring, StoreLoader loaded, Checkpointer? checkpointer)
    {
        (_store, _database, _options, _log, _ring, _checkpointer) = (store, database, options, log, ring, checkpointer);
        (_next, _high) = (loaded.Last + 1, loaded.High);
        _begin = database.Prepare("BEGIN IMMEDIATE");
        _commit = database.Prepare("COMMIT");
        _put = database.Prepare(
            "INSERT INTO objects(kind, ns, name, rv) VALUES(?1, ?2, ?3, ?4) ON CONFLICT DO UPDATE SET rv = excluded.rv");
        _remove = database.Prepare("DELETE FROM objects WHERE kind = ?1 AND ns = ?2 AND name = ?3");
        _reserve = database.Prepare("UPDATE meta SET value = ?1 WHERE name = 'high'");
    }

    /// <summary>False from a batch that could not be stored until one is. For any thread.</summary>
    public bool TakesWrites => Volatile.Read(ref _refused) == 0;

    /// <summary>The thread's body: until the queue is closed and drained.</summary>
    public void Run(WriterQueue queue)
    {
        var batch = new List<StoreOperation>();
        while (queue.Take(ref batch))
        {
            Process(batch, queue);
        }
    }

    /// <summary>Records a clean stop, so that the next start goes on with the next number.</summary>
    public void RecordCleanStop()
    {
        SetSync(true);
        _database.Execute($"BEGIN IMMEDIATE; UPDATE meta SET value = {_next - 1} WHERE name = 'last'; UPDATE meta SET value = 1 WHERE name = 'clean'; COMMIT");
        _database.Checkpoint(truncate: true);
    }

    private void Process(List<StoreOperation> batch, WriterQueue queue)
    {
        try
        {
            Commit(batch, queue);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            Undo(batch, e);
            return;
        }
        if (_refused > 0 && _changes.Count > 0)
        {
            Log.WritesAgain(_options.Logger, _store.Where, _refused);
            _refused = 0;
        }
        var bytes = 0L;
        foreach (var change in _changes)
        {
            bytes += change.New.Json.Length;
            _ring.Add(change);
            change.Table.Publish(change, _options.Logger);
        }
        _checkpointer?.Committed(_changes.Count, bytes);
        _numbered.Clear();
        _changes.Clear();
        _uncommitted.Clear();
        foreach (var operation in batch)
        {
            Finish(operation);
        }
    }

    private void Commit(List<StoreOperation> batch, WriterQueue queue)
    {
        var synced = false;
        var writes = 0;
        foreach (var operation in batch)
        {
            synced |= operation.Synced;
            writes += operation is StoreWrite ? 1 : 0;
        }
        if (writes > 0)
        {
            Reserve(writes);
            SetSync(synced);
        }
        var at = _options.TimeProvider.GetUtcNow().ToUnixTimeMilliseconds();
        Decide(batch, 0, at);
        if (_changes.Count > 0)
        {
            Join(batch, queue, at);
            _log.Trim(at, _changes.Count);
            _commit.Run();
        }
    }

    /// <summary>
    /// While writes keep coming they join the transaction: its commit, dearer than many writes, is paid once for all. A write that is alone does not wait.
    /// </summary>
    private void Join(List<StoreOperation> batch, WriterQueue queue, long at)
    {
        var spins = s_patience;
        for (var first = batch.Count; queue.TakeMore(batch, Room(batch), _fullSync) > 0; first = batch.Count)
        {
            Decide(batch, first, at);
            queue.Linger(ref spins);
        }
    }

    // The durable mark is raised before a transaction, never inside one.
    private int Room(List<StoreOperation> batch) => (int)Math.Clamp(_high - _next + 1, 0, Math.Max(0, MostJoined - batch.Count));

    private void Decide(List<StoreOperation> batch, int first, long at)
    {
        for (var i = first; i < batch.Count; i++)
        {
            if (batch[i] is StoreWrite write)
            {
                Decide(write, at);
            }
        }
    }

    private void Finish(StoreOperation operation)
    {
        try
        {
            (operation as IStoreChore)?.Run(_database);
            operation.Complete();
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            operation.Fail(Refusal(e));
        }
    }

    private void Decide(StoreWrite write, long at)
    {
        var current = Look(write.Table, write.Key);
        if ((current?.Version ?? 0) != write.Expected)
        {
            write.Result = new WriteResult(WriteOutcome.Moved, current);
            if (current is null || write.Otherwise is null || !Rework(write, current))
            {
                return;
            }
        }
        if (write.OpenNamespace is { } namespaces)
        {
            var home = Look(namespaces, ObjectKey.Cluster(write.Key.Namespace));
            if (home is null || home.Metadata.IsDeleting)
            {
                write.Result = new WriteResult(WriteOutcome.NamespaceClosed, home);
                return;
            }
        }
        if (write.Action == StoreAction.Create && write.Table.Refuse(write.Key.Name) is { } refusal)
        {
            write.Fail(refusal);
            return;
        }
        Debug.Assert(_next <= _high, "versions are handed out only below the durable high-water mark");
        var version = _next++;
        var next = write.Next.WithVersion(version);
        var type = write.Action switch
        {
            StoreAction.Create => WatchEventType.Added,
            StoreAction.Replace => WatchEventType.Modified,
            _ => WatchEventType.Deleted,
        };
        Store(new StoreChange(version, write.Table, type, next, current), write.Key, at);
        _uncommitted[(write.Table, write.Key)] = type == WatchEventType.Deleted ? null : next;
        write.Result = new WriteResult(WriteOutcome.Done, next);
    }

    /// <summary>Works a contended write out anew; false when there is nothing (more) to store.</summary>
    private static bool Rework(StoreWrite write, KubeObject current)
    {
        try
        {
            var next = write.Otherwise!(current);
            write.Result = new WriteResult(WriteOutcome.Done, current);
            write.Action = next is null ? StoreAction.Remove : StoreAction.Replace;
            write.Next = next is null ? current : ObjectSize.Check(next);
            return next is null || !next.SameAs(current);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            write.Fail(e);
            return false;
        }
    }

    private KubeObject? Look(KindTable table, ObjectKey key) =>
        _uncommitted.Count > 0 && _uncommitted.TryGetValue((table, key), out var pending) ? pending : table.Get(key);

    private void Store(in StoreChange change, ObjectKey key, long at)
    {
        if (_changes.Count == 0)
        {
            _begin.Run();
        }
        if (change.Table.Id == 0)
        {
            change.Table.Id = StoreSchema.AddKind(_database, change.Table.Kind.ResourceName);
            _numbered.Add(change.Table);
        }
        if (change.Type == WatchEventType.Deleted)
        {
            _remove.Bind(1, change.Table.Id).Bind(2, key.Namespace).Bind(3, key.Name).Run();
        }
        else
        {
            _put.Bind(1, change.Table.Id).Bind(2, key.Namespace).Bind(3, key.Name).Bind(4, change.Version).Run();
        }
        _log.Append(change, at);
        _changes.Add(change);
    }

    /// <summary>Raises the durable mark before a number above it is used.</summary>
    private void Reserve(int count)
    {
        if (_next + count <= _high)
        {
            return;
        }
        SetSync(true);
        var high = _next + count + _options.VersionBlock;
        _reserve.Bind(1, high).Run();
        _high = high;
    }

    private void SetSync(bool full)
    {
        if (_fullSync != full)
        {
            // Never prepared: SQLite runs this pragma while it compiles it, and stepping it again does nothing.
            _database.Execute(full ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL");
            _fullSync = full;
        }
    }

    /// <summary>Nothing of a failed batch happened: readers kept the old state, and the next batch tries anew.</summary>
    private void Undo(List<StoreOperation> batch, Exception cause)
    {
        _changes.Clear();
        _uncommitted.Clear();
        _numbered.ForEach(static table => table.Id = 0);
        _numbered.Clear();
        try
        {
            if (_database.InTransaction)
            {
                _database.Execute("ROLLBACK");
            }
            _log.Reload();
        }
        catch (SqliteFailure e)
        {
            Log.RollbackFailed(_options.Logger, e);
        }
        Report(batch, cause);
        foreach (var operation in batch)
        {
            operation.Fail(Refusal(cause));
        }
    }

    /// <summary>A disk that fails is told of once, however many writes it takes with it; whoever asked for one of them hears of it anyway.</summary>
    private void Report(List<StoreOperation> batch, Exception cause)
    {
        if (cause is not SqliteFailure failure)
        {
            Log.Defect(_options.Logger, cause, batch.Count, _store.Where);
            return;
        }
        if (_refused == 0)
        {
            Log.WritesFail(_options.Logger, _store.Where, failure.Message, failure.Advice);
        }
        _refused += batch.Count;
    }

    private ApiException Refusal(Exception cause) => cause is SqliteFailure failure
        ? new(507, "InternalError", $"nothing was stored: the database in {_store.Where} cannot be used: {cause.Message}; {failure.Advice}")
        : new(500, "InternalError", $"nothing was stored: {cause.Message}");

    private static partial class Log
    {
        [LoggerMessage(10, LogLevel.Error, "The database in {Where} cannot be written, and every write is refused until it can: {Cause}; {Advice}")]
        public static partial void WritesFail(ILogger logger, string where, string cause, string advice);

        [LoggerMessage(12, LogLevel.Error, "{Count} writes to the database in {Where} failed; this is a defect: please report it")]
        public static partial void Defect(ILogger logger, Exception e, int count, string where);

        [LoggerMessage(13, LogLevel.Warning, "The database in {Where} can be written again; {Count} writes were refused meanwhile")]
        public static partial void WritesAgain(ILogger logger, string where, long count);

        [LoggerMessage(11, LogLevel.Error, "A failed transaction could not be rolled back")]
        public static partial void RollbackFailed(ILogger logger, Exception e);
    }
}
