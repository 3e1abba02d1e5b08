using SQLitePCL;

namespace Serval.ApiServer.Store;

/// <summary>One SQLite connection. Used by one thread at a time. SQLite is called directly: the write path allocates nothing.</summary>
internal sealed class SqliteDatabase : IDisposable
{
    private readonly sqlite3 _handle;
    private readonly List<SqliteStatement> _statements = [];

    static SqliteDatabase() => Batteries_V2.Init();

    public SqliteDatabase(string path)
    {
        const int Flags = raw.SQLITE_OPEN_READWRITE | raw.SQLITE_OPEN_CREATE | raw.SQLITE_OPEN_NOMUTEX;
        var code = raw.sqlite3_open_v2(path, out _handle, Flags, null);
        if (code != raw.SQLITE_OK)
        {
            var failure = new SqliteFailure(code, raw.sqlite3_errstr(code).utf8_to_string(), "open");
            _handle.Dispose();
            throw failure;
        }
        raw.sqlite3_busy_timeout(_handle, 5000);
    }

    public bool InTransaction => raw.sqlite3_get_autocommit(_handle) == 0;

    public void Execute(string sql) => Check(raw.sqlite3_exec(_handle, sql), sql);

    /// <summary>Prepared once and kept until the connection closes.</summary>
    public SqliteStatement Prepare(string sql)
    {
        Check(raw.sqlite3_prepare_v2(_handle, sql, out var statement), sql);
        var prepared = new SqliteStatement(this, statement, sql);
        _statements.Add(prepared);
        return prepared;
    }

    /// <summary>The single number a query gives, or null.</summary>
    public long? Scalar(string sql)
    {
        Check(raw.sqlite3_prepare_v2(_handle, sql, out var handle), sql);
        using (handle)
        {
            var code = raw.sqlite3_step(handle);
            if (code == raw.SQLITE_DONE)
            {
                return null;
            }
            Check(code == raw.SQLITE_ROW ? raw.SQLITE_OK : code, sql);
            return raw.sqlite3_column_type(handle, 0) == raw.SQLITE_NULL ? null : raw.sqlite3_column_int64(handle, 0);
        }
    }

    /// <summary>
    /// Moves what it can from the log into the database without disturbing readers or the writer. Gives the log's length in pages when that began.
    /// When all of it is moved, and nothing came meanwhile, the next commit overwrites the log from its beginning.
    /// </summary>
    public int Checkpoint(bool truncate)
    {
        var code = raw.sqlite3_wal_checkpoint_v2(
            _handle, "main", truncate ? raw.SQLITE_CHECKPOINT_TRUNCATE : raw.SQLITE_CHECKPOINT_PASSIVE, out var pages, out _);
        if (code != raw.SQLITE_BUSY)
        {
            Check(code, "checkpoint");
        }
        return pages;
    }

    public void Check(int code, string during)
    {
        if (code != raw.SQLITE_OK)
        {
            throw new SqliteFailure(raw.sqlite3_extended_errcode(_handle), raw.sqlite3_errmsg(_handle).utf8_to_string(), during);
        }
    }

    public void Dispose()
    {
        foreach (var statement in _statements)
        {
            statement.Dispose();
        }
        _handle.Dispose();
    }
}
