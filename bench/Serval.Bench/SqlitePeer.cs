using SQLitePCL;

namespace Serval.Bench;

/// <summary>The least that keeps the same bytes: one table of keys and values in SQLite, with a write-ahead log and a full sync at each commit.</summary>
internal sealed class SqlitePeer : IDisposable
{
    private readonly sqlite3 _database;
    private readonly sqlite3_stmt _put;
    private readonly sqlite3_stmt _list;

    public SqlitePeer(string path)
    {
        Batteries_V2.Init();
        Check(raw.sqlite3_open_v2(path, out _database, raw.SQLITE_OPEN_READWRITE | raw.SQLITE_OPEN_CREATE | raw.SQLITE_OPEN_NOMUTEX, null));
        Check(raw.sqlite3_exec(_database, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE objects(key TEXT PRIMARY KEY, value BLOB NOT NULL)"));
        Check(raw.sqlite3_prepare_v2(_database, "INSERT INTO objects VALUES(?1, ?2) ON CONFLICT(key) DO UPDATE SET value = excluded.value", out _put));
        Check(raw.sqlite3_prepare_v2(_database, "SELECT value FROM objects ORDER BY key", out _list));
    }

    /// <summary>Puts a batch in one transaction; it is on the disk when this returns.</summary>
    public void Put(IEnumerable<(string Key, ReadOnlyMemory<byte> Value)> batch)
    {
        Check(raw.sqlite3_exec(_database, "BEGIN IMMEDIATE"));
        foreach (var (key, value) in batch)
        {
            Check(raw.sqlite3_bind_text(_put, 1, key));
            Check(raw.sqlite3_bind_blob(_put, 2, value.Span));
            if (raw.sqlite3_step(_put) != raw.SQLITE_DONE)
            {
                throw new InvalidOperationException(raw.sqlite3_errmsg(_database).utf8_to_string());
            }
            Check(raw.sqlite3_reset(_put));
        }
        Check(raw.sqlite3_exec(_database, "COMMIT"));
    }

    /// <summary>Reads every value; gives how many bytes they are.</summary>
    public long List()
    {
        var bytes = 0L;
        while (raw.sqlite3_step(_list) == raw.SQLITE_ROW)
        {
            bytes += raw.sqlite3_column_blob(_list, 0).ToArray().Length;
        }
        Check(raw.sqlite3_reset(_list));
        return bytes;
    }

    public void Dispose()
    {
        _put.Dispose();
        _list.Dispose();
        _database.Dispose();
    }

    private void Check(int code)
    {
        if (code != raw.SQLITE_OK)
        {
            throw new InvalidOperationException(raw.sqlite3_errmsg(_database).utf8_to_string());
        }
    }
}
